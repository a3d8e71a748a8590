"""Socket Mode: connections, envelopes, acks and redelivery."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.cast import APP_ID
from bot.sandbox.settings import Settings

Json = dict[str, Any]
MAX_CONNECTIONS = 10
TICKET_SECONDS = 60.0


class NotAcked(Exception):
    """The app did not acknowledge in time, or nobody was listening."""


@dataclass
class Waiting:
    """An envelope on its way: where it went and the promise of its ack."""

    future: asyncio.Future[Json]
    socket: web.WebSocketResponse


class SocketHub:
    def __init__(self, settings: Settings):
        self._settings = settings
        self._sockets: list[web.WebSocketResponse] = []
        self._turn = 0
        self._tickets: dict[str, float] = {}
        self._waiting: dict[str, Waiting] = {}
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delivered: deque[Json] = deque(maxlen=500)  # event payloads, newest last
        self.drop_acks = 0  # acks that get lost on their way here
        self.ack_log: deque[Json] = deque(maxlen=500)

    @property
    def connections(self) -> int:
        return len(self._sockets)

    def issue_ticket(self) -> str:
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = time.monotonic()
        return ticket

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One app connection: hello, then acks until it closes."""
        born = self._tickets.pop(request.query.get("ticket", ""), None)
        if born is None or time.monotonic() - born > TICKET_SECONDS:
            raise web.HTTPForbidden(text="unknown or used ticket: call apps.connections.open for a new one")
        socket = web.WebSocketResponse(max_msg_size=16 << 20)
        await socket.prepare(request)
        await socket.send_json(self._hello(request.host))
        self._sockets.append(socket)
        self._arrived.set()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._take_ack(message.data)
        finally:
            self._forget(socket)
        return socket

    def _hello(self, host: str) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._sockets) + 1,
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": host, "build_number": 1, "approximate_connection_time": 18060},
        }

    def _take_ack(self, text: str) -> None:
        try:
            ack = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(ack.get("envelope_id", "")) if isinstance(ack, dict) else None
        if self.drop_acks > 0 and waiting:
            self.drop_acks -= 1
            return
        if waiting and not waiting.future.done():
            waiting.future.set_result(ack.get("payload") or {})

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)
        if not self._sockets:
            self._arrived.clear()
        for waiting in self._waiting.values():
            if waiting.socket is socket and not waiting.future.done():
                waiting.future.set_exception(NotAcked("the connection closed"))

    async def ask(self, kind: str, payload: Json, *, retry: tuple[int, str] = (0, "")) -> Json:
        """Send one envelope to one connection and return the ack's payload; NotAcked after `ack_seconds`."""
        if not self._sockets:
            raise NotAcked("no connection is open")
        socket = self._sockets[self._turn % len(self._sockets)]
        self._turn += 1
        envelope_id = str(uuid.uuid4())
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = Waiting(future, socket)
        envelope: Json = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0], "retry_reason": retry[1]}
        started = time.monotonic()
        try:
            await socket.send_json(envelope)
            answer = await asyncio.wait_for(future, self._settings.ack_seconds)
        except (TimeoutError, ConnectionError) as error:
            raise NotAcked("the ack did not come in time") from error
        finally:
            self._waiting.pop(envelope_id, None)
        self.ack_log.append({"type": kind, "seconds": time.monotonic() - started})
        return answer

    def send_event(self, payload: Json) -> None:
        """Deliver an event in the background: it waits for a connection and is retried until acked."""
        self.delivered.append(payload)
        self._spawn(payload, first_attempt=0)

    def redeliver(self, event_id: str | None = None) -> Json:
        """Send an already delivered event again, same event_id, as Slack does after a lost ack."""
        known = [p for p in self.delivered if event_id in (None, p["event_id"])]
        if not known:
            raise KeyError(event_id or "no event yet")
        self._spawn(known[-1], first_attempt=1)
        return known[-1]

    def _spawn(self, payload: Json, first_attempt: int) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(payload, first_attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, payload: Json, first_attempt: int) -> None:
        delays = (0.0, *self._settings.event_retry_delays)
        for attempt, delay in enumerate(delays, start=first_attempt):
            if delay:
                await asyncio.sleep(delay)
            try:
                await asyncio.wait_for(self._arrived.wait(), self._settings.event_window_seconds)
                await self.ask("events_api", payload, retry=(attempt, "timeout" if attempt else ""))
                return
            except (NotAcked, TimeoutError):
                continue

    async def disconnect(self, reason: str = "warning", *, abrupt: bool = False) -> int:
        """Tell every connection to reconnect, as Slack does now and then; `abrupt` just closes them."""
        sockets = list(self._sockets)
        for socket in sockets:
            if not abrupt:
                await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
            self._forget(socket)
            await socket.close()
        return len(sockets)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await self.disconnect(abrupt=True)
