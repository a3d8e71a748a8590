"""Reading a request body no further than its limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from gateway.errors import ApiError

PATIENCE = 8  # a body of up to 8 × the limit is read and dropped, so that its sender gets to see the answer


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, or 413 where it is longer than `limit` bytes; never more than `limit` are kept."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > PATIENCE * limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > PATIENCE * limit:
                raise _too_large(limit)
            if size <= limit:
                parts.append(part)
    except ClientDisconnect:
        raise ApiError(400, "The connection closed before the body was complete.") from None
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _too_large(limit: int) -> ApiError:
    return ApiError(
        413,
        f"The body is larger than the limit of {limit:,} bytes. "
        "Send less, or raise TUNESMITH_MAX_BODY_BYTES at the gateway.",
        code="request_too_large",
        headers={"connection": "close"},
    )
