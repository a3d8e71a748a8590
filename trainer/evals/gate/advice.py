"""How large an evaluation should be, said before anybody trains."""

from __future__ import annotations

from dataclasses import dataclass, field

from trainer.evals.gate.keeping import margin_of, rules
from trainer.evals.gate.spec import GateSpec
from trainer.evals.stats import rows_needed, rows_to_keep

GAIN_MISSED, LOSS_MISSED = 0.15, 0.05  # how often a good model may fail to show it; 80 % of them pass in all
SLIGHT = 0.25  # of the margin: so much may a good model really lose


@dataclass(frozen=True, slots=True)
class Advice:
    """`test_rows` is None where no test set of a usual size would do: the gain asked for is no smaller than the one
    hoped for. `regression_rows` are rows that the base answers rightly; `suites` says the same of each suite, for
    each value of the slice that its rule names."""

    test_rows: int | None
    regression_rows: int
    suites: dict[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        if self.test_rows is None:
            return "No test set would show such a gain: hope for more than the smallest gain that is worth it."
        old = f"{self.regression_rows:,} rows of old skills that the base answers rightly"
        return f"{self.test_rows:,} test rows and {old} let a model as good as hoped for pass 4 times in 5."


def advised_rows(spec: GateSpec, *, holder: bool | None = None) -> Advice:
    """The rows on which a model that gains `target_effect`, and really loses at most a quarter of the margin, passes
    four times in five. `holder` says whether it must also beat a model that serves now; None: as the spec has it."""
    beaten = 2 if (bool(spec.alias) if holder is None else holder) and spec.holder == "superior" else 1
    test = rows_needed(
        spec.target_effect, power_wanted=1 - GAIN_MISSED / beaten, alpha=spec.alpha, least=spec.min_effect
    )
    asked = [rule for rule in rules(spec, set()) if rule.required]
    wanted = 1 - LOSS_MISSED / (beaten * max(1, len(asked)))
    sizes = {rule.suite: _rows(spec, margin_of(spec, rule), wanted) for rule in asked}
    old = _rows(spec, spec.regression_margin, wanted)
    return Advice(max(test, spec.min_rows) if test else None, old, sizes)


def _rows(spec: GateSpec, margin: float, wanted: float) -> int:
    if not 0 < margin < 1:
        return 0
    return rows_to_keep(margin, margin * SLIGHT, power_wanted=wanted, conf=spec.confidence) or 0
