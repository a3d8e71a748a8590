"""The engine: bases and adapters behind OpenAI's chat API, over HTTP, from one copy of each base's
weights."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from trainer.errors import BadInput, TunesmithError, Unavailable
from trainer.inference import wire
from trainer.inference.batching import Batcher, Event, Ticket
from trainer.inference.model import Generator, load
from trainer.inference.pool import ModelRef, Pool
from trainer.settings import Settings
from trainer.types import GenerateResult

__all__ = ["ModelRef", "create_app"]

Resolve = Callable[[str], ModelRef]
LOOK_EVERY_S = 0.25  # at whether the caller is still there


def create_app(
    settings: Settings,
    resolve_model: Resolve,
    *,
    preload: Sequence[str] = (),
    load_base: Callable[[str], Generator] = load,
    bases: int = 2,
    adapters: int = 16,
    places: int = 128,
    timeout_s: float = 300.0,
) -> Starlette:
    """`resolve_model` turns a name of the wire (a base, or ft:…) into where it lies, or raises NotFound; it
    may do I/O. `preload` names models to load before the first request. A request that takes longer than
    `timeout_s` ends with 503."""
    pool = Pool(load_base, bases=bases, adapters=adapters)
    engine = Engine(settings, resolve_model, pool, Batcher(pool, places=places), timeout_s)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        for name in preload:
            pool.base(await run_in_threadpool(resolve_model, name))
        engine.batcher.start()
        yield
        await run_in_threadpool(engine.batcher.stop)

    return Starlette(
        routes=[
            Route("/v1/chat/completions", engine.chat, methods=["POST"]),
            Route("/v1/models", engine.models, methods=["GET"]),
            Route("/health", engine.health, methods=["GET"]),
        ],
        lifespan=lifespan,
        exception_handlers={TunesmithError: _say, HTTPException: _say_http, Exception: _say_nothing_much},
    )


class Engine:
    """The routes."""

    def __init__(self, settings: Settings, resolve: Resolve, pool: Pool, batcher: Batcher, timeout_s: float) -> None:
        self.settings, self.resolve, self.pool, self.batcher = settings, resolve, pool, batcher
        self.timeout_s = timeout_s
        self.born = int(time.time())

    async def chat(self, request: Request) -> Response:
        body = await read_body(request, self.settings.max_body_bytes)
        asked = wire.read(body, most_tokens=self.settings.max_new_tokens)
        ref = await run_in_threadpool(self.resolve, asked.model)
        ticket = Ticket(ref, asked.request, asked.stream, asyncio.get_running_loop())
        self.batcher.submit(ticket)
        until = time.monotonic() + self.timeout_s
        try:
            first = await self._next(ticket, until, request)
        except BaseException:
            ticket.cancel()
            raise
        if isinstance(first, Exception):
            raise first
        answer = wire.Answer(asked)
        if asked.stream:
            stream = self._stream(ticket, first, answer, until)
            return StreamingResponse(stream, media_type="text/event-stream")
        assert isinstance(first, GenerateResult)
        return JSONResponse(answer.whole(first))

    async def models(self, request: Request) -> Response:
        shapes = [
            {"id": name, "object": "model", "created": self.born, "owned_by": "tunesmith"} for name in self.pool.names()
        ]
        return JSONResponse({"object": "list", "data": shapes})

    async def health(self, request: Request) -> Response:
        state = {"status": "ok", "loaded": self.pool.names(), "waiting": self.batcher.waiting}
        return JSONResponse(state | {"rss_bytes": rss_bytes()})

    async def _next(self, ticket: Ticket, until: float, request: Request | None = None) -> Event:
        """The next event of this ticket. A caller who left (`request` given) or a time-out ends the row."""
        while True:
            left = until - time.monotonic()
            if left <= 0:
                ticket.cancel()
                return Unavailable(
                    "The answer took longer than the time limit.",
                    fix="Ask for fewer tokens, or try again when the engine is less busy.",
                    code="timeout",
                )
            try:
                return await asyncio.wait_for(ticket.events.get(), min(left, LOOK_EVERY_S))
            except TimeoutError:
                if request is not None and await request.is_disconnected():
                    raise ClientDisconnect from None

    async def _stream(self, ticket: Ticket, event: Event, answer: wire.Answer, until: float) -> AsyncIterator[bytes]:
        try:
            yield _sse(answer.chunk({"role": "assistant", "content": ""}))
            while isinstance(event, str):
                yield _sse(answer.chunk({"content": event}))
                event = await self._next(ticket, until)
            if isinstance(event, Exception):
                yield _sse(wire.error_body(_as_ours(event))[1])
                return
            yield _sse(answer.chunk({}, event.finish_reason))
            if answer.asked.include_usage:
                yield _sse(answer.usage_chunk(event))
            yield b"data: [DONE]\n\n"
        finally:
            ticket.cancel()  # the caller has it all, or has left


async def read_body(request: Request, most: int) -> Any:
    """The JSON body, refused when longer than `most` bytes, however it is sent."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413, f"The body is longer than {most} bytes.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput("The body is not JSON.", code="invalid_json") from None


def rss_bytes() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _sse(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _as_ours(error: Exception) -> TunesmithError:
    if isinstance(error, TunesmithError):
        return error
    return TunesmithError("The engine failed on this request.")


async def _say(request: Request, error: Exception) -> Response:
    status, body = wire.error_body(_as_ours(error))
    code = body["error"]["code"]
    if code == "not_found":
        body["error"]["code"] = "model_not_found"
    return JSONResponse(body, status, headers={"Retry-After": "1"} if status in (429, 503) else None)


async def _say_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = {"message": error.detail, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": told}, error.status_code, headers=error.headers)


async def _say_nothing_much(request: Request, error: Exception) -> Response:
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)
    told = {"message": "The engine failed.", "type": "server_error", "param": None, "code": "internal"}
    return JSONResponse({"error": told}, 500)
