"""The RQ worker and what its work-horse does: claim, run the trainer as a subprocess, hold the lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from trainer.errors import LostLease, Unavailable
from trainer.jobs.child import EX_TEMPFAIL, EX_UNEXPECTED
from trainer.jobs.lease import Lease, claim
from trainer.jobs.processes import die_with_parent, identity
from trainer.jobs.queue import ENTRY, connect
from trainer.services import Services, build_services
from trainer.types import JobStatus

log = structlog.get_logger()
POLL_S = 0.2
TRIES_UNEXPECTED = 2  # an exception is likely to come again; a kill is not
STOP_GRACE_S = 60.0  # for a checkpoint after SIGTERM or cancel, before SIGKILL


def run(job_id: str) -> None:
    """RQ's entry: one attempt at a job, if this worker gets the claim."""
    with build_services() as services:
        run_attempt(services, job_id)


def run_attempt(services: Services, job_id: str, *, stop: threading.Event | None = None) -> JobStatus | None:
    """Claim, run the child to its end, and settle; `stop` means: checkpoint, and back in line. None when
    somebody else has the job."""
    settings = services.settings
    lease = claim(services.db, job_id, worker=identity("worker"), lease_s=settings.lease_s)
    if lease is None:
        log.info("not_claimed", job=job_id)
        return None
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log_path = folder / f"{job_id}.{lease.fence}.log"
    with log_path.open("ab") as output:
        child = _spawn(job_id, lease.fence, output)
        code = _Watch(lease, child, settings.heartbeat_s, stop).until_done()
    status = _settle(services, lease, code, log_path)
    log.info("attempt_ended", job=job_id, fence=lease.fence, exit_code=code, status=status)
    return status


def _spawn(job_id: str, fence: int, output: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "trainer.jobs.child", job_id, str(fence), str(os.getpid())]
    return subprocess.Popen(  # a group of its own: Ctrl-C is for whoever watches, who then asks it to stop
        command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, process_group=0
    )


class _Watch:
    """Waits for the child while a thread renews the lease straight in the database."""

    def __init__(
        self, lease: Lease, child: subprocess.Popen[bytes], heartbeat_s: float, stop: threading.Event | None
    ) -> None:
        self.lease = lease
        self.stop = stop
        self.child = child
        self.heartbeat_s = heartbeat_s
        self.done = threading.Event()
        self.deadline: float | None = None

    def until_done(self) -> int:
        thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        thread.start()
        previous = self._on_sigterm()
        try:
            while self.child.poll() is None:
                time.sleep(POLL_S)
                if self.stop is not None and self.stop.is_set():
                    self._ask_to_stop()
                if self.deadline is not None and time.monotonic() > self.deadline:
                    self.child.kill()
            code = self.child.wait()
            stopped_early = self.deadline is not None and code == -signal.SIGTERM  # before it could listen
            return EX_TEMPFAIL if stopped_early else code
        finally:
            self.done.set()
            if self.child.poll() is None:
                self.child.kill()
            thread.join(timeout=5)
            if previous is not None:
                signal.signal(signal.SIGTERM, previous)

    def _on_sigterm(self) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return None
        return signal.signal(signal.SIGTERM, lambda *_: self._ask_to_stop())

    def _ask_to_stop(self) -> None:
        if self.deadline is None and self.child.poll() is None:
            self.deadline = time.monotonic() + STOP_GRACE_S
            self.child.terminate()

    def _renew(self) -> None:
        renewed = time.monotonic()
        while not self.done.wait(self.heartbeat_s):
            try:
                cancelled = self.lease.renew()
                renewed = time.monotonic()
            except LostLease:
                self.child.kill()
                return
            except Unavailable:
                if time.monotonic() - renewed > self.lease.lease_s:
                    self.child.kill()  # the job may belong to another by now: stop writing anywhere
                    return
                continue
            if cancelled and self.deadline is None:
                self.deadline = time.monotonic() + STOP_GRACE_S


def _settle(services: Services, lease: Lease, code: int, log_path: Path) -> JobStatus | None:
    """What the row says after the child ended; a child that did not speak for itself crashed."""
    job = services.jobs.get(lease.job_id)
    if job.fence != lease.fence or JobStatus(job.status).ended:
        return JobStatus(job.status)
    try:
        if job.cancel_requested:
            with lease.fenced() as session:
                lease.finish(session, JobStatus.CANCELLED)
            return JobStatus.CANCELLED
        if code == EX_TEMPFAIL:
            lease.release("released", "stopped cleanly", give_back_try=True)
        elif job.attempts < (TRIES_UNEXPECTED if code == EX_UNEXPECTED else job.max_attempts):
            lease.release("crashed", _how_it_ended(code), give_back_try=False)
        else:
            with lease.fenced() as session:
                error = {"code": "crashed", "message": f"{_how_it_ended(code)} Log: {log_path.name}."}
                lease.finish(session, JobStatus.FAILED, error=error)
    except LostLease:
        return None
    job = services.jobs.get(lease.job_id)
    if job.status == JobStatus.QUEUED.value:
        services.wakeups.enqueue(job)
    return JobStatus(job.status)


def _how_it_ended(code: int) -> str:
    if code < 0:
        return f"The trainer was killed by {signal.Signals(-code).name}."
    return f"The trainer ended with exit code {code} without a result."


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
