"""How surprised is the model by the right answer?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Pooled, Weighted


class ValLoss(Pooled):
    """The negative log-likelihood of the expected answer, in nats per token; the figure is over all tokens. Applies
    where an answer is expected. Only a model whose probabilities are to be had can be scored."""

    name = "val_loss"
    unit = "nats"
    better = "lower"

    def score(self, case: Case, answer: Answer) -> float:
        nats, tokens = _likelihood(answer)
        return nats / tokens

    def applies(self, case: Case) -> bool:
        return bool(case.expected)

    def weighted(self, cases: Sequence[Case], answers: Sequence[Answer]) -> Weighted:
        import numpy as np

        sums = np.array([_likelihood(answer) for answer in answers], dtype=float)

        def figure(weights: Any) -> float:
            nats, tokens = weights @ sums
            return self._of(float(nats / tokens))

        return figure

    def _of(self, loss: float) -> float:
        return loss


class Perplexity(ValLoss):
    """e to the loss: among how many equally likely tokens the model seems to choose. 1 is certain."""

    name = "perplexity"
    unit = "ratio"

    def score(self, case: Case, answer: Answer) -> float:
        return math.exp(super().score(case, answer))

    def _of(self, loss: float) -> float:
        return math.exp(loss)


def _likelihood(answer: Answer) -> tuple[float, int]:
    if answer.nats is None or answer.nats_tokens < 1:
        said = "The model's own probabilities of the expected answer are not to be had."
        fix = "Leave perplexity and val_loss out, or compare only models that run here."
        raise BadInput(said, fix=fix, code="no_probabilities")
    return answer.nats, answer.nats_tokens
