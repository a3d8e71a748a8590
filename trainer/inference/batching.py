"""Requests of many callers become batches in one worker thread; each caller hears of its own row alone."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from dataclasses import dataclass, field, replace

from trainer.errors import BadInput, LimitExceeded, TunesmithError, Unavailable
from trainer.inference.decode import Row
from trainer.inference.model import Generator
from trainer.inference.pool import ModelRef, Pool
from trainer.types import GenerateRequest, GenerateResult

log = logging.getLogger(__name__)

Event = str | GenerateResult | Exception  # a piece of text, the end, or what went wrong


@dataclass(slots=True, eq=False)
class Ticket:
    """One request on its way. Read `events` in the event loop; `cancel` is safe from any thread."""

    ref: ModelRef
    request: GenerateRequest
    stream: bool
    loop: asyncio.AbstractEventLoop
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    row: Row | None = None
    cancelled: bool = False

    def tell(self, event: Event) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.events.put_nowait, event)

    def cancel(self) -> None:
        self.cancelled = True
        if self.row is not None:
            self.row.cancelled = True


class Batcher:
    """Collects requests for a moment, then answers them together. Waiting places are limited."""

    def __init__(self, pool: Pool, *, most: int = 16, wait_s: float = 0.01, places: int = 128) -> None:
        self.pool, self.most, self.wait_s = pool, most, wait_s
        self._waiting: queue.Queue[Ticket | None] = queue.Queue(places)
        self._thread: threading.Thread | None = None
        self._running: list[Ticket] = []

    @property
    def waiting(self) -> int:
        return self._waiting.qsize()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cut short what runs, refuse what waits, and end the thread."""
        for ticket in list(self._running):
            ticket.cancel()
        while not self._waiting.empty():
            waiting = self._waiting.get_nowait()
            if waiting is not None:
                waiting.tell(Unavailable("The engine is shutting down.", fix="Try again in a moment."))
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(timeout=10)

    def submit(self, ticket: Ticket) -> None:
        try:
            self._waiting.put_nowait(ticket)
        except queue.Full:
            raise LimitExceeded(
                "The engine has as many requests waiting as it will hold.",
                fix="Try again in a second.",
                code="engine_busy",
            ) from None

    def _work(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            batch, ending = self._collect(first)
            by_base: dict[str, list[Ticket]] = {}
            for ticket in batch:
                by_base.setdefault(ticket.ref.weights, []).append(ticket)
            for tickets in by_base.values():
                self._answer([t for t in tickets if not t.cancelled])
            if ending:
                return

    def _collect(self, first: Ticket) -> tuple[list[Ticket], bool]:
        batch, until = [first], time.monotonic() + self.wait_s
        while len(batch) < self.most:
            try:
                ticket = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if ticket is None:
                return batch, True
            batch.append(ticket)
        return batch, False

    def _answer(self, tickets: list[Ticket]) -> None:
        if not tickets:
            return
        self._running = tickets
        try:
            generator = self.pool.base(tickets[0].ref)
            rows = [row for ticket in tickets if (row := self._row(generator, ticket, tickets)) is not None]
            if rows:
                generator.run(rows)
        except Exception as error:
            for ticket in tickets:
                ticket.tell(_told(error))
        finally:
            self._running = []

    def _row(self, generator: Generator, ticket: Ticket, batch: list[Ticket]) -> Row | None:
        """The ticket as a row of the batch; what is wrong with it alone is told to its caller alone."""
        try:
            needed = [t.ref.adapter_dir for t in batch if t.ref.adapter_dir]
            adapter = self.pool.adapter(ticket.ref, needed)
            request = replace(ticket.request, adapter=adapter)
            row = generator.row(request, ticket.tell if ticket.stream else None)
            if row.limit < 1:
                raise too_long(len(row.prompt), len(row.prompt) + row.limit)
            row.on_done = lambda done: ticket.tell(done.result(generator.tokenizer))
            row.cancelled = ticket.cancelled
            ticket.row = row
        except Exception as error:
            ticket.tell(_told(error))
            return None
        return row


def too_long(prompt: int, context: int) -> BadInput:
    return BadInput(
        f"The prompt has {prompt} tokens; this model's context is {context}, answer included.",
        fix="Shorten the messages.",
        code="context_length_exceeded",
        param="messages",
    )


def _told(error: Exception) -> Exception:
    """What a caller may hear. Anything unforeseen is logged here and told without its details."""
    if isinstance(error, TunesmithError):
        return error
    log.error("a batch failed", exc_info=error)
    if type(error).__name__ == "OutOfMemoryError":
        return Unavailable("The engine ran out of memory.", fix="Try again, with a shorter prompt.")
    return TunesmithError("The engine failed on this request.", fix="Try again; its log has the cause.")
