"""What a report holds, in the order in which people ask for it. Reports from before there were suites look the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER, Contestant, Role
from trainer.evals.outcome import Comparison, EvalReport, Figure, MetricSummary, Regression
from trainer.evals.stats import Interval

TEST, OLD_SKILLS = "test", "old-skills"
ORDER = (BASE, FEW_SHOT, HOLDER)
ROLES = [role.value for role in Role]


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one suite: everybody's figure, and the candidate's difference from the base where it is known."""

    suite: str
    metric: str
    n: int
    unit: str
    better: str
    sides: dict[str, Interval]  # by contestant
    difference: Interval | None = None
    p: float | None = None


def contestants(report: EvalReport) -> tuple[Contestant, ...]:
    """The base first, the candidate last."""
    known = report.contestants or (Contestant(BASE, "base"), Contestant(CANDIDATE, report.candidate))
    place = {key: i for i, key in enumerate(ORDER)} | {CANDIDATE: len(ORDER) + 1}
    return tuple(sorted(known, key=lambda c: place.get(c.key, len(ORDER))))


def lines(report: EvalReport) -> list[Line]:
    """The test suite first, its primary metric first in it; then the other suites by role and name."""
    if not report.suites:
        return [_plain(name, summary) for name, summary in report.metrics.items()]
    suites = sorted(report.suites.values(), key=lambda s: (_role(s.role), s.name))
    return [
        _line(report, suite.name, name, figures)
        for suite in suites
        for name, figures in sorted(suite.figures.items(), key=lambda item: item[0] != suite.primary)
        if figures
    ]


def _role(role: str) -> int:
    return ROLES.index(role) if role in ROLES else len(ROLES)


def _plain(name: str, summary: MetricSummary) -> Line:
    sides = {BASE: summary.base, CANDIDATE: summary.tuned}
    return Line(TEST, name, summary.n, summary.unit, summary.better, sides, summary.difference, summary.p)


def _line(report: EvalReport, suite: str, name: str, figures: dict[str, Figure]) -> Line:
    one = figures.get(CANDIDATE) or next(iter(figures.values()))
    duel = duel_of(report, suite, name, BASE)
    told = duel or (report.metrics.get(name) if is_test(report, suite) else None)
    sides = {key: figure.value for key, figure in figures.items()}
    difference, p = (told.difference, told.p) if told else (None, None)
    return Line(suite, name, one.n, one.unit, one.better, sides, difference, p)


def is_test(report: EvalReport, suite: str) -> bool:
    return report.suites[suite].role == Role.TEST if suite in report.suites else suite == TEST


def duel_of(report: EvalReport, suite: str, metric: str, against: str) -> Comparison | None:
    wanted = (suite, metric, against, "")
    return next((c for c in report.comparisons if (c.suite, c.metric, c.against, c.slice) == wanted), None)


def duels(report: EvalReport) -> Iterator[Comparison]:
    """The candidate against everybody, on each suite's own metric, over all of its rows."""
    for one in report.comparisons:
        if not one.slice and one.metric == primary_of(report, one.suite):
            yield one


def primary_of(report: EvalReport, suite: str) -> str:
    """What decides about a row of the suite: of the test, the gate's own metric."""
    known = report.suites.get(suite)
    asked = str(report.gate.get("primary") or "exact_match")
    return asked if known is None or (known.role == Role.TEST and asked in known.figures) else known.primary


def kept(report: EvalReport) -> Iterator[tuple[str, str, Regression]]:
    """(suite, against whom, what was kept); lessons are no skills that anybody had, and are told by themselves."""
    for suite in report.suites.values():
        for key, loss in suite.kept.items() if suite.role != Role.LESSONS else ():
            yield suite.name, key, loss
    if not report.suites and report.regression:
        yield OLD_SKILLS, BASE, report.regression


def slices(report: EvalReport) -> list[Comparison]:
    """The candidate against the base in each slice, the greatest loss first."""
    found = [c for c in report.comparisons if c.slice and c.against == BASE]
    return sorted(found, key=lambda c: (c.difference.estimate * sign(report, c), c.suite, c.slice))


def is_worse(report: EvalReport, one: Comparison) -> bool:
    """Whether the interval shows that the candidate lost."""
    return max(sign(report, one) * bound for bound in (one.difference.low, one.difference.high)) < 0


def sign(report: EvalReport, one: Comparison) -> int:
    """-1 where less is better."""
    figure = report.suites[one.suite].figures.get(one.metric, {}).get(CANDIDATE) if one.suite in report.suites else None
    return -1 if figure and figure.better == "lower" else 1


def unit_of(report: EvalReport, one: Comparison) -> str:
    figures = report.suites[one.suite].figures.get(one.metric, {}) if one.suite in report.suites else {}
    return next((figure.unit for figure in figures.values()), "share")
