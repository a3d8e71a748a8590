"""Slurm's words for a job's state, in ours."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from trainer.errors import TunesmithError
from trainer.jobs.child import EX_TEMPFAIL

COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"


class State(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


class Seen(NamedTuple):
    """What Slurm said: a state in its word, and the queue's reason or the books' exit code ("75:0")."""

    state: str
    reason: str = ""


WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
RUNNING = {"RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT", "SUSPENDED", "STOPPED", "RESIZING", "EXPEDITING"}
WHY = {
    "TIMEOUT": "reached its time limit before it could write a checkpoint; raise TUNESMITH_SLURM_TIME",
    "NODE_FAIL": "lost its node",
    "BOOT_FAIL": "got a node that did not boot",
    "PREEMPTED": "was preempted",
    "DEADLINE": "could not end before its deadline",
}


def of(state: str) -> State:
    """A word that nobody knows yet counts as running: the lease, not a guess, then ends the attempt."""
    if state in WAITING:
        return State.WAITING
    ended = {COMPLETED, FAILED, CANCELLED, "OUT_OF_MEMORY", "REVOKED", "LAUNCH_FAILED", "RECONFIG_FAIL", *WHY}
    return State.ENDED if state in ended else State.RUNNING


def words(number: str, seen: Seen) -> str:
    if seen.state == COMPLETED:
        return f"Slurm job {number} is gone without a result."
    if seen.state in WHY:
        return f"Slurm job {number} {WHY[seen.state]}."
    return f"Slurm job {number} ended as {seen.state} ({seen.reason})."


def exit_code(number: str, seen: Seen) -> int:
    """Of an ended job, as a process would have it. Raises TunesmithError where another try cannot help."""
    if seen.state == "OUT_OF_MEMORY":
        raise TunesmithError(
            f"Slurm job {number} ran out of the node's main memory.",
            fix="Ask for more in TUNESMITH_SLURM_EXTRA, --mem=64G for example, then start the run again.",
            code="out_of_memory",
        )
    if seen.state == CANCELLED:
        raise TunesmithError(
            f"Somebody cancelled Slurm job {number}.",
            fix="Start the run again if that was a mistake; its checkpoints are kept.",
            code="cancelled_in_slurm",
        )
    if seen.state == "PREEMPTED":
        return EX_TEMPFAIL  # and Slurm was not allowed to requeue it: back in our own line
    status, _, killed_by = seen.reason.partition(":")
    if killed_by.isdigit() and int(killed_by):
        return -int(killed_by)
    return as_process(int(status)) if status.isdigit() and int(status) else 1


def as_process(code: int) -> int:
    """A shell's 128 + signal as -signal."""
    return 128 - code if 128 < code < 128 + 65 else code
