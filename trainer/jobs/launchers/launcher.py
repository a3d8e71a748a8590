"""What a launcher answers for: starting one attempt's trainer somewhere, and a handle on it until it has ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from trainer.settings import Settings
from trainer.store.tables import Job

Tell = Callable[[str, str], None]  # (text, code): a note among the job's events


class Handle(Protocol):
    """One attempt's trainer. Whoever waits polls; the thread that holds the lease may kill at the same time."""

    words: str  # why it ended, where the exit code alone does not say; else empty

    def poll(self) -> int | None:
        """The trainer's exit code (negative: a signal), or None while it waits or runs. Cheap enough to be asked
        several times a second. Raises TunesmithError where trying again cannot help."""
        ...

    def ask_to_stop(self) -> None:
        """SIGTERM's meaning: write a checkpoint and go."""
        ...

    def withdraw(self) -> None:
        """The job was cancelled: take it out of the line where it still waits. A trainer that runs hears it itself."""
        ...

    def kill(self) -> None: ...

    def describe(self) -> str:
        """Where it runs, for a log or a sentence: "process 4711", "Slurm job 12 (RUNNING)"."""
        ...

    def close(self) -> None:
        """Put away what was made for this attempt alone. Called once, after the end."""
        ...


class Launcher(Protocol):
    def __init__(self, settings: Settings, tell: Tell) -> None: ...

    def start(self, job: Job, fence: int, log_path: Path) -> Handle:
        """Start the trainer; its output is appended to `log_path`. Raises TunesmithError with the fix."""
        ...
