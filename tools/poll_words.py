"""Polls in words: what a terminal and the agent tell of them. Of a sealed one nothing but how many voted."""

from __future__ import annotations

from tools.context import Context
from tools.polls import MOST, Standing
from trainer.evals.votes import CLEAR, headline, spoken, told
from trainer.store.tables import Evaluation


def poll(made: Standing) -> str:
    row, found = made.poll, made.people
    if found is None:
        return (
            f"{row.id} is sealed: {made.finished} of {row.needed} voters have answered all {len(row.items)} "
            f"questions. {drawn_from(made)}"
        )
    return " ".join(filter(None, [f"{headline(found)} ({row.id}).", *told(found), next_step(made)]))


def people(context: Context, row: Evaluation) -> str:
    """What people said of an evaluation, over all its polls."""
    found = context.services.polls.people_of(row.id)
    if found is None:
        return f"Nobody was asked about {row.id} yet. “blind vote” asks people."
    return f"{headline(found)} ({row.id}, against {spoken(found.against)}). {' '.join(told(found))}"


def drawn_from(made: Standing) -> str:
    """`Drawn by hash from the 43 of 80 test questions whose answers differ; in 37 they are the same.`"""
    chosen = made.chosen
    if not chosen.equal:
        return f"Drawn by hash from {chosen.rows:,} test questions, whose answers all differ."
    return (
        f"Drawn by hash from the {chosen.differ:,} of {chosen.rows:,} test questions whose answers differ; "
        f"in {chosen.equal:,} they are the same."
    )


def next_step(made: Standing) -> str:
    """What would tell more, where an unsealed vote told little and there are more questions to ask."""
    found, asked = made.people, len(made.poll.items)
    more = min(MOST, made.chosen.differ - asked)
    unclear = found is not None and (found.p is None or found.p >= CLEAR)
    return f"More would tell: say “blind vote on {more} questions” to ask about others." if unclear and more > 0 else ""
