"""POST /v1/chat/completions, a plain ASGI route: bytes pass through, only `model` is replaced."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.access_log import note
from gateway.auth import Auth
from gateway.body import read_body
from gateway.errors import ApiError, error_body
from gateway.hosted import Hosted
from gateway.names import Names, Target
from gateway.upstreams import Engine

PATH = "/v1/chat/completions"
MAX_MESSAGES = 2_000
CLIENT_CLOSED_REQUEST = 499
PASSED_BACK = ("content-type", "retry-after", "cache-control")
JSON = "application/json"


class _Message(msgspec.Struct):
    role: str


class _Wanted(msgspec.Struct):
    """What the gateway itself needs to know; the engine judges the rest."""

    model: str
    messages: list[_Message]
    stream: bool | None = None


class ChatCompletions:
    def __init__(self, auth: Auth, names: Names, engine: Engine, hosted: Hosted, *, max_body_bytes: int) -> None:
        self.auth = auth
        self.names = names
        self.engine = engine
        self.hosted = hosted
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        note(scope, key=await self.auth.check(request))
        body = await read_body(request, self.max_body_bytes)
        wanted, fields = parse(body)
        target = await self.names.resolve(wanted.model)
        note(scope, alias=target.alias, model=target.model)
        fields["model"] = msgspec.Raw(msgspec.json.encode(target.hosted or target.model))
        await self._until_disconnect(scope, receive, self._relay(scope, send, fields, target))

    async def _until_disconnect(self, scope: Scope, receive: Receive, work: Any) -> None:
        """Do `work`; if the client hangs up first, cancel it, which closes the connection to the engine."""
        working = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                note(scope, status=CLIENT_CLOSED_REQUEST)
                return
            await working
        finally:
            gone.cancel()
            working.cancel()
            await asyncio.gather(working, gone, return_exceptions=True)

    async def _relay(self, scope: Scope, send: Send, fields: dict[str, msgspec.Raw], target: Target) -> None:
        headers = {"content-type": JSON, "x-request-id": scope["state"]["request_id"]}
        upstream = self.hosted if target.hosted else self.engine
        async with upstream.post(PATH, msgspec.json.encode(fields), headers) as answer:
            if answer.content_type == "text/event-stream":
                await _pass_stream(send, answer, target)
            else:
                await _pass_whole(send, answer, target)


def parse(body: bytes) -> tuple[_Wanted, dict[str, msgspec.Raw]]:
    """The few typed fields, and every top-level field as it was written."""
    try:
        text = body.decode()
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        wanted = msgspec.json.decode(text, type=_Wanted)
    except msgspec.ValidationError as error:
        raise _not_a_chat(error) from None
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise ApiError(400, f"The body is not valid JSON in UTF-8: {_short(error)}.", code="invalid_json") from None
    if not 1 <= len(wanted.messages) <= MAX_MESSAGES:
        raise ApiError(
            400,
            f"`messages` has {len(wanted.messages):,} entries; from 1 to {MAX_MESSAGES:,} are allowed.",
            code="invalid_value",
            param="messages",
        )
    return wanted, fields


def _not_a_chat(error: msgspec.ValidationError) -> ApiError:
    message = str(error)
    param = next((name for name in ("messages", "stream", "model") if name in message), None)
    code = "missing_required_parameter" if "missing required" in message else "invalid_type"
    return ApiError(400, f"The body does not fit: {message}.", code=code, param=param)


def _short(error: Exception) -> str:
    return "too deeply nested" if isinstance(error, RecursionError) else str(error)[:200]


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pass_whole(send: Send, answer: aiohttp.ClientResponse, target: Target) -> None:
    try:
        body = await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        raise ApiError(502, "The engine broke off its answer; try again.", code="engine_broke_off") from None
    if answer.status >= 400 and answer.content_type != JSON:
        message = f"The engine refused the request with status {answer.status}."
        body = msgspec.json.encode(error_body(answer.status, message, code="engine_error"))
        await _start(send, answer, target, {"content-type": JSON, "content-length": str(len(body))})
    else:
        await _start(send, answer, target, {"content-length": str(len(body))})
    await send({"type": "http.response.body", "body": body})


async def _pass_stream(send: Send, answer: aiohttp.ClientResponse, target: Target) -> None:
    await _start(send, answer, target, {"cache-control": "no-cache", "x-accel-buffering": "no"})
    try:
        async for chunk in answer.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except (aiohttp.ClientError, TimeoutError):
        body = error_body(502, "The engine broke off its answer; try again.", code="engine_broke_off")
        event = b"\n\ndata: " + msgspec.json.encode(body) + b"\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, answer: aiohttp.ClientResponse, target: Target, headers: dict[str, str]) -> None:
    passed = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
    told = passed | headers | target.headers()
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in told.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
