"""One JSON line for each request: who (the key's id), what, and how it ended. Never a key, never a body."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()
GIVEN_ID = re.compile(r"^[\w.:-]{1,80}$", re.ASCII)
QUIET = frozenset({"/health"})


def note(scope: Scope, **facts: Any) -> None:
    """Add facts to this request's line."""
    scope["state"]["noted"].update({name: fact for name, fact in facts.items() if fact is not None})


class AccessLog:
    """Outermost, plain ASGI: gives each request an id, sends it back, and writes the line at the end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if GIVEN_ID.match(given) else f"req_{secrets.token_hex(12)}"
        noted: dict[str, Any] = {}
        scope["state"] = {**scope.get("state", {}), "request_id": request_id, "noted": noted}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                noted.setdefault("status", message["status"])
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            if scope["path"] not in QUIET:
                _write(scope, request_id, time.perf_counter() - started, noted)


def _write(scope: Scope, request_id: str, seconds: float, noted: dict[str, Any]) -> None:
    facts = {"status": 500, **noted}
    log.info(
        "request",
        method=scope["method"],
        path=scope["path"][:200],
        ms=round(seconds * 1000, 1),
        request_id=request_id,
        **facts,
    )
