"""The trainer as a process beside the worker; it dies when the worker does."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from trainer.errors import BadInput
from trainer.jobs.launchers import command
from trainer.jobs.launchers.control import Control
from trainer.jobs.launchers.launcher import Tell
from trainer.settings import Settings
from trainer.store.tables import Job


class Subprocess:
    def __init__(self, settings: Settings, tell: Tell) -> None:
        self.settings = settings

    def start(self, job: Job, fence: int, log_path: Path) -> Here:
        shape = command.shape_of(self.settings, job)
        if shape.nodes > 1:
            raise BadInput(
                f"A run over {shape.nodes} nodes needs a cluster's scheduler.",
                fix="Set TUNESMITH_LAUNCHER=slurm, or TUNESMITH_NODES_PER_RUN=1.",
                code="nodes_need_slurm",
            )
        if shape.processes == 1:
            return Here(_popen(command.child(job.id, fence, os.getpid()), log_path, {}), None)
        control = Control(self.settings.home, job.id, fence).open()
        words = command.accelerate(job.id, fence, command.write_config(shape, control))
        leash = [words[0], "-P", "-m", "trainer.jobs.launchers.leash", str(os.getpid())]
        return Here(_popen([*leash, *words], log_path, command.environment()), control)


class Here:
    """A process of this machine; with `control`, accelerate's agent with several below it."""

    words = ""

    def __init__(self, process: subprocess.Popen[bytes], control: Control | None) -> None:
        self.process = process
        self.control = control

    def poll(self) -> int | None:
        code = self.process.poll()
        if code is None or self.control is None:
            return code
        told = self.control.read_code()
        return code if told is None else told

    def ask_to_stop(self) -> None:
        """Several processes must stop after the same step: rank 0 finds the file, and the others follow it."""
        if self.control is not None:
            self.control.ask_to_stop()
        else:
            self.process.terminate()

    def withdraw(self) -> None:
        return

    def kill(self) -> None:
        """The agent's processes are in sessions of their own, and die with it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    def describe(self) -> str:
        return f"process {self.process.pid}"

    def close(self) -> None:
        if self.control is not None:
            self.control.close()


def _popen(words: list[str], log_path: Path, extra: dict[str, str]) -> subprocess.Popen[bytes]:
    with log_path.open("ab") as output:
        return subprocess.Popen(  # a group of its own: Ctrl-C is for whoever watches, who then asks it to stop
            words,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            process_group=0,
            env=os.environ | extra,
        )
