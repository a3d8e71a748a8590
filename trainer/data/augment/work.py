"""Ask about every row, a few at a time; tell each answer as it comes, so that a crash repeats none of them."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from trainer.data.augment import prompts
from trainer.data.augment.ask import RETRIES, Reply
from trainer.data.augment.budget import Budget
from trainer.data.augment.spec import AugmentSpec
from trainer.data.augment.spec import tokens as count_tokens
from trainer.data.builder import content_key, errors
from trainer.errors import TunesmithError, Unavailable

Row = dict[str, Any]
AT_ONCE = 4
GRACE_S = 5.0
AWAY_IN_A_ROW = 5  # rows without any answer before the model is taken for gone
CAP = "The cap on tokens and requests that was approved is reached."


class Asks(Protocol):
    def ask(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> Reply: ...


class Made(msgspec.Struct):
    """What came of one source row: new rows, refused parts by reason, and what it took."""

    line: int
    key: str  # of the source row: lines of a one-line array are all the same
    rows: list[Row] = []
    refused: dict[str, int] = {}
    failed: str = ""  # the answer could not be read, twice
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """`stopped` says why before its time; "" when every row was asked about. Away: rows that got no answer."""

    stopped: str = ""
    asked_to: str | None = None  # "cancel" or "pause"
    away: int = 0
    error: TunesmithError | None = None


def work(
    spec: AugmentSpec,
    todo: Iterable[tuple[int, Row]],
    asker: Asks,
    budget: Budget,
    *,
    keep: Callable[[Made], None],
    should_stop: Callable[[], str | None],
) -> Ended:
    """Run to the end of `todo`, to the cap, or until told to stop. `keep` is called from this thread only."""
    crew = _Crew(spec, deque(todo), asker, budget)
    crew.start()
    away = in_a_row = 0
    try:
        while (found := crew.next()) is not None:
            if reason := should_stop():
                return Ended(asked_to=reason, away=away)
            if isinstance(found, Made):
                in_a_row = 0
                keep(found)
            elif isinstance(found, Unavailable):
                away, in_a_row = away + 1, in_a_row + 1
                if in_a_row >= AWAY_IN_A_ROW:
                    return Ended(str(found.what), away=away, error=found)
            elif isinstance(found, TunesmithError):
                return Ended(str(found.what), away=away, error=found)
            elif isinstance(found, Exception):
                raise found
    finally:
        crew.stop(keep)
    return Ended(CAP if crew.capped else "", away=away)


class _Crew:
    """Threads that ask. They are daemons: a request that hangs never holds the process back."""

    def __init__(self, spec: AugmentSpec, todo: deque[tuple[int, Row]], asker: Asks, budget: Budget) -> None:
        self.spec = spec
        self.todo = todo
        self.asker = asker
        self.budget = budget
        self.capped = False
        self._left = min(AT_ONCE, len(todo))
        self._stopping = threading.Event()
        self._found: queue.Queue[Made | Exception | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._work, name="ask", daemon=True) for _ in range(self._left)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def next(self) -> Made | Exception | str | None:
        """An answer, a failure, "" when nothing came for a while, None when all is done."""
        while self._left:
            try:
                found = self._found.get(timeout=0.25)
            except queue.Empty:
                return ""
            if found is not None:
                return found
            self._left -= 1
        return None

    def stop(self, keep: Callable[[Made], None]) -> None:
        """Ask nothing more; what comes within seconds is paid for, so it is kept."""
        self._stopping.set()
        until = time.monotonic() + GRACE_S
        while self._left and time.monotonic() < until:
            found = self.next()
            if isinstance(found, Made):
                keep(found)

    def _work(self) -> None:
        try:
            while not self._stopping.is_set() and self.todo:
                line, row = self.todo.popleft()
                try:
                    made = answer(self.spec, line, row, self.asker, self.budget)
                except Unavailable as away:
                    self._found.put(away)
                    continue
                if made is None:
                    self.capped = True
                    return
                self._found.put(made)
        except IndexError:  # another thread took the last row
            return
        except Exception as error:
            self._found.put(error)
        finally:
            self._found.put(None)


def row_key(row: Row) -> str:
    return content_key(row).hex()


def answer(spec: AugmentSpec, line: int, row: Row, asker: Asks, budget: Budget) -> Made | None:
    """Ask about one row, and once more where the answer cannot be read. None when the cap does not allow it."""
    made = Made(line, row_key(row))
    messages = prompts.wanted(spec.kind, spec.n, row)
    for _ in range(2):
        reply = _ask(spec, messages, asker, budget)
        if reply is None:
            return made if made.requests else None
        made.requests += 1
        made.input_tokens += reply.input_tokens
        made.output_tokens += reply.output_tokens
        try:
            parts = prompts.read(spec.kind, reply.text)
        except prompts.Unparsable:
            made.failed = "unparsable"
            continue
        made.failed = ""
        _sort(spec, row, parts, made)
        break
    return made


def _ask(spec: AugmentSpec, messages: list[dict[str, str]], asker: Asks, budget: Budget) -> Reply | None:
    given = sum(count_tokens(message["content"]) + 8 for message in messages)
    reserved = given + spec.max_output
    if not budget.reserve(reserved):
        return None
    used = given * (RETRIES + 1)  # nobody answered: each try may have been charged
    try:
        reply = asker.ask(messages, prompts.schema_of(spec.kind))
        into = reply.input_tokens or given
        out = reply.output_tokens or count_tokens(reply.text)
        used = into + out
        return Reply(reply.text, into, out, reply.seconds)
    finally:
        budget.settle(reserved, used)


def _sort(spec: AugmentSpec, row: Row, parts: list[Any], made: Made) -> None:
    """New rows that the check would take; all others by reason."""
    fresh, refused = prompts.rows_of(spec.kind, spec.n, row, parts)
    reasons = Counter(refused)
    for one in fresh:
        problem = next(iter(errors(one)), None)
        if problem:
            reasons[problem.code.replace("_", " ")] += 1
        else:
            made.rows.append(one)
    made.refused = dict(reasons)
