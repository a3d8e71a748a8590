"""From everybody's answers and scores to the report and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.evals.case import BASE, CANDIDATE, Contestant, Suite
from trainer.evals.gate import Evidence, GateSpec, decide
from trainer.evals.outcome import Contamination, EvalReport, JudgeReport, MetricSummary, Regression, Row
from trainer.evals.stats import Paired, mcnemar_exact, minimum_detectable_effect, paired_interval, wilson


def compare(
    spec: GateSpec,
    *,
    suites: Sequence[Suite],
    contestants: Sequence[Contestant],
    rows: Sequence[Row],
    contamination: Contamination,
    registered: Mapping[str, Any] | None = None,
    looks: int = 1,
    judges: Sequence[JudgeReport] = (),
    notes: Sequence[str] = (),
) -> EvalReport:
    """The report on the candidate."""
    test, old = [r for r in rows if r.suite == "test"], [r for r in rows if r.suite == "old-skills"]
    pairs, kept = _pairs(test, spec.primary), _pairs(old, spec.primary)
    json_scores = [r.scores[CANDIDATE]["json_validity"] for r in test if "json_validity" in r.scores[CANDIDATE]]
    decision = decide(
        spec,
        Evidence(
            pairs,
            kept.base_right,
            kept.both,
            sum(s >= 1 for s in json_scores),
            len(json_scores),
            contamination.test_rows,
        ),
    )
    test_rows = sum(len(suite.cases) for suite in suites if suite.name == "test")
    share = wilson(kept.both, kept.base_right, spec.confidence)
    left_out = contamination.regression_rows
    return EvalReport(
        candidate=next(c.model for c in contestants if c.key == CANDIDATE),
        verdict=decision.verdict,
        code=decision.code,
        reasons=decision.reasons,
        gate=spec.model_dump(mode="json"),
        test_rows=test_rows,
        metrics=_summaries(test, spec),
        regression=Regression(len(old), kept.base_right, kept.both, share, left_out) if old or left_out else None,
        slices={},
        contamination=contamination,
        minimum_detectable_effect=minimum_detectable_effect(test_rows, alpha=spec.alpha),
        more_test_rows=decision.more_test_rows,
        more_regression_rows=decision.more_regression_rows,
        rows=tuple(rows),
        contestants=tuple(contestants),
        judges=tuple(judges),
        notes=tuple(notes),
        registered=dict(registered or {}),
        looks=looks,
    )


def _pairs(rows: Sequence[Row], metric: str) -> Paired:
    scored = [r for r in rows if metric in r.scores.get(BASE, {}) and metric in r.scores.get(CANDIDATE, {})]
    return Paired.of([r.scores[BASE][metric] >= 1 for r in scored], [r.scores[CANDIDATE][metric] >= 1 for r in scored])


def _summaries(test: Sequence[Row], spec: GateSpec) -> dict[str, MetricSummary]:
    found: dict[str, MetricSummary] = {}
    for name in dict.fromkeys(name for row in test for name in row.scores.get(BASE, {})):
        pairs = _pairs(test, name)
        if pairs.n:
            base, tuned = (wilson(k, pairs.n, spec.confidence) for k in (pairs.base_right, pairs.tuned_right))
            gain = paired_interval(pairs, spec.confidence)
            p = mcnemar_exact(pairs.base_only, pairs.tuned_only)
            found[name] = MetricSummary(pairs.n, base, tuned, gain, p, base.estimate, tuned.estimate)
    return found
