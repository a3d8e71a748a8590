"""What an answer costs in time and tokens."""

from __future__ import annotations

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure


class Latency(Measure):
    """The seconds until the whole answer was there."""

    name = "latency"
    unit = "seconds"
    better = "lower"

    def score(self, case: Case, answer: Answer) -> float:
        return answer.seconds

    def applies(self, case: Case) -> bool:
        return True


class TokensOut(Measure):
    """The tokens of the answer."""

    name = "tokens_out"
    unit = "tokens"
    better = ""

    def score(self, case: Case, answer: Answer) -> float:
        return answer.tokens

    def applies(self, case: Case) -> bool:
        return True
