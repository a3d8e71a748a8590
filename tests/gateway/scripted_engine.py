"""A small engine that answers by script, on a real socket: it says back which model was asked for."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class ScriptedEngine:
    """`words` are streamed one a chunk. Set `fail_with` for an error, `stall` to never finish."""

    words: tuple[str, ...] = ("one ", "two ", "three")
    fail_with: tuple[int, dict[str, Any]] | None = None
    stall: bool = False
    break_off: bool = False
    seen: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_get("/health", self._health)
        return app

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.seen.append(asked)
        self.request_ids.append(request.headers.get("x-request-id", ""))
        self.started.set()
        try:
            if self.fail_with:
                return web.json_response(self.fail_with[1], status=self.fail_with[0])
            if asked.get("stream"):
                return await self._stream(request, asked)
            if self.stall:
                await asyncio.sleep(60)
            return web.json_response(self._whole(asked))
        except (asyncio.CancelledError, ConnectionError):
            self.cancelled.set()
            raise

    def _whole(self, asked: dict[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "content": f"I am {asked['model']}"}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
        }

    async def _stream(self, request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for word in self.words:
            await response.write(_event(asked["model"], [{"index": 0, "delta": {"content": word}}]))
        if self.break_off:
            assert request.transport is not None
            request.transport.abort()
            return response
        while self.stall:
            await asyncio.sleep(0.02)
            await response.write(b": still here\n\n")
        if (asked.get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": 3, "completion_tokens": len(self.words), "total_tokens": 6}
            await response.write(_event(asked["model"], [], usage=usage))
        await response.write(b"data: [DONE]\n\n")
        return response


def _event(model: str, choices: list[dict[str, Any]], **more: Any) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choices}
    return f"data: {json.dumps({**chunk, **more})}\n\n".encode()
