"""What must not happen, however much better the candidate is: a form that breaks, a slice that falls behind, a judge
who can be trusted and prefers the other."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.evals.gate.evidence import Gain, called
from trainer.evals.gate.spec import GateSpec
from trainer.evals.gate.words import change, p_text, percent, rows, whole
from trainer.evals.outcome import Finding, JudgeReport
from trainer.evals.stats import sign_test, wilson
from trainer.types import GateVerdict

PASS, FAIL = GateVerdict.PASS, GateVerdict.FAIL


def validity(spec: GateSpec, valid: int, asked: int) -> list[Finding]:
    """The share of answers that are JSON, where JSON is expected."""
    if not asked:
        return []
    share = wilson(valid, asked, spec.confidence)
    said = f"Valid JSON: {percent(share)} of {asked}"
    if spec.validity_floor is not None and share.estimate < spec.validity_floor:
        return [Finding(FAIL, "invalid_json", f"{said}. At least {whole(spec.validity_floor)} is asked for.")]
    return [Finding(PASS, "valid_json", f"{said}.")]


def slices(spec: GateSpec, found: Sequence[Gain]) -> list[Finding]:
    """A slice is worse where that is shown, with p corrected over all of them: among many slices of an unchanged
    model some always look worse."""
    if not found:
        return []
    worse = [gain for gain in found if gain.p_holm < spec.alpha and gain.difference.interval.high < 0]
    if not worse:
        count = len({gain.slice for gain in found})
        said = "The slice looked at" if count == 1 else f"None of {count} slices"
        shown = "is not shown to be worse" if count == 1 else "is shown to be worse"
        return [Finding(PASS, "slices_held", f"{said} {shown}.")]
    return [Finding(FAIL, "slice_worse", _worse(gain, len(found))) for gain in worse]


def _worse(gain: Gain, count: int) -> str:
    interval = gain.difference.interval
    corrected = f"p {p_text(gain.p_holm)} after Holm" if count > 1 else f"p {p_text(gain.p_holm)}"
    said = f"{gain.slice}: {change(interval, gain.unit)} for the candidate, {rows(gain.difference.n)}, {corrected}"
    return f"{said}. In this slice it is worse than {called(gain.against)}."


def judged(spec: GateSpec, judges: Sequence[JudgeReport]) -> tuple[list[Finding], list[str]]:
    """A judge never makes a candidate pass. One that is registered, and agrees with people, may stop it."""
    findings: list[Finding] = []
    notes: list[str] = []
    for judge in judges:
        said = f"The judge {judge.model} preferred the candidate {judge.wins} times, {called(judge.against)} "
        said += f"{judge.losses} times, and neither {judge.ties} times"
        if judge.kind != "pairwise":
            said = f"The judge {judge.model} rated {rows(judge.rows)} by {judge.rubric}"
        if why := _no_say(spec, judge):
            notes.append(f"{said}. {why}")
            continue
        p = sign_test(judge.wins, judge.losses)
        if judge.losses > judge.wins and p < spec.alpha:
            said = f"{said}, p {p_text(p)}. It agrees with people often enough to be heard."
            findings.append(Finding(FAIL, "judge_prefers_base", said))
        else:
            notes.append(f"{said}, p {p_text(p)}.")
    return findings, notes


def _no_say(spec: GateSpec, judge: JudgeReport) -> str:
    """Why this judge only advises; "" where it may stop a candidate."""
    if judge.benched:
        return f"It is benched: {judge.benched.rstrip('.')}."
    if spec.judge is None or judge.model != spec.judge.model:
        return "The gate does not name it, so it only advises."
    if spec.judge.prompt_sha256 and judge.prompt_sha256 != spec.judge.prompt_sha256:
        return "Its prompt is not the one that was registered, so it only advises."
    if judge.advisory:
        least, labels = spec.judge.min_labels, judge.labels
        needed = f"{least} with κ {spec.judge.min_kappa:g} are needed"
        return f"It only advises: people labelled {rows(labels)} so far, {needed}."
    return "" if judge.kind == "pairwise" else "Ratings only advise."
