"""Everybody answers the same cases in the same words, once. What is answered is kept at once, so that whoever goes on
after a crash asks nothing twice."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from trainer.errors import BadInput, Unavailable
from trainer.evals.case import BASE, FEW_SHOT, Answer, Case, Contestant, Suite
from trainer.evals.gate.spec import Decoding
from trainer.types import ChatMessage, GenerateRequest

Ask = Callable[[Sequence[GenerateRequest]], Iterable[tuple[int, Answer]]]
"""Requests in, (place, answer) out, in any order, as they are ready. `adapter` is the contestant, None the base."""

Key = tuple[str, str, str]  # contestant, suite, case
Progress = Callable[[int, int], None]
WAITING = 8  # answers that may wait to be kept while others are


@dataclass(frozen=True, slots=True)
class Question(GenerateRequest):
    """A request whose right answer is known: whoever can tell how likely it was fills `Answer.nats`."""

    expected: str | None = None


class Silent(Exception):
    """A contestant answers no more; `why` is a sentence."""

    def __init__(self, contestant: str, why: str) -> None:
        super().__init__(contestant, why)
        self.contestant = contestant
        self.why = why


class Book(Protocol):
    """Where answers are kept until the evaluation has ended."""

    def known(self) -> dict[Key, Answer]: ...
    def keep(self, given: Sequence[tuple[Key, Answer]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Questions(Sequence[GenerateRequest]):
    """What is still to be asked, each request made when it is looked at: prompts are not held twice."""

    asked: list[tuple[Contestant, Suite, Case]]
    decoding: Decoding
    shots: tuple[ChatMessage, ...] = ()
    likelihood: bool = False

    def __len__(self) -> int:
        return len(self.asked)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        contestant, _, case = self.asked[at]
        return Question(
            with_shots(case.messages, self.shots) if contestant.key == FEW_SHOT else case.messages,
            None if contestant.key == BASE else contestant.key,
            self.decoding.max_tokens,
            self.decoding.temperature,
            seed=self.decoding.seed,
            expected=(case.expected or None) if self.likelihood else None,
        )

    def key(self, at: int) -> Key:
        contestant, suite, case = self.asked[at]
        return contestant.key, suite.name, case.id


def with_shots(messages: tuple[ChatMessage, ...], shots: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """Examples as turns before the question, after what the system says."""
    system = sum(1 for m in messages[:1] if m.role in ("system", "developer"))
    return (*messages[:system], *shots, *messages[system:])


def ask_all(
    suites: Sequence[Suite],
    contestants: Sequence[Contestant],
    *,
    ask: Ask,
    decoding: Decoding,
    shots: tuple[ChatMessage, ...] = (),
    likelihood: bool = False,
    book: Book | None = None,
    on_progress: Progress | None = None,
) -> dict[Key, Answer]:
    """Every answer by contestant, suite and case. `on_progress` hears (rows done, rows in all), first of all how many
    were known before. Raises Unavailable when a contestant answers no more; what was answered is kept."""
    wanted = [(who, suite, case) for suite in suites for case in suite.cases for who in contestants]
    known = book.known() if book else {}
    keys = [(who.key, suite.name, case.id) for who, suite, case in wanted]
    if len(set(keys)) < len(keys):
        raise BadInput("Two cases of a suite, or two contestants, have the same name.", code="same_name")
    answers = {key: known[key] for key in keys if key in known}
    left = [one for one, key in zip(wanted, keys, strict=True) if key not in answers]
    questions = Questions(left, decoding, shots, likelihood)
    rows = len(keys) // max(1, len(contestants))
    tell = _teller(on_progress, rows, len(keys), len(answers))
    with Keeper(book.keep if book else None) as keeper:
        try:
            for at, said in ask(questions) if left else ():
                key, answer = questions.key(at), sendable(said)
                answers[key] = answer
                keeper.put(key, answer)
                tell(len(answers))
        except Silent as silent:
            raise _gone(silent, contestants, keys, answers) from None
    if len(answers) < len(keys):
        said = f"{len(answers):,} answers came for {len(keys):,} prompts."
        raise Unavailable(said, fix="Run the evaluation again when the models answer.", code="contestant_silent")
    return answers


def sendable(answer: Answer) -> Answer:
    """With ? for half a character, which no file can hold: what some servers leave of one that the token limit cut."""
    try:
        answer.text.encode()
    except UnicodeEncodeError:
        return replace(answer, text=answer.text.encode("utf-8", "replace").decode())
    return answer


def _teller(on_progress: Progress | None, rows: int, total: int, known: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if on_progress:
            on_progress(done * rows // total if total else 0, rows)

    tell(known)
    return tell


def _gone(
    silent: Silent, contestants: Sequence[Contestant], keys: list[Key], answers: dict[Key, Answer]
) -> Unavailable:
    model = next((who.model for who in contestants if who.key == silent.contestant), silent.contestant)
    mine = [key for key in keys if key[0] == silent.contestant]
    done = sum(key in answers for key in mine)
    return Unavailable(
        f"{model} stopped answering after {done:,} of {len(mine):,} rows: {silent.why} Nothing was scored.",
        fix=f"All {len(answers):,} answers so far are kept. Ask for the evaluation again when {model} answers: it asks "
        "only the rest.",
        code="contestant_silent",
        param="model",
    )


class Keeper:
    """Keeps answers in a thread of its own: whatever arrived meanwhile goes in at once, in one transaction."""

    def __init__(self, keep: Callable[[Sequence[tuple[Key, Answer]]], None] | None) -> None:
        self._keep = keep
        self._waiting: queue.Queue[tuple[Key, Answer] | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def put(self, key: Key, answer: Answer) -> None:
        """Raises what keeping an earlier one met."""
        if self._error:
            raise self._error
        if self._keep:
            self._waiting.put((key, answer))

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()
        if self._error and kind is None:
            raise self._error

    def _work(self) -> None:
        going = True
        while going:
            given = [self._waiting.get()]
            while not self._waiting.empty():
                given.append(self._waiting.get())
            going = None not in given
            some = [one for one in given if one is not None]
            if some and self._keep and self._error is None:
                try:
                    self._keep(some)
                except Exception as error:  # handed to whoever puts the next one
                    self._error = error
