"""Base and candidate answer the same rows, with the same greedy decoding; what they said decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from trainer.errors import BadInput, Unavailable
from trainer.evals.gate import Evidence, GateSpec, decide
from trainer.evals.metrics import Metric, load_metric, scored
from trainer.evals.outcome import (
    Contamination,
    EvalReport,
    MetricSummary,
    Regression,
    RowResult,
    SliceSummary,
)
from trainer.evals.stats import Paired, mcnemar_exact, minimum_detectable_effect, paired_interval, wilson
from trainer.evals.suites import Case, overlap
from trainer.types import GenerateRequest, GenerateResult

Generate = Callable[[Sequence[GenerateRequest]], Sequence[GenerateResult]]
Progress = Callable[[int, int], None]

TEST, REGRESSION = "test", "regression"
BATCH = 32  # cases asked at once; twice as many prompts, half of them for the base


@dataclass(frozen=True, slots=True)
class Asking:
    """How the models are asked."""

    generate: Generate
    candidate: str
    max_tokens: int
    metrics: tuple[Metric, ...]


def evaluate(
    cases_test: Sequence[Case],
    cases_regression: Sequence[Case],
    *,
    generate: Generate,
    candidate: str,
    on_progress: Progress | None = None,
    gate: GateSpec | None = None,
    train_prompts: Set[str] | None = None,
    metrics: Sequence[str] = ("exact_match", "json_validity"),
    max_tokens: int = 256,
) -> EvalReport:
    """Compare the candidate (an adapter key of `generate`) with its base on both suites, and judge.

    `train_prompts` are keys as `trainer.data.split.prompt_keys` gives them: a test row among them makes the
    verdict FAIL (code `contaminated`) before a model is asked; regression rows among them are left out and
    counted. `on_progress` hears (cases done, cases in all). Raises BadInput for an empty test suite or a
    metric that fails, Unavailable when the models stop answering."""
    gate = gate or GateSpec()
    if not cases_test:
        raise BadInput("The test suite is empty.", fix="Give at least one row with an answer.", param="test")
    asking = Asking(generate, candidate, max_tokens, _metrics(gate, metrics))
    leaks, regression, contamination = _contamination(cases_test, cases_regression, train_prompts)
    if leaks:
        return _report(gate, candidate, len(cases_test), (), contamination)
    suites = [(TEST, case) for case in cases_test] + [(REGRESSION, case) for case in regression]
    rows = _ask_all(suites, asking, on_progress)
    return _report(gate, candidate, len(cases_test), rows, contamination)


def _metrics(gate: GateSpec, names: Sequence[str]) -> tuple[Metric, ...]:
    return tuple(load_metric(name) for name in dict.fromkeys((gate.primary, *names)))


def _contamination(
    test: Sequence[Case], regression: Sequence[Case], train: Set[str] | None
) -> tuple[tuple[Case, ...], list[Case], Contamination]:
    if train is None:
        return (), list(regression), Contamination(checked=False)
    leaks, known = overlap(test, train), set(overlap(regression, train))
    ids = tuple(case.id for case in leaks[:5])
    rest = [case for case in regression if case not in known]
    return leaks, rest, Contamination(True, len(leaks), len(regression) - len(rest), ids)


def _ask_all(suites: list[tuple[str, Case]], asking: Asking, on_progress: Progress | None) -> tuple[RowResult, ...]:
    rows: list[RowResult] = []
    for start in range(0, len(suites), BATCH):
        rows += _ask(suites[start : start + BATCH], asking)
        if on_progress:
            on_progress(len(rows), len(suites))
    return tuple(rows)


def _ask(batch: list[tuple[str, Case]], asking: Asking) -> list[RowResult]:
    """One call for both models: every case once for the base, then once for the candidate."""
    requests = [
        GenerateRequest(case.messages, adapter=adapter, max_tokens=asking.max_tokens)
        for adapter in (None, asking.candidate)
        for _, case in batch
    ]
    answers = list(asking.generate(requests))
    if len(answers) != len(requests):
        said = f"{len(answers)} answers came for {len(requests)} prompts."
        raise Unavailable(said, fix="Run the evaluation again when the models answer.")
    half = len(batch)
    pairs = zip(batch, answers[:half], answers[half:], strict=True)
    return [_row(suite, case, base, tuned, asking.metrics) for (suite, case), base, tuned in pairs]


def _row(suite: str, case: Case, base: GenerateResult, tuned: GenerateResult, metrics: tuple[Metric, ...]) -> RowResult:
    asked = [m for m in metrics if m.applies(case.expected)]
    return RowResult(
        suite=suite,
        id=case.id,
        slice=case.slice,
        expected=case.expected,
        base=base.text,
        tuned=tuned.text,
        base_scores={m.name: scored(m, case.expected, base.text, case.id) for m in asked},
        tuned_scores={m.name: scored(m, case.expected, tuned.text, case.id) for m in asked},
        base_cut=base.finish_reason == "length",
        tuned_cut=tuned.finish_reason == "length",
    )


def _report(
    gate: GateSpec, candidate: str, test_rows: int, rows: tuple[RowResult, ...], contamination: Contamination
) -> EvalReport:
    test, old = [r for r in rows if r.suite == TEST], [r for r in rows if r.suite == REGRESSION]
    pairs, kept = _pairs(test, gate.primary), _pairs(old, gate.primary)
    validity = [r.tuned_scores["json_validity"] for r in test if "json_validity" in r.tuned_scores]
    evidence = Evidence(
        pairs=pairs,
        regression_rows=kept.base_right,
        kept=kept.both,
        valid_json=sum(score >= 1 for score in validity),
        json_rows=len(validity),
        contaminated=contamination.test_rows,
    )
    decision = decide(gate, evidence)
    share = wilson(kept.both, kept.base_right, gate.confidence)
    left_out = contamination.regression_rows
    return EvalReport(
        candidate=candidate,
        verdict=decision.verdict,
        code=decision.code,
        reasons=decision.reasons + _remarks(test, contamination),
        gate=gate.model_dump(),
        test_rows=test_rows,
        metrics=_summaries(test, gate),
        regression=Regression(len(old), kept.base_right, kept.both, share, left_out) if old or left_out else None,
        slices=_slices(rows, gate.primary),
        contamination=contamination,
        minimum_detectable_effect=minimum_detectable_effect(test_rows, alpha=gate.alpha),
        more_test_rows=decision.more_test_rows,
        more_regression_rows=decision.more_regression_rows,
        rows=rows,
    )


def _remarks(test: Sequence[RowResult], contamination: Contamination) -> tuple[str, ...]:
    remarks: list[str] = []
    if not contamination.checked:
        remarks.append("Whether training saw the test rows was not checked: its prompts were not given.")
    if contamination.regression_rows:
        count = contamination.regression_rows
        remarks.append(f"{count} regression rows are in the training data and were left out.")
    cut = sum(r.tuned_cut for r in test)
    if cut:
        remarks.append(f"{cut} of {len(test)} answers of the candidate ran into the token limit.")
    return tuple(remarks)


def _pairs(rows: Sequence[RowResult], metric: str) -> Paired:
    """Right means a score of 1."""
    scored_rows = [r for r in rows if metric in r.base_scores]
    base = [r.base_scores[metric] >= 1 for r in scored_rows]
    return Paired.of(base, [r.tuned_scores[metric] >= 1 for r in scored_rows])


def _summaries(test: Sequence[RowResult], gate: GateSpec) -> dict[str, MetricSummary]:
    names = dict.fromkeys(name for row in test for name in row.base_scores)
    return {name: _summary([r for r in test if name in r.base_scores], name, gate) for name in names}


def _summary(rows: Sequence[RowResult], metric: str, gate: GateSpec) -> MetricSummary:
    pairs, n = _pairs(rows, metric), len(rows)
    return MetricSummary(
        n=n,
        base=wilson(pairs.base_right, n, gate.confidence),
        tuned=wilson(pairs.tuned_right, n, gate.confidence),
        difference=paired_interval(pairs, gate.confidence),
        p=mcnemar_exact(pairs.base_only, pairs.tuned_only),
        base_mean=sum(r.base_scores[metric] for r in rows) / n,
        tuned_mean=sum(r.tuned_scores[metric] for r in rows) / n,
    )


def _slices(rows: Sequence[RowResult], metric: str) -> dict[str, SliceSummary]:
    grouped: dict[str, list[RowResult]] = {}
    for row in rows:
        if row.slice:
            grouped.setdefault(f"{row.suite}/{row.slice}", []).append(row)
    found = {name: _pairs(group, metric) for name, group in sorted(grouped.items())}
    return {name: SliceSummary(p.n, p.base_right, p.tuned_right, p.both) for name, p in found.items()}
