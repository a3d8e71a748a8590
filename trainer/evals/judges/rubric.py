"""Rubrics are data: what a judge goes by, each criterion in words. Ours are in rubrics.yaml, a team's own are files."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from trainer.errors import BadInput, NotFound
from trainer.settings import Settings

MAX_BYTES = 64 * 1024
NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
Words = Annotated[str, Field(min_length=1, max_length=1000)]


class Criterion(BaseModel):
    """One thing that is scored from 0 to 10. `low` says what 0 means, `high` what 10 does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    about: Words
    low: str = Field("", max_length=1000)
    high: str = Field("", max_length=1000)


class Rubric(BaseModel):
    """`reference`: the judge sees the right answer, where the case has one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
    title: Words
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=12)]
    reference: bool = True

    @field_validator("criteria")
    @classmethod
    def _each_once(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        names = [criterion.name for criterion in criteria]
        if len(set(names)) < len(names) or "overall" in names:
            raise ValueError("names of criteria must differ, and none is `overall`")
        return criteria

    def in_words(self) -> str:
        """A line for each criterion, as the judge reads it."""
        return "\n".join(_line(criterion) for criterion in self.criteria)


def _line(criterion: Criterion) -> str:
    ends = [f"{mark}: {said}" for mark, said in (("0", criterion.low), ("10", criterion.high)) if said]
    return f"- {criterion.name}: {' '.join([criterion.about, *ends])}"


def rubrics(settings: Settings | None = None) -> dict[str, Rubric]:
    """All by name: ours, and with settings the team's own in `<home>/rubrics`, which take precedence."""
    import yaml

    text = files("trainer.evals.judges").joinpath("rubrics.yaml").read_text(encoding="utf-8")
    known = {entry["name"]: Rubric(**entry) for entry in yaml.safe_load(text)}
    return known | {path.stem: read_rubric(path) for path in _own(settings)}


def _own(settings: Settings | None) -> list[Path]:
    files_ = sorted((settings.home / "rubrics").glob("*.yaml")) if settings else []
    return [path for path in files_ if NAME.fullmatch(path.stem)]


def load_rubric(name: str, settings: Settings | None = None) -> Rubric:
    """By its name, never by a path. Raises NotFound, or BadInput where the team's file is no rubric."""
    own = settings.home / "rubrics" / f"{name}.yaml" if settings and NAME.fullmatch(name) else None
    if own and own.is_file():
        return read_rubric(own)
    known = rubrics()
    if name not in known:
        names = ", ".join(sorted({*known, *(path.stem for path in _own(settings))}))
        raise NotFound(
            f"There is no rubric {name[:60]!r}.",
            fix=f"Known: {names}. Put yours into rubrics/<name>.yaml of TUNESMITH_HOME.",
            code="unknown_rubric",
            param="rubric",
        )
    return known[name]


def read_rubric(path: Path) -> Rubric:
    """A rubric of the team's own: one entry as in rubrics.yaml; its name is the file's where it has none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _no_rubric(path, f"it is larger than {MAX_BYTES // 1024} KiB")
        return _rubric_of(path, data)
    except OSError as error:
        raise _no_rubric(path, error.strerror or "it cannot be read") from None


def _rubric_of(path: Path, data: bytes) -> Rubric:
    import yaml

    try:
        value: Any = yaml.safe_load(data.decode())
        if not isinstance(value, dict):
            raise _no_rubric(path, "it holds no entry with a title and criteria")
        return Rubric(**{"name": path.stem, **value})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _no_rubric(path, f"{where}: {first['msg']}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError):
        raise _no_rubric(path, "it is no YAML of that shape") from None


def _no_rubric(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path.name} is no rubric: {why}.",
        fix="Write title, and criteria with name and about each; `tunesmith judge rubrics` shows ours.",
        code="bad_rubric",
        param="rubric",
    )
