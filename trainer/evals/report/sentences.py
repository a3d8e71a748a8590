"""The report as sentences: verdict first, then reasons, who won, what was lost, and what this many rows can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainer.evals.outcome import Comparison, EvalReport, Finding, JudgeReport
from trainer.evals.report import table, words
from trainer.types import GateVerdict

WORST_SLICES = 3
WORST_FIRST = (GateVerdict.FAIL, GateVerdict.INCONCLUSIVE, GateVerdict.PASS)


def headline(report: EvalReport) -> str:
    """The verdict in one sentence."""
    return words.VERDICTS[report.verdict]


def lines(report: EvalReport, people: Sequence[str] = ()) -> list[str]:
    """Everything that a terminal has room for. `people` are sentences about what people said, told after the judges."""
    said = [headline(report), *(text for _, text in reasons(report))]
    said += [*duels(report), *kept(report, beyond_reasons=True), *worst_slices(report)]
    for one in report.judges:
        said += judge(report, one)
    said += [*people, *power(report), *remarks(report), registered(report)]
    return said


def reasons(report: EvalReport) -> list[tuple[GateVerdict | None, str]]:
    """What the gate found, what speaks against the candidate first; the suite is named in each. Reports from before
    there were findings have no verdict on each reason."""
    if not report.findings:
        return [(None, reason) for reason in report.reasons]
    ranked = sorted(report.findings, key=lambda finding: WORST_FIRST.index(finding.verdict))
    return [(finding.verdict, _with_suite(finding)) for finding in ranked]


def _with_suite(finding: Finding) -> str:
    named = not finding.suite or finding.suite in finding.reason
    return finding.reason if named else f"{finding.suite}: {finding.reason}"


def remarks(report: EvalReport) -> list[str]:
    """What the gate said beside its findings, such as when to stop; then what a reader must know."""
    found = {finding.reason for finding in report.findings}
    said = [reason for reason in report.reasons if reason not in found] if report.findings else []
    return list(dict.fromkeys([*said, *report.notes]))


def duels(report: EvalReport) -> list[str]:
    """Row by row on the test, and wherever else the candidate is shown to be worse."""
    found = list(table.duels(report))
    return [duel(report, one) for one in found if table.is_test(report, one.suite) or table.is_worse(report, one)]


def duel(report: EvalReport, one: Comparison) -> str:
    """`test, exact match, against the base: 40 won, 3 lost, 37 equal of 80 rows; +46.3 points (…), p < 0.001.`"""
    whom = against(report, one.against)
    gain = words.change(one.difference, table.unit_of(report, one))
    counts = f"{one.wins:,} won, {one.losses:,} lost, {one.ties:,} equal of {words.rows(one.n)}"
    p, holm = words.p_text(one.p), "" if one.p_holm is None else words.p_text(one.p_holm)
    p = f"p {p}" + (f", {holm} by Holm" if holm not in ("", p) else "")
    return f"{_where(one)}, {words.metric(one.metric)}, against {whom}: {counts}; {gain}, {p}."


def _where(one: Comparison) -> str:
    return f"{one.suite}/{one.slice}" if one.slice else one.suite


def against(report: EvalReport, key: str) -> str:
    name = words.names(table.contestants(report)).get(key, key)
    return f"the {name}" if key in words.WHO or name.startswith("base") else name


def kept(report: EvalReport, *, beyond_reasons: bool = False) -> Iterator[str]:
    """`old-skills: 58 of 60 that the base has right are kept, 96.7 % (88.6 to 99.1).`"""
    reasoned = {finding.suite for finding in report.findings} if beyond_reasons else ()
    for suite, key, loss in table.kept(report):
        if suite in reasoned:
            continue
        out = f" {words.rows(loss.left_out)} left out: training saw them." if loss.left_out else ""
        share = words.value(loss.share) if loss.base_right else "nothing to lose"
        whom = against(report, key)
        yield f"{suite}: {loss.kept:,} of {loss.base_right:,} that {whom} has right are kept, {share}.{out}"


def worst_slices(report: EvalReport, count: int = WORST_SLICES) -> list[str]:
    """Slices where the candidate lost the most rows that the base has right."""
    lost = [(s.base_right - s.kept, name, s) for name, s in report.slices.items() if s.kept < s.base_right]
    ranked = sorted(lost, key=lambda item: (-item[0], item[1]))[:count]
    return [f"{name}: {s.kept} of {s.base_right} kept." for _, name, s in ranked]


def judge(report: EvalReport, one: JudgeReport) -> list[str]:
    """Whom it preferred, how far to trust it, and what it warned of."""
    head = f"Judge {one.model} ({one.rubric})"
    if one.kind == "pairwise":
        whom = against(report, one.against)
        counts = f"{one.wins:,} won, {one.losses:,} lost, {one.ties:,} equal of {words.rows(one.rows)}"
        head += f", against {whom}: {counts}."
    else:
        head += f" of {words.rows(one.rows)}, 0 to 10: {_scores(report, one)}."
    return [f"{head} {trust(report, one)}", *one.warnings]


def _scores(report: EvalReport, one: JudgeReport) -> str:
    known = words.names(table.contestants(report))
    return "; ".join(
        f"{words.metric(name)} " + ", ".join(f"{known.get(key, key)} {score.estimate:.1f}" for key, score in by.items())
        for name, by in one.scores.items()
    )


def trust(report: EvalReport, one: JudgeReport) -> str:
    """Benched, advisory and why, or counted; then how it behaved."""
    rule = report.gate.get("judge") or {}
    if one.benched:
        stand = f"Benched, nobody should listen to it: {one.benched.rstrip('.')}."
    elif one.advisory:
        stand = f"It only advises: {_agreement(one)}; {rule.get('min_labels', 100)} labels by people and "
        stand += f"κ of {rule.get('min_kappa', 0.6)} are asked for."
    else:
        stand = f"It agrees with people: {_agreement(one)}."
    return " ".join([stand, *_conduct(one)])


def _agreement(one: JudgeReport) -> str:
    if not one.labels:
        return "nobody has labelled these rows yet"
    kappa = f"κ {one.kappa:.2f}" if one.kappa is not None else "κ unknown"
    alpha = f", α {one.alpha:.2f}" if one.alpha is not None else ""
    return f"{kappa}{alpha} with people on {words.rows(one.labels)}"


def _conduct(one: JudgeReport) -> Iterator[str]:
    if one.consistency is not None:
        yield f"Both orders agree on {words.whole(one.consistency)} of the pairs."
    if one.first_share is not None:
        yield f"It chose what it saw first {words.whole(one.first_share)} of the time."
    if one.length_bias is not None:
        yield f"Leaning to longer answers: {one.length_bias:+.2f}."
    if one.unparsable:
        yield f"{words.rows(one.unparsable)} without a judgement."
    if one.cost_usd is not None:
        yield f"Cost ${one.cost_usd:,.2f}."


def power(report: EvalReport) -> Iterator[str]:
    """What so many rows can show."""
    if report.metrics:
        shown = report.minimum_detectable_effect * 100
        yield f"{words.rows(report.test_rows)} of the test show gains of {shown:.0f} points or more, mostly."


def registered(report: EvalReport, person: str = "") -> str:
    """Whether the gate was there before the training; `person` is how its approver is shown."""
    known: Mapping[str, Any] = report.registered
    if not known.get("digest"):
        return "The gate was not registered before training."
    by = person or str(known.get("by") or "")
    said = f"The gate was registered before training (digest {str(known['digest'])[:12]}…)"
    return f"{said} by {by}." if by else f"{said}."


def contamination(report: EvalReport) -> Iterator[str]:
    found = report.contamination
    if not found.checked:
        yield "Whether training saw the test rows was not checked."
    elif found.test_rows:
        ids = ", ".join(found.first_ids)
        yield f"{words.rows(found.test_rows)} of the test also stood in the training data ({ids})."
    else:
        yield "No prompt of the test stood in the training data."
    if found.regression_rows:
        yield f"{words.rows(found.regression_rows)} of regression suites stood in the training data and were left out."
