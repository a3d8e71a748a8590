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
from trainer.store.tables import Job, Model
from trainer.types import JobStatus

pytestmark = pytest.mark.timeout(420)
LONG = {"epochs": 20, "evals_per_run": 3}  # 240 steps, 12 checkpoints


def assert_one_success(farm: Farm, job: Job) -> None:
    ended = farm.wait_for_end(job)
    assert ended.status == JobStatus.SUCCEEDED, ended.error
    finals = [e for e in farm.services.jobs.events(job.id) if e.data.get("status") == JobStatus.SUCCEEDED]
    assert len(finals) == 1
    assert len(models(farm, job)) == 1
    wait_until(lambda: not farm.trainers(job), 10, "the trainer's exit")


def models(farm: Farm, job: Job) -> list[Model]:
    return [model for model in farm.services.models.list() if model.job_id == job.id]


def notes(farm: Farm, job: Job) -> list[str]:
    return [e.data.get("code", "") for e in farm.services.jobs.events(job.id) if e.type == "note"]


def test_kill_9_of_the_worker_leaves_no_orphan_and_the_next_one_resumes(farm: Farm, pebble: Path) -> None:
    worker = farm.worker()
    job = farm.submit(base=str(pebble), **LONG)
    farm.wait_for_checkpoint(job)
    (trainer,) = farm.trainers(job)

    worker.kill()

    wait_until(lambda: not psutil.pid_exists(trainer), 5, "the orphaned trainer's death")
    worker.wait(5)
    farm.worker()
    assert_one_success(farm, job)
    assert "resumed" in notes(farm, job)
    assert [a.outcome for a in farm.services.jobs.attempts(job.id)] == ["lost", "succeeded"]


def test_kill_9_of_the_trainer_is_retried_from_its_checkpoint(farm: Farm, pebble: Path) -> None:
    farm.worker()
    job = farm.submit(base=str(pebble), **LONG)
    farm.wait_for_checkpoint(job)

    os.kill(farm.trainers(job)[0], signal.SIGKILL)

    assert_one_success(farm, job)
    assert [a.outcome for a in farm.services.jobs.attempts(job.id)] == ["crashed", "succeeded"]
    assert "resumed" in notes(farm, job)


def test_flushall_in_mid_training_loses_nothing(farm: Farm, pebble: Path) -> None:
    farm.worker()
    first = farm.submit(base=str(pebble), **LONG)
    farm.wait_for_checkpoint(first)
    second = farm.submit(base=str(pebble), epochs=1)

    farm.services.wakeups.redis.flushall()

    ended = [farm.wait_for_end(job) for job in (first, second)]
    assert [job.status for job in ended] == [JobStatus.SUCCEEDED] * 2
    assert all(job.attempts == 1 for job in ended)


def test_a_cancel_is_heard_within_seconds_and_keeps_the_checkpoints(farm: Farm, pebble: Path) -> None:
    farm.worker()
    job = farm.submit(base=str(pebble), epochs=100, evals_per_run=3)
    farm.wait_for_checkpoint(job)

    farm.services.jobs.request_cancel(job.id, "U0ADA")

    wait_until(lambda: farm.status(job) is JobStatus.CANCELLED, 15, "the cancellation")
    wait_until(lambda: not farm.trainers(job), 5, "the trainer's end")
    assert farm.services.jobs.checkpoints(job.id)
    assert models(farm, job) == []


def test_sigterm_gives_the_job_back_and_of_its_checkpoints_a_damaged_one_is_told_and_the_one_before_it_used(
    farm: Farm, pebble: Path
) -> None:
    worker = farm.worker()
    job = farm.submit(base=str(pebble), **LONG)
    farm.wait_for_checkpoint(job)
    seen = farm.services.jobs.checkpoints(job.id)[0]

    worker.terminate()

    assert worker.wait(60) == 0
    row = farm.services.jobs.get(job.id)
    assert (row.status, row.attempts) == (JobStatus.QUEUED, 0)
    assert farm.trainers(job) == []
    newest, before = farm.services.jobs.checkpoints(job.id)[:2]
    assert newest.step > seen.step, "one was written at the stop"
    damage = next(iter(shas(newest.manifest) - shas(before.manifest)))
    farm.services.blobs.within(f"checkpoints/{job.id}").delete(damage)
    farm.worker()
    assert_one_success(farm, job)
    assert notes(farm, job).count("checkpoint_damaged") == 1
    resumed = [e.data["text"] for e in farm.services.jobs.events(job.id) if e.data.get("code") == "resumed"]
    assert resumed == [f"Resumed from step {before.step}."]


def test_a_broken_base_is_told_and_what_nobody_foresaw_is_tried_once_more(
    farm: Farm, pebble: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(pebble, tmp_path / "broken-base")
    (broken / "model.safetensors").write_bytes(b"rubbish")
    jobs = [farm.submit(base=str(broken)), farm.submit(base=str(pebble))]
    with farm.services.db.write() as session:  # a row that no version of ours has written
        session.merge(jobs[1]).spec = jobs[1].spec | {"from_the_future": True}
    farm.worker()

    told, unforeseen = [farm.wait_for_end(job) for job in jobs]

    assert (told.status, told.attempts) == (JobStatus.FAILED, 1)
    assert told.error and told.error["code"] == "base_unreadable" and str(tmp_path) not in told.error["message"]
    assert (unforeseen.status, unforeseen.attempts) == (JobStatus.FAILED, 2)
    message = (unforeseen.error or {})["message"]
    assert "log" in message.lower() and "Traceback" not in message
    assert notes(farm, unforeseen).count("unexpected") == 2
