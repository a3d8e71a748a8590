"""The comparison as a whole: rows in, report out. No model is asked and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import BASE, CANDIDATE, HOLDER, Contestant, Role, Suite
from trainer.evals.compare import remarks
from trainer.evals.compare.contests import comparison, corrected, gain_over, slice_gains
from trainer.evals.compare.figures import Figures, figures, summaries
from trainer.evals.compare.keeping import kept, levels, retentions, slice_summaries
from trainer.evals.compare.measures import Measured, half_scored, measures, primary_of, right, scored_by
from trainer.evals.gate import Evidence, Gain, GateSpec, decide
from trainer.evals.gate.keeping import OLD_SKILLS, rules
from trainer.evals.outcome import Comparison, Contamination, EvalReport, JudgeReport, Regression, Row, SuiteReport
from trainer.evals.stats import minimum_detectable_effect

JSON = "json_validity"

Named = list[tuple[str, Gain]]  # by metric


@dataclass(frozen=True, slots=True)
class Answered:
    """A suite with the rows that were answered, and what they measure."""

    suite: Suite
    rows: tuple[Row, ...]
    found: dict[str, Measured]
    figures: Figures
    primary: str
    left_out: int

    @property
    def measured(self) -> Measured | None:
        return self.found.get(self.primary)


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
    """The report on the candidate. `suites` are whole; of rows that training saw there are none in `rows`, and they are
    counted as left out. With a contaminated test set there are no rows at all. Raises BadInput where base, candidate or
    test suite are missing."""
    candidate = _needed(contestants, suites)
    answered = {suite.name: _answered(spec, suite, contestants, rows) for suite in suites}
    test = next(one for one in answered.values() if one.suite.role is Role.TEST)
    others = [who.key for who in contestants if who.key != CANDIDATE]
    gains = {one.suite.name: _gains(spec, one, others) for one in answered.values()}
    slices = slice_gains(spec, test.rows, test.measured, others) if test.measured else ()
    tested = gains[test.suite.name]
    decision = decide(spec, _evidence(spec, answered, test, tested, slices, contamination, judges, others))
    compared = _comparisons(spec, answered, test, gains, slices)
    said = remarks.remarks(spec, contestants, test.rows, test.found, looks) if rows else remarks.looked(spec, looks)
    return EvalReport(
        candidate=candidate,
        verdict=decision.verdict,
        code=decision.code,
        reasons=decision.reasons,
        gate=spec.model_dump(mode="json"),
        test_rows=len(test.suite.cases),
        metrics=summaries(test.figures, [(name, gain) for name, gain in tested if gain.against == BASE]),
        regression=_regression(spec, answered.get(OLD_SKILLS)),
        slices=slice_summaries([(one.suite.name, one.rows, one.primary) for one in answered.values()]),
        contamination=contamination,
        minimum_detectable_effect=minimum_detectable_effect(len(test.suite.cases), alpha=spec.alpha),
        more_test_rows=decision.more_test_rows,
        more_regression_rows=decision.more_regression_rows,
        rows=tuple(rows),
        contestants=tuple(contestants),
        findings=decision.findings,
        suites={name: _suite(spec, one, others) for name, one in answered.items()},
        comparisons=compared,
        judges=tuple(judges),
        notes=tuple(dict.fromkeys((*notes, *said, *decision.notes, *remarks.luck(compared, spec.alpha)))),
        registered=dict(registered or {}),
        looks=looks,
    )


def _needed(contestants: Sequence[Contestant], suites: Sequence[Suite]) -> str:
    models = {who.key: who.model for who in contestants}
    for key in (BASE, CANDIDATE):
        if key not in models:
            raise BadInput(f"There is no {key} to compare.", fix="An evaluation needs both.", param="model")
    if not any(suite.role is Role.TEST for suite in suites):
        raise BadInput("There is no test suite.", fix="Give at least one row with an answer.", param="test")
    return models[CANDIDATE]


def _answered(spec: GateSpec, suite: Suite, contestants: Sequence[Contestant], rows: Sequence[Row]) -> Answered:
    ours = tuple(row for row in rows if row.suite == suite.name)
    found = measures(suite, spec, ours)
    left_out = max(0, len(suite.cases) - len(ours)) if rows else 0
    told = figures(suite, ours, found, contestants, spec.confidence)
    return Answered(suite, ours, found, told, primary_of(suite, spec).metric, left_out)


def _held_against(spec: GateSpec, others: Sequence[str]) -> list[str]:
    """Those that the candidate may not fall behind."""
    return [key for key in others if key == BASE or (key == HOLDER and spec.holder != "reported")]


def _gains(spec: GateSpec, one: Answered, others: Sequence[str]) -> Named:
    """By metric, against everybody else, the base first: every metric of the test set, the primary one of a suite."""
    test = one.suite.role is Role.TEST
    asked = list(one.found.values()) if test else [one.measured] if one.measured else []
    order = sorted(others, key=lambda key: key != BASE)
    found = [(m.name, gain_over(key, one.rows, m, spec.confidence)) for m in asked for key in order]
    return [(name, gain) for name, gain in found if gain]


def _evidence(
    spec: GateSpec,
    answered: Mapping[str, Answered],
    test: Answered,
    gains: Named,
    slices: Sequence[Gain],
    contamination: Contamination,
    judges: Sequence[JudgeReport],
    others: Sequence[str],
) -> Evidence:
    held = _held_against(spec, others)
    asked = rules(spec, {name for name, one in answered.items() if one.rows})
    there = [(rule, answered[rule.suite]) for rule in asked if rule.suite in answered]
    judged = [(rule, one, one.measured) for rule, one in there if one.measured]
    valid = [right(row, JSON, CANDIDATE) for row in scored_by(test.rows, JSON, CANDIDATE)]
    return Evidence(
        gains=tuple(gain for name, gain in gains if name == test.primary),
        retentions=tuple(r for rule, one, m in judged for r in retentions(spec, rule, one.rows, m, held)),
        levels=tuple(level for rule, one, m in judged for level in levels(spec, rule, one.rows, m)),
        slices=tuple(gain for gain in slices if gain.against in held),
        missing=tuple(rule for rule in asked if rule.suite not in answered or answered[rule.suite].measured is None),
        changed=tuple(rule for rule, one in there if rule.sha256 and rule.sha256 != one.suite.sha256),
        unsliced=tuple(rule for rule, one, _ in judged if rule.by and not any(r.slices.get(rule.by) for r in one.rows)),
        valid_json=sum(valid),
        json_rows=len(valid),
        contaminated=contamination.test_rows,
        unscored=tuple(dict.fromkeys(_unscored([test, *(one for _, one, _ in judged)], [*held, CANDIDATE]))),
        judges=tuple(judges),
    )


def _unscored(asked: Sequence[Answered], keys: Sequence[str]) -> list[str]:
    return [f"{one.suite.name}/{row.id}" for one in asked for row in half_scored(one.rows, one.primary, keys)]


def _comparisons(
    spec: GateSpec, answered: Mapping[str, Answered], test: Answered, gains: Mapping[str, Named], slices: Sequence[Gain]
) -> tuple[Comparison, ...]:
    told = [comparison(spec, suite, metric, gain) for suite, found in gains.items() for metric, gain in found]
    told += [comparison(spec, test.suite.name, test.primary, gain) for gain in slices]
    return corrected(told, {name: one.primary for name, one in answered.items()})


def _regression(spec: GateSpec, old: Answered | None) -> Regression | None:
    if old is None or not (old.rows or old.left_out):
        return None
    return kept(old.rows, old.primary, BASE, spec.confidence, old.left_out)


def _suite(spec: GateSpec, one: Answered, others: Sequence[str]) -> SuiteReport:
    held = [key for key in others if key in (BASE, HOLDER)] if one.rows and one.suite.role is not Role.TEST else []
    return SuiteReport(
        name=one.suite.name,
        role=one.suite.role.value,
        sha256=one.suite.sha256,
        rows=len(one.rows),
        primary=one.primary,
        figures=one.figures,
        kept={key: kept(one.rows, one.primary, key, spec.confidence, one.left_out) for key in held},
        left_out=one.left_out,
        notes=one.suite.notes,
    )
