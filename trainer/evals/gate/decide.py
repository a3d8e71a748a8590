"""The gate: from evidence to PASS, FAIL or INCONCLUSIVE, with reasons that a person can follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trainer.evals.gate.spec import GateSpec
from trainer.evals.stats import (
    Interval,
    Paired,
    mcnemar_exact,
    paired_interval,
    rows_needed,
    rows_to_clear,
    wilson,
)
from trainer.types import GateVerdict


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an evaluation counted. `regression_rows` are those the base answers rightly; `kept` still are."""

    pairs: Paired
    regression_rows: int = 0
    kept: int = 0
    valid_json: int = 0
    json_rows: int = 0
    contaminated: int = 0  # test prompts that the training data holds


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, a code for programs, sentences for people, and how many more rows would tell."""

    verdict: GateVerdict
    code: str
    reasons: tuple[str, ...]
    more_test_rows: int | None = None
    more_regression_rows: int | None = None


@dataclass(frozen=True, slots=True)
class _Finding:
    verdict: GateVerdict
    code: str
    reason: str
    more: int | None = None


def decide(spec: GateSpec, evidence: Evidence) -> Decision:
    """FAIL as soon as one check fails for certain, PASS when every check passes, else INCONCLUSIVE."""
    if evidence.contaminated:
        said = (
            f"Of the test set, {_rows(evidence.contaminated)} also stood in the training data, so the scores "
            "would say nothing. Split the dataset again and train on its training part."
        )
        return Decision(GateVerdict.FAIL, "contaminated", (said,))
    gain, kept = _gain(spec, evidence), _kept(spec, evidence)
    findings = [gain, kept, *_validity(spec, evidence)]
    verdict = worst(f.verdict for f in findings)
    decisive = next(f for f in findings if f.verdict is verdict)
    return Decision(verdict, decisive.code, tuple(f.reason for f in findings), gain.more, kept.more)


def worst(verdicts: Iterable[GateVerdict]) -> GateVerdict:
    found = set(verdicts)
    for verdict in (GateVerdict.FAIL, GateVerdict.INCONCLUSIVE):
        if verdict in found:
            return verdict
    return GateVerdict.PASS


def _gain(spec: GateSpec, evidence: Evidence) -> _Finding:
    pairs = evidence.pairs
    gain = paired_interval(pairs, spec.confidence)
    p = mcnemar_exact(pairs.base_only, pairs.tuned_only)
    counts = f"{pairs.base_right} → {pairs.tuned_right} of {pairs.n}, p {p_text(p)}"
    said = f"{spec.primary}: {points(gain)} ({counts})"
    if pairs.n < spec.min_rows:
        said = f"{said}. {_rows(pairs.n)} are too few to judge; at least {spec.min_rows} are needed."
        return _Finding(GateVerdict.INCONCLUSIVE, "too_few_rows", said, _more_rows(spec, pairs))
    if p < spec.alpha and gain.high < 0:
        return _Finding(GateVerdict.FAIL, "worse", f"{said}. The candidate is worse than the base.")
    if gain.high < spec.min_effect:
        said = f"{said}. At best the gain is below the {whole(spec.min_effect)} that would be worth it."
        return _Finding(GateVerdict.FAIL, "no_gain", said)
    if p < spec.alpha and gain.low > 0 and gain.estimate >= spec.min_effect:
        return _Finding(GateVerdict.PASS, "better", f"{said}. The candidate is better.")
    more = _more_rows(spec, pairs)
    hint = f" About {more:,} more test rows would tell." if more else ""
    said = f"{said}. That may be chance, or a gain below {whole(spec.min_effect)}.{hint}"
    return _Finding(GateVerdict.INCONCLUSIVE, "not_shown", said, more)


def _more_rows(spec: GateSpec, pairs: Paired) -> int | None:
    """Rows for a gain like the one seen, or, where none was seen, like the one that the gate is sized for."""
    seen = (pairs.tuned_only - pairs.base_only) / pairs.n if pairs.n else 0.0
    effect = max(seen, spec.min_effect) if seen > 0 else max(spec.target_effect, spec.min_effect)
    needed = rows_needed(effect or 0.01, discordance=pairs.discordance, alpha=spec.alpha)
    return max(needed, spec.min_rows) - pairs.n if needed and max(needed, spec.min_rows) > pairs.n else None


def _kept(spec: GateSpec, evidence: Evidence) -> _Finding:
    n, lost = evidence.regression_rows, evidence.regression_rows - evidence.kept
    margin, clear = spec.regression_margin, rows_to_clear(spec.regression_margin, 0, spec.confidence)
    if n == 0:
        verdict = GateVerdict.INCONCLUSIVE if spec.regression_required else GateVerdict.PASS
        said = "No regression row that the base answers rightly was run: what the candidate forgot is unknown."
        return _Finding(verdict, "no_regression_rows", said, clear)
    share = wilson(lost, n, spec.confidence)
    said = f"Of {n} old skills' rows {evidence.kept} are kept; lost {percent(share)}"
    if share.low > margin:
        return _Finding(GateVerdict.FAIL, "forgot", f"{said}. More than the {whole(margin)} allowed is forgotten.")
    if share.high <= margin:
        return _Finding(GateVerdict.PASS, "kept", f"{said}. That is within the {whole(margin)} allowed.")
    more = max(rows_to_clear(margin, lost, spec.confidence), clear) - n if share.estimate < margin else None
    hint = f" About {more:,} more regression rows would tell." if more else ""
    said = f"{said}. Whether that is within the {whole(margin)} allowed is not shown.{hint}"
    return _Finding(GateVerdict.INCONCLUSIVE, "loss_unclear", said, more)


def _validity(spec: GateSpec, evidence: Evidence) -> list[_Finding]:
    if not evidence.json_rows:
        return []
    share = wilson(evidence.valid_json, evidence.json_rows, spec.confidence)
    said = f"Valid JSON: {percent(share)} of {evidence.json_rows}"
    if spec.validity_floor is not None and share.estimate < spec.validity_floor:
        said = f"{said}. At least {whole(spec.validity_floor)} is asked for."
        return [_Finding(GateVerdict.FAIL, "invalid_json", said)]
    return [_Finding(GateVerdict.PASS, "valid_json", f"{said}.")]


def points(gain: Interval) -> str:
    """A difference in points with its interval: `+12.0 points (+3.1 to +20.8)`."""
    return f"{gain.estimate * 100:+.1f} points ({gain.low * 100:+.1f} to {gain.high * 100:+.1f})"


def percent(share: Interval) -> str:
    """A share with its interval: `82.0 % (71.2 to 89.5)`."""
    return f"{share.estimate * 100:.1f} % ({share.low * 100:.1f} to {share.high * 100:.1f})"


def whole(share: float) -> str:
    return f"{share * 100:.0f} %"


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
