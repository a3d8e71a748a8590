"""What people said of two answers, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.evals.outcome import EvalReport
from trainer.evals.report import sentences, table, words
from trainer.evals.votes import People


def told(report: EvalReport, found: People | None) -> list[str]:
    """Nothing where nobody was asked; of a sealed vote only that it is one."""
    return list(_told(report, found)) if found else []


def _told(report: EvalReport, found: People) -> Iterator[str]:
    if found.sealed:
        yield f"A blind vote of people is open and sealed; {_people(found.voters)} voted on everything so far."
        return
    whom = sentences.against(report, found.against)
    share = f", {words.value(found.share)} of the decided" if found.share and found.wins + found.losses else ""
    p = f", p {words.p_text(found.p)}" if found.p is not None else ""
    yield (
        f"People, blind, against {whom}: {found.wins:,} won, {found.losses:,} lost, {found.ties:,} equal of "
        f"{_questions(found.items)}{share}{p}."
    )
    agree = f"; they agree at α {found.alpha:.2f}" if found.alpha is not None else ""
    yield (
        f"{found.votes:,} votes by {_people(found.voters)}: {found.for_it:,} for it, {found.against_it:,} against it, "
        f"{found.undecided:,} undecided{agree}."
    )
    if found.ratings:
        known = words.names(table.contestants(report))
        means = ", ".join(f"{known.get(key, key)} {mean:.1f}" for key, mean in found.ratings.items())
        yield f"Rated by people, 0 to 10: {means}."


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _questions(count: int) -> str:
    return "1 question" if count == 1 else f"{count:,} questions"
