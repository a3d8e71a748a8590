"""Slurm's command line tools, and their words made fit to show."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from trainer.errors import BadInput, Unavailable
from trainer.jobs.launchers.states import Seen

TOOLS = ("sbatch", "squeue", "scancel")  # sacct helps, and is not everywhere
TIMEOUT_S = 60.0
WITHOUT_ANSWER = ("unable to contact", "timed out", "connection refused", "temporarily", "connect failure")
SHOWN = 300


class Cluster:
    """Every method raises Unavailable where Slurm does not answer."""

    def look_for_tools(self) -> None:
        missing = missing_tools()
        if missing:
            raise BadInput(
                f"The launcher is slurm, but {', '.join(missing)} is not on this worker's PATH.",
                fix="Run the worker on a node that submits Slurm jobs, or set TUNESMITH_LAUNCHER=subprocess.",
                code="no_slurm",
            )

    def submit(self, words: Sequence[str]) -> str:
        """The new job's number. Raises BadInput with sbatch's own words when it refuses."""
        done = _run("sbatch", "--parsable", *words)
        if done.returncode == 0 and (number := done.stdout.strip().partition(";")[0]).isdigit():
            return number
        raise BadInput(
            f"Slurm refused the job: {shown(done.stderr or done.stdout)}",
            fix="Correct TUNESMITH_SLURM_PARTITION, _ACCOUNT, _TIME, _EXTRA or _GPUS_PER_RUN, then start it again.",
            code="slurm_refused",
        )

    def ids(self, names: Sequence[str]) -> list[str]:
        """Numbers of the live jobs with these names, oldest first."""
        if not names:
            return []
        done = _run("squeue", "--noheader", "--name", ",".join(names), "--format", "%A")
        return sorted((line for line in done.stdout.split() if line.isdigit()), key=int)

    def queued(self, number: str) -> Seen | None:
        """State and reason; None when the queue does not know the job (any more)."""
        done = _run("squeue", "--noheader", "--jobs", number, "--format", "%T|%r")
        state, _, reason = done.stdout.strip().partition("|")
        return Seen(state.upper(), shown(reason)) if state and done.returncode == 0 else None

    def accounted(self, number: str) -> Seen | None:
        """Final state and exit code; None where there is no accounting, or it does not know yet."""
        if shutil.which("sacct") is None:
            return None
        wanted = ["--noheader", "--allocations", "--parsable2", "--format", "State,ExitCode"]
        lines = _run("sacct", "--jobs", number, *wanted).stdout.strip().splitlines()
        if not lines:
            return None
        state, _, code = lines[-1].partition("|")
        return Seen(state.split(" ")[0].rstrip("+").upper(), shown(code))  # "CANCELLED by 1000"

    def ask_to_stop(self, number: str) -> None:
        """SIGTERM to the script alone, which hands it on."""
        _run("scancel", "--batch", "--signal", "TERM", number)

    def cancel(self, numbers: Sequence[str]) -> None:
        if numbers:
            _run("scancel", *numbers)


def missing_tools() -> list[str]:
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def shown(text: str) -> str:
    """One short line without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= SHOWN else line[:SHOWN] + "…"


def _run(tool: str, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            [tool, *words], capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"Slurm's {tool} does not answer ({type(error).__name__}).", code="slurm_away") from error
    if done.returncode and any(sign in done.stderr.lower() for sign in WITHOUT_ANSWER):
        raise Unavailable(f"Slurm does not answer: {shown(done.stderr)}", code="slurm_away")
    return done
