"""The trainer process: `python -m trainer.jobs.child JOB FENCE PARENT`. CUDA state and memory die with it."""

from __future__ import annotations

import errno
import shutil
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog

from trainer.errors import LostLease, TunesmithError
from trainer.jobs.lease import Lease
from trainer.jobs.processes import die_with_parent
from trainer.methods.method import Stopped
from trainer.services import Services, build_services
from trainer.store.tables import Job
from trainer.types import JobKind, JobStatus

log = structlog.get_logger()
HANDLERS = {
    JobKind.TRAIN: "trainer.jobs.train:run",
    JobKind.EVAL: "trainer.jobs.evaluate:run",
    JobKind.AUGMENT: "trainer.jobs.augment:run",
}
EX_UNEXPECTED = 70  # an exception that nobody foresaw
EX_TEMPFAIL = 75  # stopped cleanly, and the job wants to go back in line
ASK_EVERY_S = 1.0


class Run:
    """What a handler works with: the job, its lease, its scratch folder, and whether to go on."""

    def __init__(self, services: Services, job: Job, lease: Lease) -> None:
        self.services = services
        self.job = job
        self.lease = lease
        self.folder = services.settings.home / "work" / job.id / str(lease.fence)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.terminated = False
        self._asked_at = 0.0
        self._cancelled = False

    def should_stop(self) -> str | None:
        """None, "cancel" or "pause"; asks the database at most once a second."""
        if self.terminated:
            return "pause"
        if time.monotonic() - self._asked_at > ASK_EVERY_S:
            self._cancelled = self.lease.renew()
            self._asked_at = time.monotonic()
        return "cancel" if self._cancelled else None

    def event(self, type: str, data: dict[str, Any]) -> None:
        self.lease.event(type, data)


def main(job_id: str, fence: int, parent: int) -> int:
    die_with_parent(parent)
    with build_services() as services:
        job = services.jobs.get(job_id)
        lease = Lease(services.db, job_id, fence, services.settings.lease_s)
        run = Run(services, job, lease)
        signal.signal(signal.SIGTERM, lambda *_: setattr(run, "terminated", True))
        try:
            module, _, name = HANDLERS[JobKind(job.kind)].partition(":")
            getattr(import_module(module), name)(run)
        except LostLease as error:
            log.warning("lost_lease", job=job_id, fence=fence, reason=str(error))
            return 0
        except Stopped as stop:
            return _stopped(lease, stop)
        except TunesmithError as error:
            _fail(lease, error.code, str(error))
            return 1
        except Exception as error:  # the last place that can still say what kind of thing happened
            return _unexpected(lease, error)
        finally:
            shutil.rmtree(run.folder, ignore_errors=True)
    _remove_empty(run.folder.parent)
    return 0


def _stopped(lease: Lease, stop: Stopped) -> int:
    if stop.reason != "cancel":
        return EX_TEMPFAIL
    with lease.fenced() as session:
        lease.finish(session, JobStatus.CANCELLED)
    return 0


def _unexpected(lease: Lease, error: Exception) -> int:
    """A full disk is said; anything else goes to the log, and the job gets one more try."""
    log.error("unexpected", job=lease.job_id, fence=lease.fence, exc_info=error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = "The disk is full, so the run stopped; its checkpoints are kept."
        _fail(lease, "disk_full", f"{what} Make room in TUNESMITH_HOME and the blob store, then start it again.")
        return EX_UNEXPECTED
    lease.event("note", {"text": f"The trainer met an unexpected {type(error).__name__}.", "code": "unexpected"})
    return EX_UNEXPECTED


def _fail(lease: Lease, code: str, message: str) -> None:
    with lease.fenced() as session:
        lease.finish(session, JobStatus.FAILED, error={"code": code, "message": message})


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
