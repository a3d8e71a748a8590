"""The trainer process: `python -m trainer.jobs.child JOB FENCE PARENT`. CUDA state and memory die with it.

PARENT 0 means no worker to die with: a cluster's scheduler started it, or accelerate's agent, as one of several. Of
several only rank 0 writes events, checkpoints and the result; any of them may say that the job failed.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import structlog

from trainer.errors import LostLease, TunesmithError
from trainer.jobs import disk
from trainer.jobs.launchers.control import Control
from trainer.jobs.lease import Lease
from trainer.jobs.processes import die_with_parent
from trainer.logs import configure_logs
from trainer.methods import ranks
from trainer.methods.method import Stopped
from trainer.services import Services, build_services
from trainer.store.database import AWAY
from trainer.store.tables import Job
from trainer.types import JobKind, JobStatus

log = structlog.get_logger()
HANDLERS = {
    JobKind.TRAIN: "trainer.jobs.train:run",
    JobKind.EVAL: "trainer.jobs.evaluate:run",
    JobKind.AUGMENT: "trainer.jobs.augment:run",
    JobKind.SWEEP: "trainer.jobs.sweep:run",
    JobKind.PREFLIGHT: "trainer.jobs.preflight:run",
    JobKind.CANARY: "trainer.jobs.canary:run",
}
EX_UNEXPECTED = 70  # an exception that nobody foresaw
EX_TEMPFAIL = 75  # stopped cleanly, and the job wants to go back in line
EX_LOST = 76  # one of several processes that cannot go on without the others, or without the lease
EX_AWAY = 69  # the database did not answer
ASK_EVERY_S = 1.0


class JobRun:
    """What a handler works with: the job, its lease, its scratch folder (one for all processes of an attempt), and
    whether to go on."""

    def __init__(self, services: Services, job: Job, lease: Lease) -> None:
        self.services = services
        self.job = job
        self.lease = lease
        self.folder = services.settings.home / "work" / job.id / str(lease.fence)
        if ranks.is_main():
            shutil.rmtree(self.folder, ignore_errors=True)  # of an earlier start of this very attempt
            self.folder.mkdir(parents=True)
        self.control = Control(services.settings.home, job.id, lease.fence)
        self.terminated = False
        self._asked_at = 0.0
        self._cancelled = False

    def should_stop(self) -> str | None:
        """None, "cancel" or "pause"; asks the database at most once a second."""
        if self.terminated:
            return "pause"
        if time.monotonic() - self._asked_at > ASK_EVERY_S:
            self._cancelled = self.lease.renew()
            self.terminated = self.terminated or self.control.stop.exists()
            self._asked_at = time.monotonic()
        return "cancel" if self._cancelled else None

    def event(self, type: str, data: dict[str, Any]) -> None:
        if ranks.is_main():
            self.lease.event(type, data)


def main(job_id: str, fence: int, parent: int) -> int:
    _tie_to(parent)
    with build_services() as services:
        lease = Lease(services.db, job_id, fence, services.settings.lease_s)
        run = JobRun(services, services.jobs.get(job_id), lease)
        code = _attempt(run)
        run.control.write_code(code)
    if ranks.is_main():
        shutil.rmtree(run.folder, ignore_errors=True)
        _remove_empty(run.folder.parent)
    return code


def _tie_to(parent: int) -> None:
    if parent:
        die_with_parent(parent)
    elif ranks.world_size() > 1:
        die_with_parent(os.getppid())


def _attempt(run: JobRun) -> int:
    lease = run.lease
    signal.signal(signal.SIGTERM, lambda *_: setattr(run, "terminated", True))
    try:
        lease.renew()  # started late, or again, it may have lost the job: better now than after loading a model
        ranks.join()
        resolve_name(HANDLERS[JobKind(run.job.kind)])(run)
    except LostLease as error:
        log.warning("lost_lease", job=lease.job_id, fence=lease.fence, reason=str(error))
        return EX_LOST if ranks.world_size() > 1 else 0
    except Stopped as stop:
        return _stopped(lease, stop)
    except TunesmithError as error:
        if error.code == AWAY:  # no fault of the job's: another attempt goes on from its last checkpoint
            log.warning("database_away", job=lease.job_id, fence=lease.fence, reason=error.what)
            return EX_AWAY
        _fail(lease, error.code, str(error))
        return 1
    except Exception as error:  # the last place that can still say what kind of thing happened
        return _unexpected(run, error)
    return 0


def _stopped(lease: Lease, stop: Stopped) -> int:
    if stop.reason != "cancel":
        return EX_TEMPFAIL
    if ranks.is_main():
        with lease.fenced() as session:
            lease.finish(session, JobStatus.CANCELLED)
    return 0


def _unexpected(run: JobRun, error: Exception) -> int:
    """A full disk is said; anything else goes to the log, and the job gets one more try."""
    lease = run.lease
    log.error("unexpected", job=lease.job_id, fence=lease.fence, exc_info=error)
    if disk.is_full(error, run.folder):
        said = disk.full()
        _fail(lease, said.code, str(said))
        return EX_UNEXPECTED
    if ranks.lost_a_peer(error):
        return EX_LOST
    lease.event("note", {"text": f"The trainer met an unexpected {type(error).__name__}.", "code": "unexpected"})
    return EX_UNEXPECTED


def _fail(lease: Lease, code: str, message: str) -> None:
    several = (LostLease,) if ranks.world_size() > 1 else ()  # another of them said it first
    with suppress(*several), lease.fenced() as session:
        lease.finish(session, JobStatus.FAILED, error={"code": code, "message": message})


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


if __name__ == "__main__":
    configure_logs()  # else a traceback would show the locals of every frame, secrets among them
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
