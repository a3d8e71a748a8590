"""Real processes on a real Redis: a worker, a reconciler, and a training job that is worth killing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import redis_server, wait_until
from tests.trainer.inference.pebble import make_pebble
from tools import approvals, datasets, training
from tools.context import Caller, Context
from trainer.services import Services, build_services
from trainer.settings import load_settings
from trainer.store.tables import Job
from trainer.types import JobStatus


class Farm:
    """The processes of one installation, started and killed by the test."""

    def __init__(self, services: Services, env: dict[str, str]) -> None:
        self.services = services
        self.env = env
        self.processes: list[subprocess.Popen[bytes]] = []
        self.trains: subprocess.Popen[bytes] | None = None

    def start(self, *verb: str) -> subprocess.Popen[bytes]:
        log = (self.services.settings.home / f"{'-'.join(verb)}.{len(self.processes)}.log").open("wb")
        command = [sys.executable, "-m", "tools.cli", *verb]
        process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        """The worker that trains: the one that lives, else a new one."""
        if self.trains is None or self.trains.poll() is not None:
            self.trains = self.start("worker", "gpu")
        return self.trains

    def submit(self, **spec: Any) -> Job:
        """A training job, asked for and approved like any other. Its checkpoints come by steps, however slow those are
        here."""
        caller = Caller("U0ADA", "Ada", frozenset({"trainer"}), "test", allow_paths=True)
        context = Context(caller, self.services)
        path = self.services.settings.home / "rows.jsonl"
        path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(120)))
        dataset = datasets.check_file(context, path, filename="rows.jsonl").dataset
        assert dataset is not None
        wanted = {"early_stopping_patience": 0, "packing": False, "save_every_steps": 20, **spec}
        asked = training.request(context, dataset.id, wanted)
        job = approvals.decide(context, asked.approval.id, approve=True).job
        assert job is not None
        return job

    def status(self, job: Job) -> JobStatus:
        return JobStatus(self.services.jobs.get(job.id).status)

    def trainers(self, job: Job) -> list[int]:
        """Pids of the live trainer processes of this job: there must never be two."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            if process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            line = process.info["cmdline"] or []
            if "trainer.jobs.child" in line and job.id in line:
                found.append(process.pid)
        return found

    def wait_for_checkpoint(self, job: Job, *, count: int = 1) -> None:
        def seen() -> bool:
            assert len(self.trainers(job)) <= 1
            kept = [e for e in self.services.jobs.events(job.id) if e.type == "checkpoint"]
            return len(kept) >= count or self.status(job).ended

        wait_until(seen, 120, "a checkpoint")
        assert not self.status(job).ended, self.services.jobs.get(job.id).error

    def wait_for_end(self, job: Job) -> Job:
        def ended() -> bool:
            assert len(self.trainers(job)) <= 1
            return self.status(job).ended

        wait_until(ended, 180, "the job's end")
        return self.services.jobs.get(job.id)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(10)


def row(number: int) -> dict[str, Any]:
    question, answer = f"Ticket {number}: printer {number % 7} jams", f'{{"printer": {number % 7}}}'
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebble(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def one_farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A reconciler all the time, and a worker that the next test inherits unless this one has killed it: processes
    take longer to start than the small base to train."""
    folder = tmp_path_factory.mktemp("farm")
    foreign = ("TUNESMITH_", "SLACK_", "REDIS_", "OPENAI_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    with redis_server(folder) as redis_url:
        settings = load_settings(home=folder / "home", redis_url=redis_url, lease_s=4.0, heartbeat_s=0.5)
        own = {
            "TUNESMITH_HOME": str(settings.home),
            "TUNESMITH_LEASE_S": "4",
            "TUNESMITH_HEARTBEAT_S": "0.5",
            "REDIS_URL": redis_url,
        }
        with build_services(settings, migrate=True) as services:
            built = Farm(services, env | own)
            try:
                built.start("reconcile")
                yield built
            finally:
                built.stop()


@pytest.fixture
def farm(one_farm: Farm) -> Iterator[Farm]:
    yield one_farm
    for job in one_farm.services.jobs.list(open_only=True):  # of a test that failed
        one_farm.services.jobs.request_cancel(job.id, "U0ADA")
