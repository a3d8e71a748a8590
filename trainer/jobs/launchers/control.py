"""The few files through which a worker and the processes of an attempt speak, where signals and exit codes do not
pass through what stands between them (accelerate's agent, a cluster's scheduler)."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path


class Control:
    """A folder of one attempt, on a disk that worker and trainer share."""

    def __init__(self, home: Path, job_id: str, fence: int) -> None:
        self.folder = home.absolute() / "work" / job_id / f"{fence}.launch"
        self.stop = self.folder / "stop"  # there: write a checkpoint and go
        self.code = self.folder / "code"  # the trainer's exit code
        self.env = self.folder / "env"  # the worker's environment, secrets included: for its owner alone
        self.config = self.folder / "accelerate.yaml"

    def open(self) -> Control:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.forget()
        return self

    def ask_to_stop(self) -> None:
        with suppress(OSError):
            self.stop.touch()

    def forget(self) -> None:
        """What an earlier start of the same attempt left."""
        self.stop.unlink(missing_ok=True)
        self.code.unlink(missing_ok=True)

    def write_code(self, code: int) -> None:
        """The first process that speaks is heard; nothing where nobody asked (the folder is not there)."""
        with suppress(OSError), self.code.open("x") as file:
            file.write(f"{code}\n")

    def read_code(self) -> int | None:
        try:
            return int(self.code.read_text())
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()
