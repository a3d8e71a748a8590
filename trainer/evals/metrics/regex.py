"""Does a pattern hold?"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure
from trainer.evals.metrics.patterns import pattern


class Regex(Measure):
    """1 when `pattern` (RE2) is found in the answer; with `full` it must be the whole of it, with `absent` it must not
    be found."""

    name = "regex"

    pattern: str = Field(min_length=1)
    full: bool = False
    absent: bool = False

    def model_post_init(self, context: Any) -> None:
        pattern(self.pattern, self.name)

    def score(self, case: Case, answer: Answer) -> float:
        ready = pattern(self.pattern, self.name)
        found = (ready.fullmatch if self.full else ready.search)(answer.text.encode("utf-8", "replace"))
        return float((found is None) is self.absent)

    def applies(self, case: Case) -> bool:
        return True
