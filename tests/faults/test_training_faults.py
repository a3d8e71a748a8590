"""What happens to a running job when things die. One oracle: one success, one model, never two trainers."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest

from tests.conftest import wait_until
from tests.faults.conftest import Farm
from trainer.jobs.train import shas
from trainer.store.tables import Job
from trainer.types import JobStatus

pytestmark = pytest.mark.timeout(420)
LONG = {"epochs": 30, "evals_per_run": 3}


def assert_one_success(farm: Farm, job: Job) -> None:
    ended = farm.wait_for_end(job)
    assert ended.status == JobStatus.SUCCEEDED, ended.error
    finals = [e for e in farm.services.jobs.events(job.id) if e.data.get("status") == JobStatus.SUCCEEDED]
    assert len(finals) == 1
    assert [m.job_id for m in farm.services.models.list()] == [job.id]
    wait_until(lambda: not farm.trainers(job), 10, "the trainer's exit")


def notes(farm: Farm, job: Job) -> list[str]:
    return [e.data.get("code", "") for e in farm.services.jobs.events(job.id) if e.type == "note"]


def test_kill_9_of_the_worker_leaves_no_orphan_and_the_next_one_resumes(farm: Farm) -> None:
    farm.start("reconcile")
    worker = farm.start("worker", "gpu")
    job = farm.submit(**LONG)
    farm.wait_for_checkpoint(job)
    (trainer,) = farm.trainers(job)

    worker.kill()

    wait_until(lambda: not psutil.pid_exists(trainer), 5, "the orphaned trainer's death")
    farm.start("worker", "gpu")
    assert_one_success(farm, job)
    assert "resumed" in notes(farm, job)
    assert [a.outcome for a in farm.services.jobs.attempts(job.id)] == ["lost", "succeeded"]


def test_kill_9_of_the_trainer_is_retried_from_its_checkpoint(farm: Farm) -> None:
    farm.start("worker", "gpu")
    job = farm.submit(**LONG)
    farm.wait_for_checkpoint(job)

    os.kill(farm.trainers(job)[0], signal.SIGKILL)

    assert_one_success(farm, job)
    assert [a.outcome for a in farm.services.jobs.attempts(job.id)] == ["crashed", "succeeded"]
    assert "resumed" in notes(farm, job)


def test_flushall_in_mid_training_loses_nothing(farm: Farm) -> None:
    farm.start("reconcile")
    farm.start("worker", "gpu")
    first = farm.submit(**LONG)
    farm.wait_for_checkpoint(first)
    second = farm.submit(epochs=1)

    farm.services.wakeups.redis.flushall()

    ended = [farm.wait_for_end(job) for job in (first, second)]
    assert [job.status for job in ended] == [JobStatus.SUCCEEDED] * 2
    assert all(job.attempts == 1 for job in ended)


def test_sigterm_writes_a_checkpoint_and_gives_the_job_back(farm: Farm) -> None:
    worker = farm.start("worker", "gpu")
    job = farm.submit(**LONG, seed=3)
    farm.wait_for_checkpoint(job)

    worker.terminate()

    assert worker.wait(60) == 0
    row = farm.services.jobs.get(job.id)
    assert (row.status, row.attempts) == (JobStatus.QUEUED, 0)
    assert farm.trainers(job) == []
    farm.start("worker", "gpu")
    assert_one_success(farm, job)


def test_a_cancel_is_heard_within_seconds_and_keeps_the_checkpoints(farm: Farm) -> None:
    farm.start("worker", "gpu")
    job = farm.submit(**LONG)
    farm.wait_for_checkpoint(job)

    farm.services.jobs.request_cancel(job.id, "U0ADA")

    wait_until(lambda: farm.status(job) is JobStatus.CANCELLED, 15, "the cancellation")
    wait_until(lambda: not farm.trainers(job), 5, "the trainer's end")
    assert farm.services.jobs.checkpoints(job.id)
    assert farm.services.models.list() == []


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_used(farm: Farm) -> None:
    worker = farm.start("worker", "gpu")
    job = farm.submit(**LONG)
    farm.wait_for_checkpoint(job, count=2)
    worker.terminate()
    worker.wait(60)
    newest, before = farm.services.jobs.checkpoints(job.id)[:2]
    damage = next(iter(shas(newest.manifest) - shas(before.manifest)))
    farm.services.blobs.within(f"checkpoints/{job.id}").delete(damage)

    farm.start("worker", "gpu")

    assert_one_success(farm, job)
    assert notes(farm, job).count("checkpoint_damaged") == 1
    resumed = [e.data["text"] for e in farm.services.jobs.events(job.id) if e.data.get("code") == "resumed"]
    assert resumed == [f"Resumed from step {before.step}."]


def test_a_broken_base_is_told_and_what_nobody_foresaw_is_tried_once_more(
    farm: Farm, tiny_base: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(tiny_base, tmp_path / "broken-base")
    (broken / "model.safetensors").write_bytes(b"rubbish")
    jobs = [farm.submit(base=str(broken)), farm.submit()]
    with farm.services.db.write() as session:  # a row that no version of ours has written
        session.merge(jobs[1]).spec = jobs[1].spec | {"from_the_future": True}
    farm.start("worker", "gpu")

    told, unforeseen = [farm.wait_for_end(job) for job in jobs]

    assert (told.status, told.attempts) == (JobStatus.FAILED, 1)
    assert told.error and told.error["code"] == "base_unreadable" and str(tmp_path) not in told.error["message"]
    assert (unforeseen.status, unforeseen.attempts) == (JobStatus.FAILED, 2)
    message = (unforeseen.error or {})["message"]
    assert "log" in message.lower() and "Traceback" not in message
    assert notes(farm, unforeseen).count("unexpected") == 2
