"""`tunesmith votes ask | show | cast`: people compare answers blind, at a terminal."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tools import poll_words, polls
from tools.cli.output import Json, answers, finish, opened
from tools.context import Context
from trainer.errors import BadInput
from trainer.evals.votes import TIE
from trainer.store.tables import Poll

PollId = Annotated[str, typer.Argument(metavar="POLL", help="A vote's id (poll-…).")]

votes = typer.Typer(no_args_is_help=True, help="Ask people, blind: votes and ratings.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    votes.command("ask")(ask)
    votes.command("show")(show)
    votes.command("cast")(cast)
    app.add_typer(votes, name="votes")


@answers
def ask(
    evaluation: Annotated[str, typer.Argument(metavar="EVALUATION", help="An evaluation's id, a model or an alias.")],
    items: Annotated[int, typer.Option(help="How many questions.")] = polls.ITEMS,
    voters: Annotated[int, typer.Option(help="How many people unseal the result.")] = polls.NEEDED,
    against: Annotated[str, typer.Option(help="Whose answers stand beside the candidate's.")] = "base",
    rating: Annotated[bool, typer.Option("--rating", help="Marks from 0 to 10 instead of A, B or tie.")] = False,
    as_json: Json = False,
) -> None:
    """Open a vote on an evaluation's answers; whoever uses this terminal may vote. In Slack, say “blind vote”."""
    kind = polls.RATING if rating else polls.PAIRWISE
    with opened() as context:
        poll = polls.ask(context, evaluation, items=items, needed=voters, against=against, kind=kind)
        _finish(context, poll, as_json=as_json)


@answers
def show(poll_id: PollId, as_json: Json = False) -> None:
    """Tell what people said; while the vote is sealed, only how many voted."""
    with opened() as context:
        _finish(context, context.services.polls.get(poll_id), as_json=as_json)


@answers
def cast(
    poll_id: PollId,
    choice: Annotated[
        list[str] | None,
        typer.Option(help="A, B or tie; of a rating the marks of A and B (7,3). Once a question, in order."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the questions, or answer them as the account that runs this command. Again: change your votes."""
    with opened() as context:
        poll = polls.find(context, poll_id)
        if not choice:
            _questions(context, poll, as_json=as_json)
        if len(choice or ()) != len(poll.items):
            fix = f"Give --choice {len(poll.items)} times, in the order of the questions."
            raise BadInput(f"{len(choice or ())} answers to {len(poll.items)} questions.", fix=fix, param="choice")
        said = [_said(poll, one) for one in choice or ()]
        for number, one in enumerate(said):
            polls.cast(context, poll, number, one)
        _finish(context, context.services.polls.get(poll_id), as_json=as_json)


def _said(poll: Poll, typed: str) -> str | tuple[int, int]:
    if poll.kind == polls.PAIRWISE:
        said = TIE if typed.lower() == TIE else typed.upper()
        if said not in (polls.A, polls.B, TIE):
            raise BadInput(f"“{typed[:40]}” is none of the answers.", fix="Write A, B or tie.", param="choice")
        return said
    marks = [part.strip() for part in typed.split(",")]
    if len(marks) != 2 or not all(mark.isdecimal() and len(mark) < 3 for mark in marks):
        raise BadInput(f"“{typed[:40]}” is no pair of marks.", fix="Write A's and B's as in 7,3.", param="choice")
    return int(marks[0]), int(marks[1])


def _questions(context: Context, poll: Poll, *, as_json: bool) -> None:
    every = [polls.question(context, poll, number) for number in range(len(poll.items))]
    texts = [f"{q.number + 1} of {q.of}\n{q.prompt}\n\nA: {q.a}\n\nB: {q.b}" for q in every]
    value = {"id": poll.id, "questions": [{"prompt": q.prompt, "a": q.a, "b": q.b} for q in every]}
    finish(value, "\n\n".join(texts), as_json=as_json)


def _finish(context: Context, poll: Poll, *, as_json: bool) -> None:
    made = polls.standing(context.services, poll)
    finish(_shape(made), poll_words.poll(made), as_json=as_json)


def _shape(made: polls.Standing) -> dict[str, Any]:
    """Of a sealed poll nothing but how many voted."""
    poll, people = made.poll, made.people
    value: dict[str, Any] = {
        "id": poll.id,
        "evaluation": poll.evaluation_id,
        "kind": poll.kind,
        "against": poll.against,
        "questions": len(poll.items),
        "rows": made.chosen.rows,
        "equal": made.chosen.equal,
        "finished": made.finished,
        "needed": poll.needed,
        "sealed": people is None,
    }
    if people is None:
        return value
    share = people.share
    return value | {
        "voters": people.voters,
        "votes": {"candidate": people.for_it, "other": people.against_it, "tie": people.undecided},
        "wins": people.wins,
        "losses": people.losses,
        "ties": people.ties,
        "share": {"estimate": share.estimate, "low": share.low, "high": share.high, "n": share.n} if share else None,
        "p": people.p,
        "alpha": people.alpha,
        "ratings": people.ratings,
    }
