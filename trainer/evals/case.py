"""What an evaluation works with: a case, what a model answered, and who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from trainer.data.split import prompt_key
from trainer.types import ChatMessage


class Role(StrEnum):
    """What a suite is for."""

    TEST = "test"  # the sealed part of the dataset: what the model was tuned to do
    REGRESSION = "regression"  # what it could do before, and must keep
    SAFETY = "safety"  # harmful requests and their harmless twins
    BEHAVIOUR = "behaviour"  # unit tests of how it behaves
    FORMAT = "format"  # the form of its answers
    LESSONS = "lessons"  # failures of earlier models that people looked at


BROUGHT = (Role.TEST, Role.LESSONS)  # an evaluation brings these by itself: nobody's suite can call itself one


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold of an answer: a metric by its name, with its arguments."""

    metric: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One question. Right is what `expected` says, or, where there are checks, what meets all of them. `slices` are
    the groups that it is reported under, by dimension ({"task": "copy", "twin": "harmful"}). Cases of one `group`
    ("" for none) are not independent of each other."""

    id: str
    messages: tuple[ChatMessage, ...]
    expected: str = ""
    slices: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    group: str = ""

    @property
    def key(self) -> str:
        """What makes two prompts the same one, for the split and against contamination."""
        said: list[dict[str, Any]] = [{"content": message.content} for message in self.messages]
        return prompt_key({"messages": [*said, {}]})


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said. `cut`: it ran into the token limit. `nats` is the negative log-likelihood of the expected
    answer, a sum over `nats_tokens` tokens; None where the model's own probabilities are not to be had."""

    text: str
    cut: bool = False
    prompt_tokens: int = 0
    tokens: int = 0
    seconds: float = 0.0
    nats: float | None = None
    nats_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases with one purpose. `metrics` are scored on every case that they apply to; a case is right when `primary`
    is 1 (`checks` means: every check of the case holds). `skipped` are lines of a dataset in which tools take part or
    nothing is asked: not scored. `notes` are what a reader of the report must know about its right answers.
    `files` are the Python files of its own metrics, name → sha256; `folder` is where they lie to be run."""

    name: str
    sha256: str
    cases: tuple[Case, ...]
    role: Role = Role.TEST
    primary: str = "exact_match"
    metrics: tuple[Check, ...] = (Check("exact_match"), Check("json_validity"))
    about: str = ""
    skipped: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


BASE, CANDIDATE, HOLDER, FEW_SHOT = "base", "candidate", "holder", "few_shot"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of those who answer. `key` is one of the four above, or anything else for models that are only compared.
    `model` is its id, or the base's name; `shots` is how many examples of the train part stand before its prompt."""

    key: str
    model: str
    shots: int = 0
