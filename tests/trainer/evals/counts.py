"""Evidence made from counts, for gates whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trainer.evals.case import BASE
from trainer.evals.gate import Evidence, Gain, GateSpec, Retention, SuiteRule
from trainer.evals.gate.keeping import OLD_SKILLS
from trainer.evals.stats import Paired, holm, of_pairs, wilson

OLD = SuiteRule(suite=OLD_SKILLS)


def gain(pairs: Paired, against: str = BASE, name: str = "", spec: GateSpec | None = None) -> Gain:
    found = of_pairs(pairs, (spec or GateSpec()).confidence)
    shares = (pairs.base_right / pairs.n, pairs.tuned_right / pairs.n) if pairs.n else (0.0, 0.0)
    return Gain(found, *shares, against=against, slice=name)


def retention(right: int, kept: int, rule: SuiteRule = OLD, against: str = BASE, value: str = "") -> Retention:
    return Retention(rule, right, kept, wilson(right - kept, right), against, value)


def sliced(tables: Sequence[Paired], against: str = BASE) -> tuple[Gain, ...]:
    gains = [gain(pairs, against, f"task={number}") for number, pairs in enumerate(tables)]
    corrected = holm([one.difference.p for one in gains])
    return tuple(replace(one, p_holm=p) for one, p in zip(gains, corrected, strict=True))


def evidence(
    pairs: Paired,
    *,
    regression_rows: int = 0,
    kept: int = 0,
    valid_json: int = 0,
    json_rows: int = 0,
    contaminated: int = 0,
) -> Evidence:
    """Against the base, with what it carries of old skills."""
    return Evidence(
        gains=(gain(pairs),),
        retentions=(retention(regression_rows, kept),) if regression_rows else (),
        missing=() if regression_rows else (OLD,),
        valid_json=valid_json,
        json_rows=json_rows,
        contaminated=contaminated,
    )
