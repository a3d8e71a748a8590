"""The gate: from evidence to PASS, FAIL or INCONCLUSIVE, with reasons that a person can follow."""

from __future__ import annotations

from collections.abc import Iterable

from trainer.evals.case import BASE, HOLDER
from trainer.evals.gate import bounds, keeping
from trainer.evals.gate.advice import advised_rows
from trainer.evals.gate.evidence import Decision, Evidence, Gain
from trainer.evals.gate.gain import not_inferior, superior
from trainer.evals.gate.spec import GateSpec
from trainer.evals.gate.words import amount, rows, whole
from trainer.evals.outcome import Finding
from trainer.types import GateVerdict


def decide(spec: GateSpec, evidence: Evidence) -> Decision:
    """FAIL as soon as one check fails for certain, PASS when every check passes, else INCONCLUSIVE. A test set that
    training saw blocks before anything else is looked at."""
    if evidence.contaminated:
        return _contaminated(evidence.contaminated)
    gains, kept = _gains(spec, evidence), _kept(spec, evidence)
    judged, notes = bounds.judged(spec, evidence.judges)
    notes += [note for found in evidence.retentions for note in keeping.nothing_to_keep(spec, found)]
    findings = (
        *gains,
        *_unscored(spec, evidence),
        *kept,
        *bounds.validity(spec, evidence.valid_json, evidence.json_rows),
        *bounds.slices(spec, evidence.slices),
        *judged,
    )
    verdict = worst(finding.verdict for finding in findings)
    decisive = next(finding for finding in findings if finding.verdict is verdict)
    reasons = (*(finding.reason for finding in findings), *_enough(spec, evidence, verdict))
    return Decision(verdict, decisive.code, reasons, _most(gains), _most(kept), findings, tuple(notes))


def worst(verdicts: Iterable[GateVerdict]) -> GateVerdict:
    found = set(verdicts)
    for verdict in (GateVerdict.FAIL, GateVerdict.INCONCLUSIVE):
        if verdict in found:
            return verdict
    return GateVerdict.PASS


def _contaminated(count: int) -> Decision:
    said = (
        f"Of the test set, {rows(count)} also stood in the training data, so the scores would say nothing. "
        "Split the dataset again and train on its training part."
    )
    finding = Finding(GateVerdict.FAIL, "contaminated", said)
    return Decision(GateVerdict.FAIL, "contaminated", (said,), findings=(finding,))


def _gains(spec: GateSpec, evidence: Evidence) -> list[Finding]:
    """Better than the base, always; against the model that serves now, what the spec asks for. Both must hold, so
    neither p needs a correction."""
    found = [superior(spec, gain) for gain in evidence.gains if gain.against == BASE]
    if not found:
        said = f"{spec.primary}: no test row has a score of base and candidate, so nothing is known of a gain."
        found = [Finding(GateVerdict.INCONCLUSIVE, "too_few_rows", said, advised_rows(spec).test_rows)]
    serving = [gain for gain in evidence.gains if gain.against == HOLDER]
    if spec.holder != "reported":
        found += [(superior if spec.holder == "superior" else not_inferior)(spec, gain) for gain in serving]
    return found


def _unscored(spec: GateSpec, evidence: Evidence) -> list[Finding]:
    if not evidence.unscored:
        return []
    ids = ", ".join(evidence.unscored[:5]) + (" …" if len(evidence.unscored) > 5 else "")
    said = f"{rows(len(evidence.unscored))} were scored for some models only: {ids}. "
    said += "No row may drop out of a comparison. Run the evaluation again."
    return [Finding(GateVerdict.INCONCLUSIVE, "rows_unscored", said)]


def _kept(spec: GateSpec, evidence: Evidence) -> list[Finding]:
    found = [keeping.kept(spec, kept) for kept in evidence.retentions if kept.rule.required]
    return [
        *(finding for finding in found if finding),
        *(keeping.floor(spec, level) for level in evidence.levels if level.rule.required),
        *(keeping.absent(spec, rule) for rule in evidence.missing if rule.required),
        *(keeping.changed(rule) for rule in evidence.changed if rule.required),
        *(keeping.unsliced(rule) for rule in evidence.unsliced if rule.required),
    ]


def _most(findings: Iterable[Finding]) -> int | None:
    return max((finding.more for finding in findings if finding.more), default=None)


def _enough(spec: GateSpec, evidence: Evidence, verdict: GateVerdict) -> list[str]:
    """When to stop: the Minimum Viable Model."""
    gain = next((gain for gain in evidence.gains if gain.against == BASE), None)
    if gain is None or (spec.good_enough is None and verdict is not GateVerdict.PASS):
        return []
    if spec.good_enough is None:
        return ["It passes, and nothing more was asked for: this is good enough, stop here."]
    away = _away(spec.good_enough, gain)
    if away > 1e-9:
        stands = f"{spec.primary} stands at {amount(gain.after, gain.unit)}"
        to_go = f"{away * 100:.1f} points" if gain.unit == "share" else amount(away, gain.unit)
        return [f"{stands}; {whole(spec.good_enough)} would be good enough: {to_go} to go."]
    if verdict is GateVerdict.PASS:
        return [f"{spec.primary} reaches the {whole(spec.good_enough)} that is good enough: stop here."]
    return []


def _away(enough: float, gain: Gain) -> float:
    goal = enough * 100 if gain.unit == "points" else enough
    return gain.after - goal if gain.better == "lower" else goal - gain.after
