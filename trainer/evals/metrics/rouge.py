"""ROUGE: how much of the expected text comes back?"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure
from trainer.evals.metrics.words import words

LONGEST = 1_000  # words of either text: ROUGE-L takes time by the product of both


class Rouge(Measure):
    """ROUGE's F1, by rouge-score: of single words (`rouge1`), pairs (`rouge2`) or the longest common sequence
    (`rougeL`). Words of every script count. With `stem`, English endings do not."""

    name = "rouge"

    kind: Literal["rouge1", "rouge2", "rougeL"] = "rougeL"
    stem: bool = False

    def score(self, case: Case, answer: Answer) -> float:
        return self._scorer.score(case.expected, answer.text)[self.kind].fmeasure

    def applies(self, case: Case) -> bool:
        return bool(case.expected.strip())

    @cached_property
    def _scorer(self) -> Any:
        from rouge_score.rouge_scorer import RougeScorer

        return RougeScorer([self.kind], tokenizer=_Words(self.stem))


class _Words:
    """What rouge-score asks for words. Its own tokenizer drops every letter that is not ASCII."""

    def __init__(self, stem: bool) -> None:
        self.stemmer: Any = None
        if stem:
            from nltk.stem.porter import PorterStemmer

            self.stemmer = PorterStemmer()

    def tokenize(self, text: str) -> list[str]:
        found = words(text)[:LONGEST]
        return [self.stemmer.stem(word) if len(word) > 3 else word for word in found] if self.stemmer else found
