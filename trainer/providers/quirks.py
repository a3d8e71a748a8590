"""How each hosted service differs from OpenAI's API: from one dated data file, so that no branch names a vendor."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

from trainer.errors import BadInput
from trainer.types import JobStatus

NAMES = ("n_epochs", "batch_size", "learning_rate_multiplier", "beta")
OPENAI_STATUSES = {status.value: status.value for status in JobStatus} | {"pausing": JobStatus.RUNNING.value}


@dataclass(frozen=True, slots=True)
class Quirks:
    """One service. Defaults are OpenAI's; `body` says where hyperparameters go: in `method`, in
    `hyperparameters`, or flat. An empty name means that the service has no such hyperparameter."""

    name: str
    title: str
    source: str
    base_url: str  # "" where everybody has an address of their own
    target: str
    export: str
    dates: str = ""
    closes: str = ""  # the entry of the end dates after which nothing can be created
    prices: str = ""
    key_header: str = ""  # besides Authorization
    body: str = "method"
    hyperparameters: dict[str, str] = field(default_factory=lambda: {name: name for name in NAMES})
    methods: tuple[str, ...] = ("supervised", "dpo")
    suffix: int = 0
    seed: bool = True
    metadata: bool = True
    validation_file: bool = True
    events: bool = True
    checkpoints: bool = True
    pause: bool = True
    models: bool = True  # GET /models/{id} answers for base models
    webhooks: bool = False
    paged: bool = True
    purpose: str = "fine-tune"
    file_status: bool = True
    file_ready: tuple[str, ...] = ("processed",)
    file_failed: tuple[str, ...] = ("error", "failed", "deleted")
    statuses: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    why_not: str = ""

    def status(self, said: str) -> JobStatus | None:
        """Our word for theirs; None for one that nobody told us."""
        ours = (OPENAI_STATUSES | self.statuses).get(said)
        return JobStatus(ours) if ours else None

    def path(self, method: str, path: str) -> str:
        """Where a call goes: the longest matching rule wins, one with the method before one without."""
        for rule, to in sorted(self.paths.items(), key=lambda rule: (" " not in rule[0], -len(rule[0]))):
            verb, _, start = rule.rpartition(" ")
            if verb in ("", method.upper()) and (path == start or (not verb and path.startswith(f"{start}/"))):
                return to + path.removeprefix(start)
        return path


@dataclass(frozen=True, slots=True)
class _Known:
    as_of: date
    providers: tuple[Quirks, ...]


@cache
def _known() -> _Known:
    return msgspec.json.decode(files("trainer.providers").joinpath("providers.json").read_bytes(), type=_Known)


def as_of() -> date:
    """The day on which the differences were looked up."""
    return _known().as_of


def names() -> tuple[str, ...]:
    return tuple(quirks.name for quirks in _known().providers)


def load_quirks(name: str) -> Quirks:
    """A service by its name. BadInput for one that is not known, or that has no API of this kind."""
    found = next((quirks for quirks in _known().providers if quirks.name == name), None)
    if found is None:
        raise BadInput(
            f"I don't know a hosted provider called “{name[:40]}”.",
            fix=f"Set TUNESMITH_TUNING_PROVIDER to one of: {', '.join(names())}.",
            code="unknown_provider",
            param="provider",
        )
    if found.why_not:
        raise BadInput(
            f"{found.why_not} (as of {as_of()})",
            fix="Train locally, or set TUNESMITH_TUNING_PROVIDER=custom with a server in front of it that speaks "
            "OpenAI's shapes.",
            code="provider_not_usable",
            param="provider",
        )
    return found
