"""The gate's verdicts on evidence whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.evals.gate import Evidence, GateSpec, decide
from trainer.evals.stats import DISCORDANCE, Paired, rows_needed
from trainer.types import GateVerdict

PASS, FAIL, OPEN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.INCONCLUSIVE
KEPT = {"regression_rows": 95, "kept": 92}


@pytest.mark.parametrize(
    ("pairs", "rest", "verdict", "code"),
    [
        (Paired(45, 0, 0, 40), KEPT, PASS, "better"),
        (Paired(45, 0, 0, 40), {"regression_rows": 95, "kept": 0}, FAIL, "forgot"),
        (Paired(45, 0, 0, 40), {"regression_rows": 95, "kept": 72}, FAIL, "forgot"),
        (Paired(45, 0, 0, 40), {"regression_rows": 95, "kept": 88}, OPEN, "loss_unclear"),
        (Paired(45, 0, 0, 40), {"regression_rows": 20, "kept": 20}, OPEN, "loss_unclear"),
        (Paired(45, 0, 0, 40), {}, OPEN, "no_regression_rows"),
        (Paired(45, 0, 0, 0), KEPT, OPEN, "not_shown"),  # nobody right on 45 rows: not better, and not known
        (Paired(200, 0, 0, 0), KEPT, FAIL, "no_gain"),
        (Paired(200, 100, 20, 2), KEPT, FAIL, "worse"),
        (Paired(100, 50, 4, 9), KEPT, OPEN, "not_shown"),
        (Paired(1000, 500, 10, 32), KEPT, FAIL, "no_gain"),  # surely better, surely not by five points
        (Paired(600, 300, 10, 37), KEPT, OPEN, "not_shown"),
        (Paired(19, 0, 0, 19), KEPT, OPEN, "too_few_rows"),
        (Paired(100, 0, 0, 100), {**KEPT, "contaminated": 1}, FAIL, "contaminated"),
    ],
)
def test_verdicts(pairs: Paired, rest: dict[str, int], verdict: GateVerdict, code: str) -> None:
    decision = decide(GateSpec(), Evidence(pairs, **rest))
    assert (decision.verdict, decision.code) == (verdict, code)
    assert all(reason.endswith(".") for reason in decision.reasons)


def test_an_open_verdict_says_how_many_rows_would_tell() -> None:
    decision = decide(GateSpec(), Evidence(Paired(50, 25, 2, 6), regression_rows=20, kept=20))
    assert decision.more_test_rows and f"{decision.more_test_rows:,} more test rows" in decision.reasons[0]
    assert decision.more_regression_rows == 15


def test_the_validity_floor() -> None:
    evidence = Evidence(Paired(45, 0, 0, 40), valid_json=40, json_rows=45, **KEPT)
    assert decide(GateSpec(validity_floor=0.95), evidence).code == "invalid_json"
    assert decide(GateSpec(validity_floor=0.85), evidence).verdict is PASS
    assert decide(GateSpec(), evidence).verdict is PASS


def test_regression_may_be_waived_but_is_still_said() -> None:
    decision = decide(GateSpec(regression_required=False), Evidence(Paired(45, 0, 0, 40)))
    assert decision.verdict is PASS and "unknown" in decision.reasons[1]


def simulated(n: int, lost: float, gained: float, forgets: float, runs: int = 2000) -> float:
    """The share of simulated gates that pass; half of the other rows are answered rightly by both."""
    rng = np.random.default_rng(17)
    shares = [(1 - lost - gained) / 2, lost, gained, (1 - lost - gained) / 2]
    tables = rng.multinomial(n, shares, size=runs)
    lost_rows = rng.binomial(100, forgets, size=runs)
    spec = GateSpec()
    passed = 0
    for (both, b, c, _), gone in zip(tables.tolist(), lost_rows.tolist(), strict=True):
        evidence = Evidence(Paired(n, both, b, c), regression_rows=100, kept=100 - gone)
        passed += decide(spec, evidence).verdict is PASS
    return passed / runs


@pytest.mark.parametrize("n", [50, 100, 400])
def test_an_equal_model_hardly_ever_passes(n: int) -> None:
    assert simulated(n, DISCORDANCE / 2, DISCORDANCE / 2, forgets=0.0) <= 0.06


def test_a_better_model_passes_at_the_advised_size() -> None:
    spec = GateSpec()
    n = rows_needed(spec.target_effect, least=spec.min_effect)
    assert n and simulated(n, (DISCORDANCE - 0.10) / 2, (DISCORDANCE + 0.10) / 2, forgets=0.0) >= 0.78


def test_a_model_that_forgets_as_much_as_the_margin_hardly_ever_passes() -> None:
    assert simulated(200, 0.0, 0.4, forgets=GateSpec().regression_margin) <= 0.06
