"""The RQ worker and what its work-horse does: claim, have a launcher run the trainer, hold the lease."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from sqlalchemy import select

from trainer.errors import LostLease, TunesmithError, Unavailable
from trainer.jobs.child import EX_TEMPFAIL, EX_UNEXPECTED
from trainer.jobs.launchers import launcher_for
from trainer.jobs.launchers.launcher import Handle
from trainer.jobs.lease import Lease, claim
from trainer.jobs.processes import die_with_parent, identity
from trainer.jobs.queue import ENTRY, connect
from trainer.services import Services, build_services
from trainer.store.tables import Job
from trainer.types import JobStatus

log = structlog.get_logger()
POLL_S = 0.2
EX_UNAVAILABLE = 69  # what should have run the trainer did not
TRIES_UNEXPECTED = 2  # an exception is likely to come again; a kill is not
STOP_GRACE_S = 60.0  # for a checkpoint after SIGTERM or cancel, before SIGKILL
LEAVE_S = 20.0  # for a trainer that has ended its job to tidy up and go


def run(job_id: str) -> None:
    """RQ's entry: one attempt at a job, if this worker gets the claim."""
    with build_services() as services:
        run_attempt(services, job_id)


def run_attempt(services: Services, job_id: str, *, stop: threading.Event | None = None) -> JobStatus | None:
    """Claim, run the trainer to its end, and settle; `stop` means: checkpoint, and back in line. None when
    somebody else has the job."""
    settings = services.settings
    lease = claim(services.db, job_id, worker=identity("worker"), lease_s=settings.lease_s)
    if lease is None:
        log.info("not_claimed", job=job_id)
        return None
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log_path = folder / f"{job_id}.{lease.fence}.log"
    job = services.jobs.get(job_id)

    def start() -> Handle:
        launcher = launcher_for(settings, job, lambda text, code: _note(lease, text, code))
        return launcher.start(job, lease.fence, log_path)

    end = _Watch(lease, settings.heartbeat_s, stop).until_done(start)
    status = _settle(services, lease, end, log_path)
    log.info("attempt_ended", job=job_id, fence=lease.fence, exit_code=end.code, status=status)
    return status


def _note(lease: Lease, text: str, code: str) -> None:
    with suppress(TunesmithError):  # whether the lease is lost is for the thread that renews it to find
        lease.event("note", {"text": text, "code": code})


@dataclass(frozen=True, slots=True)
class _End:
    """How an attempt ended: the trainer's exit code, words where the launcher has any, or an error that another try
    would meet again."""

    code: int
    words: str = ""
    error: TunesmithError | None = None


class _Watch:
    """Starts the trainer and waits for it, while a thread renews the lease straight in the database."""

    def __init__(self, lease: Lease, heartbeat_s: float, stop: threading.Event | None) -> None:
        self.lease = lease
        self.stop = stop
        self.heartbeat_s = heartbeat_s
        self.done = threading.Event()
        self.lost = threading.Event()
        self.asked = threading.Event()
        self.cancelled = threading.Event()
        self.deadline: float | None = None

    def until_done(self, start: Callable[[], Handle]) -> _End:
        thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        thread.start()
        previous = self._on_sigterm()
        try:
            handle = start()
            try:
                return self._wait(handle)
            finally:
                handle.close()
        except Unavailable as error:
            return _End(EX_UNAVAILABLE, str(error))
        except TunesmithError as error:
            return _End(EX_UNAVAILABLE, error=error)
        finally:
            self.done.set()
            thread.join(timeout=5)
            if previous is not None:
                signal.signal(signal.SIGTERM, previous)

    def _wait(self, handle: Handle) -> _End:
        asked = killed = withdrawn = False
        try:
            while (code := handle.poll()) is None:
                if self.asked.is_set() or (self.stop is not None and self.stop.is_set()):
                    self.deadline = self.deadline or time.monotonic() + STOP_GRACE_S
                    if not asked:
                        handle.ask_to_stop()
                    asked = True
                if self.cancelled.is_set() and not withdrawn:
                    handle.withdraw()
                    withdrawn = True
                late = self.deadline is not None and time.monotonic() > self.deadline
                if late or self.lost.is_set():
                    handle.kill()
                    killed = True
                time.sleep(POLL_S)
        except BaseException:
            handle.kill()
            raise
        stopped_early = asked and not killed and code == -signal.SIGTERM  # before it could listen
        return _End(EX_TEMPFAIL if stopped_early else code, handle.words)

    def _on_sigterm(self) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return None
        return signal.signal(signal.SIGTERM, lambda *_: self.asked.set())

    def _renew(self) -> None:
        renewed = time.monotonic()
        while not self.done.wait(self.heartbeat_s):
            try:
                cancelled = self.lease.renew()
                renewed = time.monotonic()
            except LostLease:
                if self._has_spoken():
                    self.deadline = self.deadline or time.monotonic() + LEAVE_S
                else:
                    self.lost.set()
                return
            except Unavailable:
                if time.monotonic() - renewed > self.lease.lease_s:
                    self.lost.set()  # the job may belong to another by now: stop writing anywhere
                    return
                continue
            if cancelled and not self.cancelled.is_set():
                self.deadline = self.deadline or time.monotonic() + STOP_GRACE_S
                self.cancelled.set()

    def _has_spoken(self) -> bool:
        """The trainer itself ended the job, and is about to go."""
        mine = select(Job.status).where(Job.id == self.lease.job_id, Job.fence == self.lease.fence)
        try:
            with self.lease.db.read() as session:
                status = session.scalar(mine)
        except Unavailable:
            return False
        return status is not None and JobStatus(status).ended


def _settle(services: Services, lease: Lease, end: _End, log_path: Path) -> JobStatus | None:
    """What the row says after the child ended; a child that did not speak for itself crashed."""
    job = services.jobs.get(lease.job_id)
    if job.fence != lease.fence or JobStatus(job.status).ended:
        return JobStatus(job.status)
    try:
        if job.cancel_requested:
            with lease.fenced() as session:
                lease.finish(session, JobStatus.CANCELLED)
            return JobStatus.CANCELLED
        if end.error is not None:
            with lease.fenced() as session:
                lease.finish(session, JobStatus.FAILED, error={"code": end.error.code, "message": str(end.error)})
        elif end.code == EX_TEMPFAIL:
            lease.release("released", "stopped cleanly", give_back_try=True)
        elif job.attempts < (TRIES_UNEXPECTED if end.code == EX_UNEXPECTED else job.max_attempts):
            lease.release("crashed", _how_it_ended(end), give_back_try=False)
        else:
            with lease.fenced() as session:
                error = {"code": "crashed", "message": f"{_how_it_ended(end)} Log: {log_path.name}."}
                lease.finish(session, JobStatus.FAILED, error=error)
    except LostLease:
        return None
    job = services.jobs.get(lease.job_id)
    if job.status == JobStatus.QUEUED.value:
        services.wakeups.enqueue(job)
    return JobStatus(job.status)


def _how_it_ended(end: _End) -> str:
    if end.words:
        return end.words
    if end.code < 0:
        return f"The trainer was killed by {signal.Signals(-end.code).name}."
    return f"The trainer ended with exit code {end.code} without a result."


class TuneWorker(Worker):
    """RQ's worker for one queue, with what RQ alone does not promise: horses that die with it, a single
    permitted function, SIGTERM handed on, and no clean-up while Redis has only just come back."""

    def execute_job(self, job: RqJob, queue: Queue) -> None:
        if job.func_name != ENTRY:
            log.error("refused_foreign_job", function=str(job.func_name)[:80])
            job.delete()
            return
        super().execute_job(job, queue)

    def main_work_horse(self, job: RqJob, queue: Queue) -> NoReturn:
        die_with_parent(self.pid or os.getppid())
        super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def run_maintenance_tasks(self) -> None:
        try:
            up_s = int(self.connection.info("server").get("uptime_in_seconds", 0))
        except RedisError:
            return
        if up_s > 2 * self.worker_ttl:
            super().run_maintenance_tasks()


def work(services: Services, queue: str) -> None:
    """Serve one queue until told to stop."""
    redis: Redis = connect(services.settings.redis, retries=200)
    services.heartbeats.keep_beating(f"worker:{queue}", queue=queue)
    worker = TuneWorker(
        [Queue(queue, connection=redis, serializer=JSONSerializer)],
        connection=redis,
        serializer=JSONSerializer,
        worker_ttl=120,
        job_monitoring_interval=30,
        log_job_description=False,
    )
    worker.work(logging_level="WARNING")
