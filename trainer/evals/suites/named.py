"""A metric as a suite names it: `exact_match`, `contains: Paris`, or `regex: {pattern: …, at_least: 1}`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, get_origin

from trainer.errors import BadInput
from trainer.evals.case import Case, Check
from trainer.evals.suites.code import FILE, file_of
from trainer.evals.suites.mistakes import meant

BOUNDS = ("at_least", "at_most")


def read_check(item: Any, folder: Path | None, kept: Collection[str] = (), *, bounded: bool = True) -> Check:
    """The check that `item` means. Files of Python are named only where there is a `folder` for them, or where they are
    among the `kept` ones, which were tried when they were kept and are not run here. `bounded`: it may say at_least and
    at_most, as what a case asks does and what is only measured does not. Raises BadInput for what no metric can use."""
    from trainer.evals.metrics import METRICS, named
    from trainer.evals.metrics.checks import Checks, load_check

    if isinstance(item, dict) and len(item) == 1:
        [(name, value)] = item.items()
    elif isinstance(item, str):
        name, value = item, None
    else:
        raise BadInput("One metric is expected, such as `exact_match` or `contains: Paris`.", code="bad_metric")
    if name.startswith(FILE) and folder is None and file_of(name) not in kept:
        said = "a metric in a file of Python can be named only by a suite on the machine at whose terminal it is used."
        raise BadInput(said, fix="Use a metric that Tunesmith brings, or ask an admin to install yours.")
    if name not in METRICS and name.replace("_", "").isalnum() and (near := meant(name, METRICS)).startswith(" Did"):
        raise BadInput(f"there is no metric {name[:60]!r}.{near}", code="bad_metric")
    if name == Checks.name:
        return Check(name)
    check = Check(name, _arguments(name, value))
    if not bounded and (bounds := [bound for bound in BOUNDS if bound in check.arguments]):
        said = f"{bounds[0]} is for what is asked of a case; here {name[:60]} is measured."
        raise BadInput(said, fix=f"Leave {bounds[0]} out, or put it among the `checks` of cases.", code="bad_metric")
    if name.startswith(FILE) and folder is None:
        return check
    if bounded:
        load_check(check, folder)
    else:
        named(check.metric, check.arguments, folder)
    return check


def says(check: Check, case: Case, folder: Path | None) -> bool:
    """Whether a metric has something to say of a case; for most that needs an expected answer."""
    from trainer.evals.metrics import named
    from trainer.evals.metrics.checks import load_check

    if check.metric == "checks":
        return bool(case.checks)
    if check.metric == "json_validity":  # it compares with nothing
        return True
    if check.metric.startswith(FILE) and folder is None:  # it was asked when it was kept
        return True
    asked = replace(case, checks=case.checks or (check,))
    bounded = any(bound in check.arguments for bound in BOUNDS)
    metric = load_check(check, folder).metric if bounded else named(check.metric, check.arguments, folder)
    return metric.applies(asked)


def unit_of(check: Check, folder: Path | None) -> str:
    """The unit of a metric; that of a kept file, which is not run here, was looked at when it was kept."""
    from trainer.evals.metrics import named

    if check.metric.startswith(FILE) and folder is None:
        return "share"
    return named(check.metric, check.arguments, folder).unit


def _arguments(name: str, value: Any) -> dict[str, Any]:
    """A bare value is the metric's first argument, in a list where that is one; so is an object none of whose keys are
    arguments."""
    if value is None or value is True:
        return {}
    known = _known(name)
    if isinstance(value, dict) and (not known or any(key in (*known, *BOUNDS) for key in value)):
        return dict(value)
    if not known:
        raise BadInput(f"{name} takes no bare value.", fix="Name its arguments.", code="bad_metric")
    first, of = next(iter(known.items()))
    return {first: [value] if get_origin(of) is list and not isinstance(value, list) else value}


def _known(name: str) -> dict[str, Any]:
    """The arguments of a metric that Tunesmith brings, with their types."""
    from trainer.evals.metrics import METRICS

    target = METRICS.get(name)
    fields = resolve_name(target).model_fields if target else {}
    return {field.alias or key: field.annotation for key, field in fields.items()}
