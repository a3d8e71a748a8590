"""Who calls: a bearer key, looked up by its hash. No key is ever logged or echoed, only its id."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from gateway.errors import ApiError
from gateway.fresh import Fresh
from trainer.registry.keys import PREFIX, ApiKeys

KEY_TTL_S = 5.0


class Auth:
    """`check` answers with the key's id or raises 401; a revoked key stops working within 5 s."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys
        self._ids: Fresh[str, str] = Fresh(self._find, ttl_s=KEY_TTL_S)

    async def check(self, request: HTTPConnection) -> str:
        secret = _bearer(request.headers.get("authorization", ""))
        key_id = await self._ids.get(secret) if secret.startswith(PREFIX) else None
        if key_id is None:
            raise _refusal(given=bool(secret))
        return key_id

    def _find(self, secret: str) -> str | None:
        row = self._keys.find(secret)
        return row.id if row else None


def _bearer(header: str) -> str:
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _refusal(*, given: bool) -> ApiError:
    message = (
        "Incorrect API key provided."
        if given
        else "You didn't provide an API key. Send it as `Authorization: Bearer sk-tune-…`."
    )
    return ApiError(
        401,
        f"{message} Make one with `tunesmith keys create NAME`.",
        code="invalid_api_key",
        headers={"www-authenticate": "Bearer"},
    )
