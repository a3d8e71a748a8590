"""The trainer as a Slurm job: submitted with sbatch, watched with squeue and sacct, stopped with scancel.

Worker and nodes share a disk (home, checkout and Python), the database and the blob store. The job's name carries
job id and fence, so that a new attempt finds and cancels what older ones left, and starts only when they are gone. When
Slurm itself requeues the job (preemption, a failed node), the same script goes on from the newest checkpoint, under
the same fence, while the worker keeps the lease.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

import structlog

from trainer.errors import TunesmithError, Unavailable
from trainer.jobs.child import EX_TEMPFAIL
from trainer.jobs.launchers import command, script, states
from trainer.jobs.launchers.cluster import Cluster
from trainer.jobs.launchers.control import Control
from trainer.jobs.launchers.launcher import Tell
from trainer.jobs.launchers.states import Seen, State
from trainer.settings import Settings
from trainer.store.tables import Job

log = structlog.get_logger()
SUBMIT_TRIES = 4
GIVE_UP_S = 120.0  # after a cancel that nobody confirmed
BOOKS_TRIES = 6  # polls for which accounting may lag behind the queue


class Slurm:
    def __init__(self, settings: Settings, tell: Tell) -> None:
        self.settings = settings
        self.tell = tell
        self.cluster = Cluster()

    def start(self, job: Job, fence: int, log_path: Path) -> InSlurm:
        shape = command.shape_of(self.settings, job)
        self.cluster.look_for_tools()
        control = Control(self.settings.home, job.id, fence).open()
        script.write_environment(control.env)
        if shape.processes > 1:
            command.write_config(shape, control)
        path = log_path.with_suffix(".sbatch")
        path.write_text(script.text(job, fence, shape, control), encoding="utf-8")
        older = self.cluster.ids([name_of(job.id, old) for old in range(1, fence)])
        self.cluster.cancel(older)
        options = script.options(self.settings, name_of(job.id, fence), shape, log_path.absolute(), after=older)
        try:
            number = self._submit(name_of(job.id, fence), [*options, str(path.absolute())])
        except TunesmithError:
            control.close()
            raise
        for old in range(1, fence):
            Control(self.settings.home, job.id, old).close()
        return InSlurm(number, self.cluster, control, self.tell, self.settings.slurm_poll_s)

    def _submit(self, name: str, words: list[str]) -> str:
        """A controller that does not answer is asked again; it may have taken the job nevertheless."""
        for left in reversed(range(SUBMIT_TRIES)):
            try:
                return self.cluster.submit(words)
            except Unavailable:
                if not left:
                    raise
                time.sleep(self.settings.slurm_poll_s)
                with suppress(Unavailable):
                    if known := self.cluster.ids([name]):
                        return known[-1]
        raise AssertionError("unreachable")


class InSlurm:
    """A job of Slurm's, seen through its tools every few seconds."""

    def __init__(self, number: str, cluster: Cluster, control: Control, tell: Tell, every_s: float) -> None:
        self.number = number
        self.cluster = cluster
        self.control = control
        self.tell = tell
        self.every_s = every_s
        self.words = ""
        self.state = State.WAITING
        self.seen = Seen("PENDING")
        self._code: int | None = None
        self._asked_at = 0.0
        self._gone = 0
        self._ran = self._stopping = False
        self._killed_at: float | None = None
        self._told: set[str] = set()  # why it waits, as far as it was told
        self.tell(f"Handed to Slurm as job {number}.", "slurm_submitted")

    def poll(self) -> int | None:
        if self._code is None and time.monotonic() - self._asked_at >= self.every_s:
            try:
                self._look()
            except Unavailable as error:
                log.warning("slurm_does_not_answer", number=self.number, reason=str(error))
            self._asked_at = time.monotonic()
        if self._code is None and self._killed_at is not None and time.monotonic() - self._killed_at > GIVE_UP_S:
            self._code = -signal.SIGKILL  # the fence keeps it from writing, whatever it does
        return self._code

    def ask_to_stop(self) -> None:
        self._stopping = True
        with suppress(Unavailable):
            if self.state is State.WAITING:
                self.cluster.cancel([self.number])  # nothing to save yet
            else:
                self.cluster.ask_to_stop(self.number)

    def withdraw(self) -> None:
        if self.state is State.WAITING:
            self.ask_to_stop()

    def kill(self) -> None:
        if self._killed_at is None:
            self._killed_at = time.monotonic()
            with suppress(Unavailable):
                self.cluster.cancel([self.number])

    def describe(self) -> str:
        return f"Slurm job {self.number} ({self.seen.state})"

    def close(self) -> None:
        self.control.close()

    def _look(self) -> None:
        seen = self.cluster.queued(self.number)
        if seen is None:
            self._look_into_the_books()
        else:
            self._gone = 0
            self._follow(seen)

    def _look_into_the_books(self) -> None:
        """Not in the queue any more: accounting knows how it ended, or else the script's own exit code does."""
        seen = self.cluster.accounted(self.number)
        self._gone += 1
        if seen is None or states.of(seen.state) is not State.ENDED:
            if self._gone < BOOKS_TRIES and self.control.read_code() is None:
                return
            seen = Seen("COMPLETED", "")
        self._end(seen)

    def _follow(self, seen: Seen) -> None:
        state = states.of(seen.state)
        if state is State.ENDED:
            return  # the books say more
        if state is State.WAITING and self.state is State.RUNNING:
            self.tell("Slurm took the node back and will start the job again.", "slurm_requeued")
        if state is State.WAITING and seen.reason not in self._told:
            self._told.add(seen.reason)
            self.tell(f"Waits in Slurm's queue{_because(seen.reason)}.", "slurm_waiting")
        if state is State.RUNNING and self.state is State.WAITING:
            self.tell(f"Slurm started job {self.number}{' again' if self._ran else ''}.", "slurm_running")
            self._ran = True
        self.seen, self.state = seen, state

    def _end(self, seen: Seen) -> None:
        told = self.control.read_code()
        self.seen, self.state = seen, State.ENDED
        self.words = states.words(self.number, seen)
        if told is not None and (told == EX_TEMPFAIL or seen.state in (states.COMPLETED, states.FAILED)):
            self._code, self.words = states.as_process(told), ""
        elif seen.state == states.CANCELLED and (self._stopping or self._killed_at is not None):
            self._code = -signal.SIGTERM if self._killed_at is None else -signal.SIGKILL
        else:
            self._code = states.exit_code(self.number, seen)


def name_of(job_id: str, fence: int) -> str:
    return f"tunesmith-{job_id}-{fence}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason and reason.lower() != "none" else ""
