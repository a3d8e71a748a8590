"""A gate in a few plain sentences: what people agree to before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.evals.case import Role
from trainer.evals.gate.advice import advised_rows
from trainer.evals.gate.keeping import margin_of
from trainer.evals.gate.spec import GateSpec, JudgeRule, SuiteRule
from trainer.evals.gate.words import rows
from trainer.evals.stats import minimum_detectable_effect

NAMED = 4  # suites that are named one by one


def lines(spec: GateSpec, test_rows: int) -> tuple[str, ...]:
    """Two to four: what must be gained against whom, what may not be lost, whether the test rows suffice, and what is
    only compared."""
    found = [_gain(spec), _kept(spec), _sizing(spec, test_rows), " ".join(_beside(spec))]
    return tuple(line for line in found if line)


def plain(name: str) -> str:
    return name.replace("_", " ")


def _gain(spec: GateSpec) -> str:
    whom = f"the base and whatever {spec.alias} serves by then" if spec.alias and _beats(spec) else "the base"
    least = f"by {_points(spec.min_effect)} or more, and " if spec.min_effect else ""
    said = f"Passes if it beats {whom} at {plain(spec.primary)}: {least}by more than chance explains."
    if spec.alias and spec.holder == "not_inferior":
        said += f" It must not be worse than what {spec.alias} serves by then."
    return said


def _beats(spec: GateSpec) -> bool:
    return spec.holder == "superior"


def _kept(spec: GateSpec) -> str:
    asked = [rule for rule in spec.suites if rule.required]
    parts = [_rule(spec, rule) for rule in asked[:NAMED]]
    if len(asked) > NAMED:
        parts.append(f"and {len(asked) - NAMED} suites more")
    if spec.validity_floor is not None:
        parts.append(f"valid JSON in at least {_percent(spec.validity_floor)} of the answers")
    slices = f"no slice of the test rows may be worse ({', '.join(map(plain, spec.slices))})" if spec.slices else ""
    if not parts:
        return (
            f"No suite of old skills is asked of it; {slices}." if slices else "No suite of old skills is asked of it."
        )
    return f"May not lose: {'; '.join(filter(None, (*parts, slices)))}."


def _rule(spec: GateSpec, rule: SuiteRule) -> str:
    what = "how it treats harmful and harmless requests" if rule.role is Role.SAFETY else "what was right before"
    each = f", for each {plain(rule.by)} alone" if rule.by else ""
    floor = f", and at least {_percent(rule.floor)} right" if rule.floor is not None else ""
    return f"{rule.suite} ({what}, less {_percent(margin_of(spec, rule))} at most{each}{floor})"


def _sizing(spec: GateSpec, test_rows: int) -> str:
    """Whether so many test rows can show what is asked."""
    needed = advised_rows(spec).test_rows
    wanted = f"for {_points(spec.target_effect)} about {needed:,} are needed" if needed else ""
    if not test_rows:
        return "There are no test rows, so nothing can be shown: split the dataset with a test part."
    if test_rows < spec.min_rows:
        few = f"{rows(test_rows, 'test row')}, fewer than the {spec.min_rows} that a verdict needs"
        return f"{few}; {wanted}." if wanted else f"{few}."
    seen = minimum_detectable_effect(test_rows, alpha=spec.alpha)
    shown = f"{rows(test_rows, 'test row')} show gains of {_points(seen)} or more, mostly"
    if needed is None or test_rows < needed:
        return f"{shown}; {wanted}." if wanted else f"{shown}."
    return f"{shown}: enough."


def _beside(spec: GateSpec) -> Iterator[str]:
    """What is compared or told without a say in the verdict, and when to stop."""
    only = [rule.suite for rule in spec.suites if not rule.required]
    if spec.alias and spec.holder == "reported":
        only.append(f"what {spec.alias} serves")
    if spec.few_shot:
        only.append(f"the base with {spec.few_shot} example{'s' * (spec.few_shot != 1)}")
    if only:
        yield f"Only compared: {', '.join(only)}."
    if spec.judge:
        yield _judge(spec.judge)
    if spec.good_enough is not None:
        yield f"At {_percent(spec.good_enough)} it is good enough: then stop."


def _judge(rule: JudgeRule) -> str:
    """Who judges, where the rows go, and what that may cost."""
    at = f" at {rule.endpoint}" if rule.endpoint else ""
    counted = rows(rule.rows, "test row")
    sent = "which is sent there" if rule.rows == 1 else "which are sent there"
    cost = f"for at most ${rule.max_usd:,.2f}"
    return f"{rule.model}{at} judges {counted}, {sent}, {cost}; it only advises until people agree with it."


def _points(share: float) -> str:
    figure = f"{share * 100:.0f}" if share >= 0.095 else f"{share * 100:.2g}"
    return f"{figure} point{'s' * (figure != '1')}"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
