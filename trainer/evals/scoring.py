"""Answers become rows: each contestant's answer to a case, with its score by every metric that applies."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from trainer.evals.asking import Key, Progress
from trainer.evals.case import Answer, Case, Check, Contestant, Role, Suite
from trainer.evals.gate import GateSpec
from trainer.evals.metrics import Metric, named, scored
from trainer.evals.outcome import Row

HEARD_S = 2.0


def fitted(suite: Suite, gate: GateSpec) -> Suite:
    """The suite as this gate has it scored: the test set by the gate's own metrics, every other by its own."""
    if suite.role is not Role.TEST:
        return suite
    wanted = (Check(gate.primary, gate.arguments), *(Check(name) for name in gate.metrics), *suite.metrics)
    first = {check.metric: check for check in reversed(wanted)}
    return replace(
        suite, primary=gate.primary, metrics=tuple(first[name] for name in dict.fromkeys(c.metric for c in wanted))
    )


def metrics_of(suite: Suite) -> tuple[Metric, ...]:
    """Its metrics, the primary one among them. Raises BadInput for one that there is not."""
    wanted = {check.metric: check for check in (Check(suite.primary), *suite.metrics)}
    return tuple(named(check.metric, check.arguments, suite.folder) for check in wanted.values())


def rows_of(
    suites: Sequence[Suite],
    contestants: Sequence[Contestant],
    answers: Mapping[Key, Answer],
    on_progress: Progress | None = None,
) -> tuple[Row, ...]:
    """Raises BadInput for a metric that fails: it is named with the case, and nothing is scored in silence. Where that
    takes long, `on_progress` hears every few seconds that all rows are answered, so that it can be stopped."""
    total = sum(len(suite.cases) for suite in suites)
    rows: list[Row] = []
    told = time.monotonic()
    for suite, metrics in [(suite, metrics_of(suite)) for suite in suites]:
        for case in suite.cases:
            said = {who.key: answers[who.key, suite.name, case.id] for who in contestants}
            rows.append(_row(suite, case, said, metrics))
            if on_progress and time.monotonic() - told > HEARD_S:
                on_progress(total, total)
                told = time.monotonic()
    return tuple(rows)


def _row(suite: Suite, case: Case, answers: dict[str, Answer], metrics: Sequence[Metric]) -> Row:
    asked = [metric for metric in metrics if metric.applies(case)]
    return Row(
        suite=suite.name,
        id=case.id,
        messages=case.messages,
        expected=case.expected,
        answers=answers,
        scores={who: {m.name: scored(m, case, answer) for m in asked} for who, answer in answers.items()},
        slices=dict(case.slices),
        group=case.group,
    )
