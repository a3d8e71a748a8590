"""What people said of two answers without knowing whose they are: which questions are asked, in which order the answers
stand, and how the votes are counted. Pure: no database, no clock.

Votes on one question are not independent of each other, so the question is what is counted: it goes to whom more voters
preferred. The votes themselves are told beside it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER
from trainer.evals.stats import Interval, mcnemar_exact, wilson

OTHER, TIE = "other", "tie"
CHOICES = (CANDIDATE, OTHER, TIE)
SUITE = "test"  # the sealed part: people judge what the model was tuned to do
LOWEST, HIGHEST = 0, 10  # of a rating
CLEAR = 0.05  # a smaller p is more than luck
NAMES = {CANDIDATE: "the candidate", BASE: "the base", HOLDER: "the alias's model", FEW_SHOT: "the base with examples"}


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one person said of one question, (suite, case id). `ratings` are 0 to 10 by contestant, or empty."""

    item: tuple[str, str]
    voter: str
    choice: str  # candidate, other, tie
    ratings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class People:
    """The votes on one evaluation, of the candidate against one contestant. `wins`, `losses` and `ties` count
    questions by what most of their voters said; `for_it`, `against_it` and `undecided` count votes. `share` is of the
    wins among the questions that went to either side, `p` the exact sign test's. `alpha` is Krippendorff's among the
    voters: of the choices, or of the ratings where every vote has some; None where it is not defined. While `sealed`,
    only the counts of polls and of those who voted on everything are told."""

    polls: int
    against: str
    sealed: bool
    voters: int = 0  # who said something of at least one question
    votes: int = 0
    items: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    for_it: int = 0
    against_it: int = 0
    undecided: int = 0
    share: Interval | None = None
    p: float | None = None
    alpha: float | None = None
    ratings: dict[str, float] = field(default_factory=dict)  # means by contestant, 0 to 10


@dataclass(frozen=True, slots=True)
class Chosen:
    """The questions of a poll: `items` of the `rows` looked at, `equal` of which have the same answer twice."""

    items: tuple[tuple[str, str], ...]
    rows: int
    equal: int

    @property
    def differ(self) -> int:
        return self.rows - self.equal


def choose(
    rows: Iterable[Mapping[str, Any]],
    against: str,
    most: int,
    *,
    seed: str,
    known: Collection[tuple[str, str]] = (),
) -> Chosen:
    """At most `most` rows of the test suite on which the two answers differ, in the order of a hash that only the
    evaluation (`seed`) and the row decide, so that nobody picks them: the next ones that are not `known`, or the
    first again where all are."""
    asked = [row for row in rows if row.get("suite") == SUITE and answers_of(row, against)]
    differ = [row for row in asked if not _same(*answers_of(row, against))]
    ids = sorted(((str(row["suite"]), str(row["id"])) for row in differ), key=lambda item: _digest(seed, *item))
    fresh = [item for item in ids if item not in known] or ids
    return Chosen(tuple(fresh[:most]), len(asked), len(asked) - len(differ))


def answers_of(row: Mapping[str, Any], against: str) -> tuple[str, ...]:
    """What the candidate and the other one said; () where one of them was not asked."""
    said = row.get("answers") or {}
    if CANDIDATE not in said or against not in said:
        return ()
    return str(said[CANDIDATE]["text"]), str(said[against]["text"])


def _same(one: str, other: str) -> bool:
    return one.strip() == other.strip()


def candidate_first(poll: str, item: int, voter: str) -> bool:
    """Whether the candidate's answer is this voter's A: as good as drawn, and the same after a restart."""
    return _digest(poll, str(item), voter)[0] % 2 == 0


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).digest()


def preferred(mine: float, theirs: float) -> str:
    """The choice that two ratings amount to."""
    return CANDIDATE if mine > theirs else OTHER if mine < theirs else TIE


def tally(ballots: Sequence[Ballot], *, polls: int, against: str, confidence: float = 0.95) -> People:
    """Count votes, one per voter and question at most."""
    questions = [_verdict(said) for said in _by_item(ballots).values()]
    wins, losses, ties = (questions.count(choice) for choice in CHOICES)
    votes = Counter(ballot.choice for ballot in ballots)
    return People(
        polls=polls,
        against=against,
        sealed=False,
        voters=len({ballot.voter for ballot in ballots}),
        votes=len(ballots),
        items=len(questions),
        wins=wins,
        losses=losses,
        ties=ties,
        for_it=votes[CANDIDATE],
        against_it=votes[OTHER],
        undecided=votes[TIE],
        share=wilson(wins, wins + losses, confidence) if wins + losses else None,
        p=mcnemar_exact(losses, wins) if wins + losses else None,  # of discordant pairs alone: the sign test
        alpha=agreement(ballots),
        ratings=_means(ballots),
    )


def _by_item(ballots: Iterable[Ballot]) -> dict[tuple[str, str], list[Ballot]]:
    found: dict[tuple[str, str], list[Ballot]] = defaultdict(list)
    for ballot in ballots:
        found[ballot.item].append(ballot)
    return found


def _verdict(said: Sequence[Ballot]) -> str:
    """Whom more of a question's voters preferred; those without a preference tip nothing."""
    votes = Counter(ballot.choice for ballot in said)
    return preferred(votes[CANDIDATE], votes[OTHER])


def _means(ballots: Sequence[Ballot]) -> dict[str, float]:
    """The mean rating of each contestant: over questions, of the mean over a question's voters."""
    means: dict[str, list[float]] = defaultdict(list)
    for said in _by_item(b for b in ballots if b.ratings).values():
        for contestant in said[0].ratings:
            given = [b.ratings[contestant] for b in said if contestant in b.ratings]
            means[contestant].append(sum(given) / len(given))
    return {contestant: sum(values) / len(values) for contestant, values in means.items()}


def agreement(ballots: Sequence[Ballot]) -> float | None:
    """Krippendorff's alpha: 1 is full agreement, 0 what chance gives. None where no question has two voters, or where
    everybody said the same of everything, so that nothing could have been confused."""
    if ballots and all(ballot.ratings for ballot in ballots):
        return _agreement_of_ratings(ballots)
    from trainer.evals.judges.agreement import krippendorff_alpha

    return krippendorff_alpha([{b.voter: b.choice for b in said} for said in _by_item(ballots).values()])


def _agreement_of_ratings(ballots: Sequence[Ballot]) -> float | None:
    given: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for ballot in ballots:
        for contestant, value in ballot.ratings.items():
            given[*ballot.item, contestant][ballot.voter] = value
    shared = [said for said in given.values() if len(said) > 1]
    if len({value for said in shared for value in said.values()}) < 2:
        return None
    import krippendorff

    voters = sorted({voter for said in shared for voter in said})
    data = [[said.get(voter, float("nan")) for said in shared] for voter in voters]
    return float(krippendorff.alpha(data, level_of_measurement="interval"))


def headline(people: People) -> str:
    """The verdict in a few words; of a sealed poll only that it is one."""
    if people.sealed:
        return "The votes are sealed"
    if people.p is None or people.p >= CLEAR:
        return "People see no clear difference"
    return f"People prefer {'the candidate' if people.wins > people.losses else spoken(people.against)}"


def told(people: People) -> list[str]:
    """The figures, a sentence each, with their interval and n."""
    if people.sealed:
        return [f"{people.voters} voted on everything; how the votes stand is told when enough have."]
    decided, share = people.wins + people.losses, people.share
    lines = [f"None of {people.items} questions went to either side."]
    if share and people.p is not None:
        p = "p < 0.001" if people.p < 0.001 else f"p = {people.p:.3f}"
        spread = f"{share.estimate * 100:.1f} % ({share.low * 100:.1f}–{share.high * 100:.1f})"
        even = f"; {people.ties} came out even" if people.ties else ""
        lines = [f"The candidate won {people.wins} of {decided} questions that went to a side: {spread}, {p}{even}."]
    lines.append(
        f"Votes: {people.for_it} for the candidate, {people.against_it} for {spoken(people.against)}, "
        f"{people.undecided} undecided, by {people.voters} {'person' if people.voters == 1 else 'people'}."
    )
    if people.ratings:
        means = ", ".join(f"{spoken(key)} {value:.1f}" for key, value in people.ratings.items())
        lines.append(f"Mean rating, 0 to 10: {means}.")
    if people.alpha is not None:
        lines.append(f"The voters agree with α = {people.alpha:.2f} (Krippendorff: 1 is full agreement, 0 is chance).")
    return lines


def spoken(contestant: str) -> str:
    return NAMES.get(contestant, contestant)
