"""Metrics that Tunesmith does not bring: from an installed package, or from a file beside a suite."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from trainer.errors import BadInput, TunesmithError
from trainer.evals.case import Answer, Case
from trainer.evals.metrics.limited import limited
from trainer.evals.metrics.metric import BETTER, RANGES, Metric

GROUP = "tunesmith.metrics"
FILE = "file:"
FORM = "file:metric.py:ClassName"


@dataclass(frozen=True)
class Custom:
    """Somebody's metric, behind the protocol: what it leaves out has the usual value. What it raises is named."""

    name: str
    inner: Any
    unit: str = field(init=False)
    better: str = field(init=False)

    def __post_init__(self) -> None:
        unit, better = getattr(self.inner, "unit", "share"), getattr(self.inner, "better", "higher")
        if unit not in RANGES or better not in BETTER:
            said = f"The metric {self.name} has the unit {unit!r}, and better is {better!r}."
            fix = f"Units are {', '.join(RANGES)}; better is higher, lower or empty."
            raise _bad(said, fix)
        if not callable(getattr(self.inner, "score", None)):
            raise _bad(f"The metric {self.name} has no score(case, answer).")
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "better", better)

    def score(self, case: Case, answer: Answer) -> float:
        return limited(self.inner.score, case, answer)

    def applies(self, case: Case) -> bool:
        asked: Callable[[Case], Any] | None = getattr(self.inner, "applies", None)
        return True if asked is None else bool(self._named(asked, case))

    def pool(self, cases: Sequence[Case], answers: Sequence[Answer]) -> float | None:
        asked: Callable[..., float | None] | None = getattr(self.inner, "pool", None)
        return None if asked is None else self._named(asked, cases, answers)

    def _named(self, asked: Callable[..., Any], *given: Any) -> Any:
        where = f" on case {given[0].id}" if isinstance(given[0], Case) else ""
        try:
            return limited(asked, *given)
        except TunesmithError as error:
            raise BadInput(f"The metric {self.name}{where}: {error.what}", fix=error.fix, code=error.code) from error
        except Exception as error:
            said = f"The metric {self.name} failed{where} ({type(error).__name__})."
            raise BadInput(said, fix="Correct the metric or leave it out.", code="metric_failed") from error


class _Function:
    """A plain score(expected, answer) → float, both texts."""

    def __init__(self, function: Callable[..., float]) -> None:
        self.function = function

    def score(self, case: Case, answer: Answer) -> float:
        return self.function(case.expected, answer.text)


def custom(name: str, arguments: Mapping[str, Any], allow_files: Path | None) -> Metric:
    """The metric of that name. Raises BadInput (code bad_metric) where there is none or it cannot be made."""
    target = _from_file(name, allow_files) if name.startswith(FILE) else _from_package(name)
    if inspect.isclass(target):
        return Custom(name, _instance(target, name, arguments))
    if not callable(target):
        raise _bad(f"The metric {name} is neither a class nor a function.")
    try:
        inspect.signature(target).bind("", "", **arguments)
    except TypeError as error:
        raise _bad(f"The metric {name} is a function that cannot take (expected, answer): {error}.") from None
    function: Any = partial(target, **arguments)
    return Custom(name, _Function(function))


def _instance(cls: type[Any], name: str, arguments: Mapping[str, Any]) -> Any:
    from trainer.evals.metrics import build

    if issubclass(cls, BaseModel):
        return build(cls, name, arguments)
    try:
        return limited(partial(cls, **arguments))
    except TunesmithError as error:
        raise _bad(f"The metric {name} cannot be made: {error.what}", error.fix) from error
    except TypeError as error:
        raise _bad(f"The metric {name} cannot be made from these arguments: {str(error)[:200]}.") from None
    except Exception as error:
        raise _bad(f"The metric {name} failed when it was made ({type(error).__name__}).") from error


def _from_package(name: str) -> Any:
    from trainer.evals.metrics import METRICS

    found = entry_points(group=GROUP)
    for point in found:
        if point.name == name:
            try:
                return point.load()
            except Exception as error:
                raise _bad(
                    f"The metric {name} cannot be loaded from {point.value} ({type(error).__name__})."
                ) from error
    known = ", ".join([*METRICS, *sorted(point.name for point in found)])
    raise _bad(f"There is no metric {name[:100]!r}.", f"Known: {known}.")


def _from_file(name: str, folder: Path | None) -> Any:
    if folder is None:
        said = f"The metric {name[:100]!r} is a file, and a file's code runs only where its owner starts it."
        raise _bad(said, "Name it in a suite that is added at a terminal, or install the metric as a package.")
    file, _, attribute = name.removeprefix(FILE).rpartition(":")
    if not file or not attribute.isidentifier():
        raise _bad(f"{name[:100]!r} does not name a metric in a file.", f"Write it as {FORM}.")
    path = (folder / file).resolve()
    if path.suffix != ".py" or not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise _bad(f"There is no Python file {file[:100]!r} beside the suite.", "Name a file in the suite's folder.")
    try:
        return getattr(_module(path), attribute)
    except AttributeError:
        raise _bad(f"{file} has no {attribute!r}.", f"Write it as {FORM}.") from None


def _module(path: Path) -> Any:
    """The file's module, run once for each content that it has."""
    title = f"tunesmith_metric_{hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:16]}"
    if title in sys.modules:
        return sys.modules[title]
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec and spec.loader
    module = sys.modules[title] = importlib.util.module_from_spec(spec)
    try:
        limited(spec.loader.exec_module, module)
    except TunesmithError as error:
        del sys.modules[title]
        raise _bad(f"{path.name} cannot be run: {error.what}", error.fix) from error
    except Exception as error:
        del sys.modules[title]
        raise _bad(f"{path.name} cannot be run ({type(error).__name__}: {str(error)[:200]}).") from error
    return module


def _bad(said: str, fix: str = "Correct the metric or leave it out.") -> BadInput:
    return BadInput(said, fix=fix, code="bad_metric", param="metric")
