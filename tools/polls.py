"""Ask people: blind votes and ratings on answers of an evaluation. Who wrote which is told when enough have voted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from tools import evaluation
from tools.context import TRAINER, Context
from trainer.errors import BadInput, Conflict, NotFound
from trainer.evals.case import BASE, CANDIDATE
from trainer.evals.votes import (
    HIGHEST,
    LOWEST,
    OTHER,
    TIE,
    Chosen,
    People,
    answers_of,
    candidate_first,
    choose,
    preferred,
    spoken,
)
from trainer.services import Services
from trainer.store.blobs import Blobs
from trainer.store.polls import SAID, unsealed_already
from trainer.store.tables import Evaluation, Poll

PAIRWISE, RATING = "pairwise", "rating"
KINDS = (PAIRWISE, RATING)
ITEMS, NEEDED, MOST = 10, 5, 100  # questions and voters, unless told; of either, at most
LONGEST_SAID = 3000  # characters of a correction
A, B = "A", "B"


@dataclass(frozen=True, slots=True)
class Question:
    """One question as one voter sees it, `number` counted from 0."""

    number: int
    of: int
    prompt: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be told of a poll by now: `people` is None while it is sealed."""

    poll: Poll
    candidate: str
    other: str
    finished: int
    chosen: Chosen
    people: People | None


def ask(
    context: Context,
    which: str | None = None,
    *,
    items: int | None = None,
    needed: int | None = None,
    against: str | None = None,
    kind: str = PAIRWISE,
) -> Poll:
    """Open a poll on an evaluation: named by its id or its model, or the newest of this thread's model. The questions
    are drawn by hash from those on which the two answers differ; a later poll asks the next ones. One that is open here
    already is given again."""
    context.caller.need(TRAINER, "ask people for their votes")
    items, needed, against = _within("items", items, ITEMS), _within("voters", needed, NEEDED), against or BASE
    if kind not in KINDS:
        raise BadInput(f"“{kind[:40]}” is no kind of vote.", fix="Say pairwise or rating.", param="kind")
    row = opened(context, which)
    rows = raw_rows(context.services.blobs, row)
    _need_contestant(row, rows, against)
    known = _asked_before(context, row, against, kind)
    chosen = choose(rows, against, items, seed=row.report["rows_sha256"], known=known)
    if not chosen.items:
        raise Conflict(
            f"On all {chosen.rows} test questions the candidate and {spoken(against)} answer the same.",
            fix="There is nothing to vote on; “show evaluation” tells the figures.",
            code="no_difference",
        )
    made = context.services.polls.open(
        row.id,
        chosen.items,
        kind=kind,
        against=against,
        needed=needed,
        by=context.caller.user,
        origin=context.caller.origin,
    )
    context.services.threads.link(context.caller.origin, model_id=row.model_id)
    return made


def opened(context: Context, which: str | None) -> Evaluation:
    """As pick_evaluation, for whoever is to see its rows: a trainer, in the channel in which it was asked for. One that
    was asked for at a terminal belongs to no channel."""
    context.caller.need(TRAINER, "see an evaluation's test rows")
    row = pick_evaluation(context, which)
    there = _channel(context.services, row)
    if not context.caller.allow_paths and there not in (None, context.caller.origin.get("channel")):
        raise NotFound(
            f"Evaluation {row.id} was asked for in another channel, and its test rows are shown only there.",
            fix="Ask there, or evaluate the model here.",
            code="other_channel",
        )
    return row


def _channel(services: Services, row: Evaluation) -> str | None:
    try:
        return services.jobs.get(row.job_id).origin.get("channel")
    except NotFound:
        return None


def pick_evaluation(context: Context, which: str | None) -> Evaluation:
    if which and which.startswith("eval-"):
        return context.services.models.evaluation(which)
    model = evaluation.pick_model(context, which)
    found = evaluation.latest(context, model)
    if found is None:
        raise Conflict(
            f"{model.id} has not been evaluated yet: there are no answers to look at.",
            fix=f"Evaluate it first: `evaluate {model.id}`, or at a terminal `tunesmith eval`.",
            code="not_evaluated",
        )
    return found


def _asked_before(context: Context, row: Evaluation, against: str, kind: str) -> set[tuple[str, str]]:
    """The questions of earlier votes that are unsealed: another one asks the next."""
    earlier = context.services.polls.of(row.id)
    same = [poll for poll in earlier if poll.closed_at is not None and (poll.against, poll.kind) == (against, kind)]
    return {item for poll in same for item in _items(poll)}


def others(row: Evaluation) -> list[str]:
    """Whom the candidate can be held against, as the report names them: the base first."""
    keys = [str(one.get("key")) for one in row.report.get("contestants") or ()]
    return [key for key in keys if key != CANDIDATE] or [BASE]


def _within(what: str, said: int | None, otherwise: int) -> int:
    number = otherwise if said is None else said
    if not 1 <= number <= MOST:
        raise BadInput(f"{number} {what} is not possible.", fix=f"Say a number from 1 to {MOST}.", param=what)
    return number


def _need_contestant(row: Evaluation, rows: list[dict[str, Any]], against: str) -> None:
    there = {key for one in rows for key in one.get("answers") or {}} - {CANDIDATE}
    if against in there:
        return
    known = f"It has answers of: {', '.join(sorted(there))}." if there else "Evaluate again; answers are kept then."
    raise BadInput(
        f"Evaluation {row.id} has no answers of “{against[:40]}”.", fix=known, code="no_answers", param="against"
    )


def find(context: Context, poll_id: str) -> Poll:
    """The poll, if it was asked in this channel (or, at a terminal, at one): an id carried elsewhere opens nothing."""
    poll = context.services.polls.get(poll_id)
    if poll.origin.get("channel") != context.caller.origin.get("channel"):
        raise NotFound("There is no such vote here.", fix="Vote where it was asked for.", code="unknown_poll")
    return poll


def standing(services: Services, poll: Poll) -> Standing:
    row = services.models.evaluation(poll.evaluation_id)
    chosen = _sheet(services.blobs, row.report["rows_sha256"], poll.against, _items(poll)).chosen
    people = services.polls.count([poll]) if poll.closed_at is not None else None
    base = _model_of(row, poll.against)
    return Standing(poll, row.model_id, base, services.polls.finished(poll), chosen, people)


def _model_of(row: Evaluation, contestant: str) -> str:
    """The contestant's own name, where the report tells it."""
    models = {one.get("key"): one.get("model") for one in row.report.get("contestants") or ()}
    return str(models.get(contestant) or "")


def question(context: Context, poll: Poll, number: int) -> Question:
    """The question with its two answers in the caller's own order."""
    _need_item(poll, number)
    row = context.services.models.evaluation(poll.evaluation_id)
    sheet = _sheet(context.services.blobs, row.report["rows_sha256"], poll.against, _items(poll))
    prompt, mine, theirs = sheet.texts[number]
    a, b = (mine, theirs) if _candidate_is_a(context, poll, number) else (theirs, mine)
    return Question(number, len(poll.items), prompt, a, b)


def next_question(context: Context, poll: Poll) -> int:
    """The first that the caller has not answered; the first of all, to change it, when nothing is left."""
    if poll.closed_at is not None:
        raise unsealed_already()
    mine = context.services.polls.mine(poll, context.caller.user)
    return next((number for number in range(len(poll.items)) if number not in mine), 0)


def own_vote(context: Context, poll: Poll, number: int) -> tuple[str | tuple[int, int] | None, str]:
    """What the caller said of a question before: A, B or tie (or the marks of A and B), and their correction."""
    vote = context.services.polls.mine(poll, context.caller.user).get(number)
    if vote is None:
        return None, ""
    said = str(vote.ratings.get(SAID) or "")
    if poll.kind == RATING:
        mine, theirs = int(vote.ratings[CANDIDATE]), int(vote.ratings[poll.against])
        return ((mine, theirs) if _candidate_is_a(context, poll, number) else (theirs, mine)), said
    if vote.choice == TIE:
        return TIE, said
    return (A if (vote.choice == CANDIDATE) == _candidate_is_a(context, poll, number) else B), said


def cast(context: Context, poll: Poll, number: int, said: str | tuple[int, int], correction: str = "") -> bool:
    """The caller's vote on a question, anew or changed: A, B or tie; of a rating the marks of A and of B. True for the
    vote that unsealed the poll."""
    _need_item(poll, number)
    first = _candidate_is_a(context, poll, number)
    ratings: dict[str, Any] = {SAID: correction.strip()[:LONGEST_SAID]} if correction.strip() else {}
    if poll.kind == RATING:
        a, b = _marks(said)
        mine, theirs = (a, b) if first else (b, a)
        ratings |= {CANDIDATE: mine, poll.against: theirs}
        choice = preferred(mine, theirs)
    else:
        choice = _choice(said, first)
    return context.services.polls.cast(
        poll.id,
        number,
        voter=context.caller.user,
        choice=choice,
        first=CANDIDATE if first else poll.against,
        ratings=ratings,
    )


def _choice(said: Any, candidate_is_a: bool) -> str:
    if said not in (A, B, TIE):
        raise BadInput("That is none of the answers.", fix="Choose A, B or tie.", code="bad_choice", param="choice")
    return TIE if said == TIE else CANDIDATE if (said == A) == candidate_is_a else OTHER


def _marks(said: Any) -> tuple[int, int]:
    good = isinstance(said, tuple) and len(said) == 2 and all(type(m) is int and LOWEST <= m <= HIGHEST for m in said)
    if not good:
        fix = f"Give A and B a whole number from {LOWEST} to {HIGHEST} each."
        raise BadInput("Those are no marks.", fix=fix, code="bad_choice", param="choice")
    return said


def _candidate_is_a(context: Context, poll: Poll, number: int) -> bool:
    return candidate_first(poll.id, number, context.caller.user)


def _need_item(poll: Poll, number: int) -> None:
    if not 0 <= number < len(poll.items):
        raise BadInput("This vote has no such question.", fix="Press Vote on its card.", code="bad_item")


def _items(poll: Poll) -> tuple[tuple[str, str], ...]:
    return tuple((item["suite"], item["case_id"]) for item in poll.items)


def raw_rows(blobs: Blobs, row: Evaluation) -> list[dict[str, Any]]:
    sha256 = row.report.get("rows_sha256")
    if not sha256:
        raise Conflict(f"Evaluation {row.id} kept no answers.", fix="Evaluate the model again.", code="no_answers")
    try:
        kept = blobs.get_bytes(sha256)
    except NotFound:
        said = f"The answers of {row.id} are gone: they are deleted with the dataset whose rows they hold."
        raise Conflict(said, fix="Its verdict and figures stay: show the evaluation.", code="no_answers") from None
    return msgspec.json.decode(kept, type=list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What a poll shows of the rows, by question: the prompt, the candidate's answer, the other's."""

    chosen: Chosen
    texts: tuple[tuple[str, str, str], ...]


@lru_cache(maxsize=32)
def _sheet(blobs: Blobs, sha256: str, against: str, items: tuple[tuple[str, str], ...]) -> _Sheet:
    """Kept, since a modal has three seconds to open; blobs never change."""
    rows = msgspec.json.decode(blobs.get_bytes(sha256), type=list[dict[str, Any]])
    found = {(row["suite"], row["id"]): row for row in rows if (row["suite"], row["id"]) in items}
    texts = tuple((_prompt(found[item]), *answers_of(found[item], against)) for item in items)
    return _Sheet(choose(rows, against, len(items), seed=sha256), texts)  # type: ignore[arg-type]


def _prompt(row: Mapping[str, Any]) -> str:
    """What was asked; with the roles where there was more than one message."""
    messages = row["messages"]
    if len(messages) == 1:
        return str(messages[0]["content"])
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)
