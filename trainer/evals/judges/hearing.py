"""Every pair is put before the judge, a few at a time; what it said before is never asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from trainer.data.augment.budget import Budget
from trainer.errors import BadInput, TunesmithError, Unavailable
from trainer.evals.judges import reading
from trainer.evals.judges.agreement import Choice
from trainer.evals.judges.crew import in_flight
from trainer.evals.judges.endpoint import NANO, Endpoint, Voice
from trainer.evals.judges.prompts import AGAIN, MAX_OUTPUT, Prompt, digest
from trainer.evals.judges.reading import Pick, Scores, Unreadable
from trainer.evals.judges.ruling import Pair, Ruling
from trainer.store.database import AWAY
from trainer.store.judgements import Judgements
from trainer.store.tables import Judgement

AT_ONCE = 8
TRIES = 2  # an answer that cannot be read is told so, once
AWAY_IN_A_ROW = 3  # pairs without any answer before the judge is taken for gone
THIS_ROW = ("judge_refused_400", "judge_refused_422")  # too long, perhaps: another row may be taken
PROSE_AFTER = 10  # pairs without one readable answer, and nothing more is asked
OVERHEAD = 500  # tokens that a server, or the word on an unreadable answer, may add to a request
PLACES = {"A": "first", "B": "second", "tie": "tie"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and what was said to it before."""

    key: str
    messages: list[dict[str, str]]
    known: Judgement | None = None


@dataclass(slots=True)
class Case:
    """A pair with its questions, and the billionths of a dollar that it may take and has taken."""

    pair: Pair
    questions: list[Question]
    reserved: int = 0
    spent: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one pair. `ruling` None: it could not be read twice (`unreadable`), nobody answered (`away`), or
    it was not asked at all."""

    pair: Pair
    ruling: Ruling | None = None
    unreadable: bool = False
    away: TunesmithError | None = None


class Hearing:
    """Without a voice only what was kept counts. `ended` says why it ended before its time: cap, away, refused,
    prose, stopped, or "". `uncounted`: some server did not say how many tokens it took."""

    def __init__(
        self, prompt: Prompt, endpoint: Endpoint, kept: Judgements, voice: Voice | None = None, max_usd: float = 0.0
    ) -> None:
        self.prompt, self.endpoint, self.kept, self.voice = prompt, endpoint, kept, voice
        self.budget = Budget(10**12, round(max_usd * NANO))  # its tokens are billionths of a dollar here
        self.ended = ""
        self.error: TunesmithError | None = None
        self.uncounted = False
        self._prompt_sha256, self._schema = prompt.sha256, prompt.schema

    @property
    def cost_usd(self) -> float:
        return self.budget.tokens / NANO

    def hear(
        self,
        pairs: Sequence[Pair],
        on_progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], object] | None = None,
    ) -> list[Heard]:
        """In the order of `pairs`; those that were not reached are missing."""
        done: dict[tuple[str, str], Heard] = {}
        watch = _Watch()
        for heard in in_flight(self._admitted(pairs), self._judge, AT_ONCE):
            if should_stop and should_stop():
                self._end("stopped")
                break
            if heard is None:
                continue
            done[heard.pair.key] = heard
            if why := watch.over(heard):
                self._end(why, heard.away)
            if on_progress:
                on_progress(len(done), len(pairs))
        return [done[pair.key] for pair in pairs if pair.key in done]

    def _end(self, why: str, error: TunesmithError | None = None) -> None:
        if not self.ended:
            self.ended, self.error = why, error

    def _admitted(self, pairs: Sequence[Pair]) -> Iterator[Case]:
        """Pairs in their order, as long as the cap allows the next one, whatever it may cost at most."""
        for pair in pairs:
            case = Case(pair, [] if pair.same else self._questions(pair))
            fresh = [question for question in case.questions if not question.known]
            if fresh and not self.voice:
                continue
            case.spent = sum(round(question.known.cost_usd * NANO) for question in case.questions if question.known)
            case.reserved = case.spent + sum(TRIES * self._most(question.messages) for question in fresh)
            if self.ended or not self.budget.reserve(case.reserved):
                self._end("cap")
                return
            yield case

    def _judge(self, case: Case) -> Heard:
        try:
            return self._heard(case)
        except (Unavailable, BadInput) as error:
            if error.code == AWAY:
                raise
            return Heard(case.pair, away=error)
        finally:
            self.budget.settle(case.reserved, case.spent)

    def _heard(self, case: Case) -> Heard:
        if not case.questions:
            return Heard(case.pair, Ruling(case.pair, "tie", asked=False))
        said: list[Any] = []
        for question in case.questions:
            found = self._read(question.known.said) if question.known else self._ask(question, case)
            if found is None:
                return Heard(case.pair, unreadable=True)
            said.append(found)
        return Heard(case.pair, _ruled(case.pair, self.prompt.kind, said))

    def _questions(self, pair: Pair) -> list[Question]:
        """Both orders of a pair; for a rubric, each answer by itself."""
        if self.prompt.kind == "pairwise":
            shown = [(pair.candidate, pair.other), (pair.other, pair.candidate)]
        else:
            shown = [(pair.candidate,), (pair.other,)]
        return [self._question(self.prompt.messages(pair.messages, pair.expected, *texts)) for texts in shown]

    def _question(self, messages: list[dict[str, str]]) -> Question:
        key = digest([self.endpoint.model, self.endpoint.host, self._prompt_sha256, messages])
        return Question(key, messages, self.kept.get(key))

    def _ask(self, question: Question, case: Case) -> Pick | Scores | None:
        """Once more with the reason where the answer cannot be read; then None, which is kept nowhere."""
        messages, before = question.messages, case.spent
        for _ in range(TRIES):
            text = self._said(messages, case)
            try:
                found = self._parse(text)
            except Unreadable as error:
                messages = [*question.messages, {"role": "user", "content": AGAIN.format(why=error)}]
                continue
            self.kept.keep(question.key, msgspec.to_builtins(found), (case.spent - before) / NANO)
            return found
        return None

    def _said(self, messages: list[dict[str, str]], case: Case) -> str:
        assert self.voice is not None
        most = self._most(messages)
        case.spent += most  # should nobody answer: it may have been charged
        reply = self.voice.ask(messages, self._schema)
        self.uncounted |= not (reply.input_tokens and reply.output_tokens)
        tokens_in = reply.input_tokens or self._longest(messages)
        tokens_out = reply.output_tokens or len(reply.text.encode("utf-8", "replace"))
        case.spent += self.endpoint.cost(tokens_in, tokens_out) - most
        return reply.text

    def _most(self, messages: list[dict[str, str]]) -> int:
        """What one request may cost: no token is shorter than a byte."""
        return self.endpoint.cost(self._longest(messages), MAX_OUTPUT)

    def _longest(self, messages: list[dict[str, str]]) -> int:
        said = sum(len(message["content"].encode()) for message in messages)
        return said + len(msgspec.json.encode(self._schema)) + OVERHEAD

    def _parse(self, text: str) -> Pick | Scores:
        """Raises Unreadable."""
        if self.prompt.kind == "pairwise":
            pick = reading.read_pick(text)
            return Pick(reading.shortened(pick.reasoning), pick.choice)
        found = reading.read_scores(text, self.prompt.names)
        return {name: reading.Score(reading.shortened(one.reasoning), one.score) for name, one in found.items()}

    def _read(self, said: Json) -> Pick | Scores | None:
        """What was kept, read as strictly as what is new."""
        try:
            return msgspec.convert(said, Pick if self.prompt.kind == "pairwise" else Scores)
        except msgspec.ValidationError:
            return None


@dataclass
class _Watch:
    """Whether it makes sense to go on asking."""

    away: int = 0  # in a row
    read: int = 0
    unreadable: int = 0

    def over(self, heard: Heard) -> str:
        """Why not, or ""."""
        self.away = self.away + 1 if heard.away else 0
        self.unreadable += heard.unreadable
        self.read += bool(heard.ruling and heard.ruling.asked)
        if isinstance(heard.away, BadInput) and heard.away.code not in THIS_ROW:
            return "refused"
        if self.away >= AWAY_IN_A_ROW:
            return "away"
        return "prose" if self.unreadable >= PROSE_AFTER and not self.read else ""


def _ruled(pair: Pair, kind: str, said: list[Any]) -> Ruling:
    return _by_pick(pair, said) if kind == "pairwise" else _by_score(pair, said)


def _by_pick(pair: Pair, said: list[Pick]) -> Ruling:
    """The two orders must agree, else it is a tie."""
    places = tuple(PLACES[pick.choice] for pick in said)
    choice: Choice = "tie"
    if places == ("first", "second"):
        choice = "candidate"
    elif places == ("second", "first"):
        choice = "other"
    return Ruling(pair, choice, places, reasons=tuple(pick.reasoning for pick in said))


def _by_score(pair: Pair, said: list[Scores]) -> Ruling:
    """Whoever has the higher mean."""
    scores = {
        who: {name: one.score for name, one in found.items()}
        for who, found in zip(("candidate", "other"), said, strict=True)
    }
    mine, theirs = (sum(scores[who].values()) for who in ("candidate", "other"))
    choice: Choice = "candidate" if mine > theirs else "other" if theirs > mine else "tie"
    reasons = tuple("\n".join(f"{name}: {one.reasoning}" for name, one in found.items()) for found in said)
    return Ruling(pair, choice, scores=scores, reasons=reasons)
