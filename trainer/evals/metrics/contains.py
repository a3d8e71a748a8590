"""Are texts in the answer?"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.exact_match import normalised
from trainer.evals.metrics.metric import Measure

Texts = list[Annotated[str, Field(min_length=1)]]


class Contains(Measure):
    """1 when the answer holds at least one text of `any`, every one of `all`, and not one of `none`. Without these,
    when it holds the expected text. White space and Unicode form do not count, nor does case unless asked."""

    name = "contains"

    any: Texts = []
    all: Texts = []
    none: Texts = []
    case_sensitive: bool = False

    def score(self, case: Case, answer: Answer) -> float:
        said = self._plain(answer.text)
        every = self.all if self._asked else [case.expected]
        holds = [self._plain(text) in said for text in every]
        one = not self.any or any(self._plain(text) in said for text in self.any)
        return float(one and all(holds) and not any(self._plain(text) in said for text in self.none))

    def applies(self, case: Case) -> bool:
        return self._asked or bool(case.expected)

    @property
    def _asked(self) -> bool:
        return bool(self.any or self.all or self.none)

    def _plain(self, text: str) -> str:
        return normalised(text) if self.case_sensitive else normalised(text).casefold()
