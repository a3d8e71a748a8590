"""How often each answer is given: exactly while there are few, and the frequent ones for sure when there are many.

Beyond `ROOM` different answers this is Misra and Gries' summary, fed with what stands twice in a batch: a count is
too low by at most one a batch and one in `KEPT` rows, so an answer with more than half of the rows stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

KEPT = 1000
ROOM = 2 * KEPT
LONGEST = 256  # characters; of a longer answer its start and a digest are kept

FEW = 50  # different answers: beyond, this is no classification
ROWS_A_LABEL = 5  # on average, or the answers are not labels
LONGEST_LABEL = 200


class Tally:
    """Memory: at most `ROOM` answers of `LONGEST` characters."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.rows = 0
        self.lost = 0  # how much too low a count may be

    def add(self, answers: Iterable[str]) -> None:
        """Answers that say something; empty ones are passed over."""
        batch = Counter(answers)
        del batch[""]
        self.rows += batch.total()
        again = batch.items() if not self.lost else [item for item in batch.items() if item[1] > 1]
        for answer, count in again:
            self.counts[answer if len(answer) <= LONGEST else _short(answer)] += count
        if len(self.counts) > ROOM:
            self._prune()

    @property
    def distinct(self) -> int | None:
        """How many different answers; None for too many to know."""
        return None if self.lost or len(self.counts) > KEPT else len(self.counts)

    def top(self) -> tuple[str, int]:
        """The most frequent answer and how often it is given, at least."""
        return min(self.counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))

    def labels(self) -> dict[str, int] | None:
        """Answer → rows, most frequent first, when the answers are few and short enough to be labels."""
        if not self.distinct or not 2 <= self.distinct <= FEW or self.rows < ROWS_A_LABEL * self.distinct:
            return None
        if max(map(len, self.counts)) > LONGEST_LABEL:
            return None
        return dict(sorted(self.counts.items(), key=lambda item: (-item[1], item[0])))

    def _prune(self) -> None:
        least = sorted(self.counts.values(), reverse=True)[KEPT]
        self.counts = Counter({answer: n - least for answer, n in self.counts.items() if n > least})
        self.lost += least


def _short(answer: str) -> str:
    return answer[:64] + "…" + blake2b(answer.encode("utf-8", "replace"), digest_size=16).hexdigest()
