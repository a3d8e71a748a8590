"""The Procfile: which processes make a Tunesmith, and which of them this machine runs."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from trainer.errors import BadInput
from trainer.settings import Settings

BUNDLED = Path(__file__).with_name("Procfile")
LINE = re.compile(r"^([A-Za-z0-9_]+):\s*(.+)$")
OURSELVES = (sys.executable, "-P", "-m", "tools.cli")  # -P: never import from the folder we are started in
TRAIN_EXTRA = ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "accelerate")
INSTALL_TRAIN = "pip install 'tunesmith[train]'"


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and a sentence for each process that is left out."""

    processes: tuple[Process, ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.processes)


def read_procfile(path: Path = BUNDLED) -> tuple[Process, ...]:
    """Lines of `name: command`; `tunesmith …` means this very installation."""
    processes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line.strip())
        if match is None:
            raise BadInput(f"Line {number} of {path} is not `name: command`.", code="bad_procfile")
        words = shlex.split(match[2])
        argv = (*OURSELVES, *words[1:]) if words[0] == "tunesmith" else tuple(words)
        processes.append(Process(match[1], argv))
    return tuple(processes)


def missing_train_extra() -> tuple[str, ...]:
    """Libraries of the `train` extra that are not installed; nothing is imported to find out."""
    return tuple(name for name in TRAIN_EXTRA if find_spec(name) is None)


def plan(settings: Settings, processes: tuple[Process, ...]) -> Plan:
    """Leave out what runs elsewhere or cannot run here."""
    reasons = {name: why for name, rule in RULES.items() if (why := rule(settings))}
    kept = tuple(p for p in processes if p.name not in reasons)
    left_out = (p.name for p in processes if p.name in reasons)
    return Plan(kept, tuple(f"{name} is not started: {reasons[name]}" for name in left_out))


def _redis(settings: Settings) -> str:
    return "REDIS_URL names another server." if settings.redis_url else ""


def _sandbox(settings: Settings) -> str:
    return "" if settings.in_sandbox else "SLACK_BOT_TOKEN is set, so the bot talks to that workspace."


def _engine(settings: Settings) -> str:
    return "TUNESMITH_ENGINE_URL names another one." if settings.engine_url else _needs_train(settings)


def _needs_train(_settings: Settings) -> str:
    missing = missing_train_extra()
    return f"{', '.join(missing)} not installed; install with: {INSTALL_TRAIN}" if missing else ""


RULES: dict[str, Callable[[Settings], str]] = {
    "redis": _redis,
    "sandbox": _sandbox,
    "engine": _engine,
    "worker_gpu": _needs_train,
}
