"""Around the fake's routes: the key, and the faults of the wire itself."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.providers.fake import faults
from trainer.providers.fake.faults import REFUSALS
from trainer.providers.fake.state import State


class Broken(Exception):
    """Makes the server close the connection."""


class Faulty:
    def __init__(self, app: ASGIApp, state: State, *, key: str, hang_s: float) -> None:
        self.app, self.state, self.key, self.hang_s = app, state, key, hang_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            await self.app(scope, receive, send)
            return
        asked = f"{scope['method']} {scope['path']}"
        with self.state.held() as data:
            data["asked"].append(asked)
            fault = faults.take(data, "fault", asked)
        if not self._let_in(scope):
            fault = "bad_key"
        if fault is None:
            await self.app(scope, receive, send)
        elif fault in REFUSALS:
            await _refusal(fault)(scope, receive, send)
        else:
            await self._wire(fault, scope, receive, send)

    def _let_in(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        given = headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        return bool(given) if not self.key else self.key in (given, headers.get(b"api-key", b"").decode("latin-1"))

    async def _wire(self, fault: str, scope: Scope, receive: Receive, send: Send) -> None:
        if fault in ("garbage", "html"):
            kind = "application/json" if fault == "garbage" else "text/html"
            await Response("<html>{ half an ans", media_type=kind)(scope, receive, send)
            return
        if fault in ("reset_after", "hang_after"):
            await self.app(scope, receive, _swallow)
        if fault in ("hang", "hang_after"):
            await asyncio.sleep(self.hang_s)
        else:  # half an answer, then nothing
            head: Any = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": b'{"id": "ft', "more_body": True})
        raise Broken


async def _swallow(_: Message) -> None:
    """Nobody hears the answer."""


def _refusal(name: str) -> JSONResponse:
    status, kind, code, message = REFUSALS[name]
    headers = {"retry-after": "1"} if name == "rate_limit" else {}
    return JSONResponse(faults.error(code, message, kind=kind), status_code=status, headers=headers)
