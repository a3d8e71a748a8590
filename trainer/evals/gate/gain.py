"""Is the candidate better? Against the base, and against the model that serves now."""

from __future__ import annotations

from trainer.evals.case import BASE, HOLDER
from trainer.evals.gate.advice import advised_rows
from trainer.evals.gate.evidence import Gain, called
from trainer.evals.gate.spec import GateSpec
from trainer.evals.gate.words import amount, change, p_text, rows, whole
from trainer.evals.outcome import Finding
from trainer.evals.stats import FEW_CLUSTERS, Interval, rows_to_settle
from trainer.types import GateVerdict

PASS, FAIL, OPEN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.INCONCLUSIVE


def superior(spec: GateSpec, gain: Gain) -> Finding:
    """PASS where p is below alpha, the interval above 0 and the estimate at least the smallest gain that is worth it;
    FAIL where the candidate is surely worse, or surely gains less than that."""
    interval, p, said = gain.difference.interval, gain.difference.p, told(spec, gain)
    other, least = called(gain.against), gain.scaled(spec.min_effect)
    if gain.difference.n < spec.min_rows:
        return _too_few(spec, gain, said)
    if p < spec.alpha and interval.high < 0:
        code = "below_holder" if gain.against == HOLDER else "worse"
        return Finding(FAIL, code, f"{said}. The candidate is worse than {other}.")
    if interval.high < least:
        said = f"{said}. At best the gain is below the {whole(spec.min_effect)} that would be worth it."
        return Finding(FAIL, "no_gain", said)
    if p < spec.alpha and interval.low > 0 and interval.estimate >= least:
        than = "" if gain.against == BASE else f" than {other}"
        return Finding(PASS, "better", f"{said}. The candidate is better{than}.")
    more = more_rows(spec, gain)
    said = f"{said}. That may be chance, or a gain below {whole(spec.min_effect)}. {_hint(more)}"
    return Finding(OPEN, "not_shown", said, more)


def not_inferior(spec: GateSpec, gain: Gain) -> Finding:
    """PASS where the whole interval lies above a loss of `min_effect`: a difference too small to matter."""
    interval, said, least = gain.difference.interval, told(spec, gain), gain.scaled(spec.min_effect)
    other, allowed = called(gain.against), whole(spec.min_effect)
    if gain.difference.n < spec.min_rows:
        return _too_few(spec, gain, said)
    if interval.high < -least or (gain.difference.p < spec.alpha and interval.high < 0 and least == 0):
        return Finding(FAIL, "below_holder", f"{said}. The candidate is worse than {other} by more than {allowed}.")
    if interval.low >= -least:
        return Finding(PASS, "not_below_holder", f"{said}. It is not worse than {other} by more than {allowed}.")
    more = _beyond(rows_to_settle(interval, -least), gain)
    said = f"{said}. Whether it is worse than {other} by more than {allowed} is not shown. {_hint(more)}"
    return Finding(OPEN, "not_shown", said, more)


def told(spec: GateSpec, gain: Gain) -> str:
    """`exact_match: +12.0 points (+3.1 to +20.8) (20 → 32 of 100, p 0.008)`."""
    found = gain.difference
    against = "" if gain.against == BASE else f" against {called(gain.against)}"
    if found.pairs is not None:
        counts = f"{found.pairs.base_right} → {found.pairs.tuned_right} of {found.n}"
    else:
        counts = f"{amount(gain.before, gain.unit)} → {amount(gain.after, gain.unit)} over {rows(found.n)}"
    lower = ", less is better" if gain.better == "lower" else ""
    raw = _turned(found.interval) if gain.better == "lower" else found.interval
    few = "" if not 0 < found.clusters < FEW_CLUSTERS else f"; only {found.clusters} groups of rows, so take it lightly"
    return f"{spec.primary}{against}: {change(raw, gain.unit)} ({counts}, p {p_text(found.p)}{lower}{few})"


def more_rows(spec: GateSpec, gain: Gain) -> int | None:
    """Rows that would tell, for a gain like the one seen where it would be worth it; else for the one that the gate is
    sized for; and where even that many were there, until what was seen is surely too little."""
    found = gain.difference
    if found.n < 2:
        return max(advised_rows(spec).test_rows or 0, spec.min_rows) - found.n
    least, seen = gain.scaled(spec.min_effect), found.interval.estimate
    effect = seen if seen > least and seen > 0 else gain.scaled(max(spec.target_effect, spec.min_effect)) or 0.01
    needed = found.rows_for(effect, least=least, alpha=spec.alpha)
    more = _beyond(needed and max(needed, spec.min_rows), gain)
    if more is None and seen < least:
        more = _beyond(rows_to_settle(found.interval, least), gain)
    return more if more or found.n >= spec.min_rows else spec.min_rows - found.n


def _beyond(needed: int | None, gain: Gain) -> int | None:
    return needed - gain.difference.n if needed and needed > gain.difference.n else None


def _too_few(spec: GateSpec, gain: Gain, said: str) -> Finding:
    more = more_rows(spec, gain)
    few = f"{rows(gain.difference.n)} are too few to judge; at least {spec.min_rows} are needed."
    hint = f" {_hint(more)}" if more else ""
    return Finding(OPEN, "too_few_rows", f"{said}. {few}{hint}", more)


def _hint(more: int | None) -> str:
    if more:
        return f"About {rows(more, 'more test row')} would tell."
    return "It lies so near to the line that no test set of a usual size would tell."


def _turned(interval: Interval) -> Interval:
    return Interval(-interval.estimate, -interval.high, -interval.low, interval.n, interval.confidence, interval.how)
