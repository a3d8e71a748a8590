"""BLEU and chrF: how near is the wording? By sacrebleu, so that figures can be compared with published ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Pooled, Weighted


class _Sacrebleu(Pooled):
    """Points from 0 to 100. A row gets the score of its sentence; the figure is that of the corpus."""

    unit = "points"

    def applies(self, case: Case) -> bool:
        return bool(case.expected.strip())

    def score(self, case: Case, answer: Answer) -> float:
        return self._sentence.sentence_score(answer.text, [case.expected]).score

    def weighted(self, cases: Sequence[Case], answers: Sequence[Answer]) -> Weighted:
        import numpy as np

        said, expected = [answer.text for answer in answers], [case.expected for case in cases]
        counts = np.array(self._corpus._extract_corpus_statistics(said, [expected]), dtype=float)
        of: Any = self._corpus._compute_score_from_stats
        return lambda weights: min(100.0, float(of((weights @ counts).tolist()).score))

    @property
    def signature(self) -> str:
        """What another must know to compute the same figure."""
        scorer = self._make()
        scorer.corpus_score(["a"], [["a"]])
        return str(scorer.get_signature())

    @cached_property
    def _corpus(self) -> Any:
        return self._make()

    @cached_property
    def _sentence(self) -> Any:
        return self._make()

    @abstractmethod
    def _make(self) -> Any: ...


class Bleu(_Sacrebleu):
    """BLEU. `tokenize` is sacrebleu's: `zh` for Chinese, `char` for other scripts without spaces. Single sentences are
    scored with effective order, as sacrebleu advises."""

    name = "bleu"

    tokenize: Literal["13a", "intl", "char", "zh", "none"] = "13a"
    lowercase: bool = False

    def _make(self) -> Any:
        from sacrebleu.metrics.bleu import BLEU

        return BLEU(tokenize=self.tokenize, lowercase=self.lowercase, force=True)

    @cached_property
    def _sentence(self) -> Any:
        from sacrebleu.metrics.bleu import BLEU

        return BLEU(tokenize=self.tokenize, lowercase=self.lowercase, force=True, effective_order=True)


class Chrf(_Sacrebleu):
    """chrF2, over characters, for every language; with `word_order` 2 it is chrF++."""

    name = "chrf"

    word_order: int = Field(0, ge=0, le=2)
    lowercase: bool = False

    def _make(self) -> Any:
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(word_order=self.word_order, lowercase=self.lowercase)
