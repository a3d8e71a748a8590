"""A hosted job through ledger, lease and approval, against a provider that fails in every way we know of."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.conftest import wait_until
from tests.trainer.providers.conftest import BASE, House, pair_row
from tools import training
from trainer.providers.openai import OpenAI
from trainer.store.tables import Job
from trainer.types import JobStatus

CREATE = "POST /v1/fine_tuning/jobs"


def made(house: House) -> list[dict[str, Any]]:
    """The jobs at the provider: each of them costs money."""
    return house.fake.state()["jobs"]


def the_model(house: House, job: Job) -> Any:
    (model,) = house.services.models.list()
    assert model.job_id == job.id
    return model


def test_a_job_runs_there_and_its_model_is_registered_here(house: House) -> None:
    job = house.submit(learning_rate_multiplier=2.0, batch_size=4, seed=7)

    ended = house.attempt(job)

    (remote,) = made(house)
    assert (ended.status, ended.queue) == (JobStatus.SUCCEEDED, "cpu"), ended.error
    asked = remote["method"]["supervised"]["hyperparameters"]
    assert asked == {"n_epochs": 2, "learning_rate_multiplier": 2.0, "batch_size": 4}
    assert (remote["seed"], remote["metadata"]) == (7, {"tunesmith_job": job.id})
    model = the_model(house, job)
    assert model.id == remote["fine_tuned_model"] and model.id.startswith(f"ft:{BASE}:acme:customer-support:")
    assert (model.base, model.base_location, model.is_adapter) == (BASE, f"openai:{model.id}", False)
    assert model.card["remote_job"] == remote["id"]
    assert ended.trained_tokens == model.card["trained_tokens"] == remote["trained_tokens"] > 0


def test_events_and_checkpoints_are_mirrored_once_whatever_order_they_come_in(house: House) -> None:
    house.fake.order(events="shuffled")
    house.fake.order(events="doubled")
    job = house.submit()

    house.attempt(job)

    (remote,) = made(house)
    events = house.services.jobs.events(job.id)
    mirrored = [e.data["remote_id"] for e in events if "remote_id" in e.data and e.type != "checkpoint"]
    assert sorted(mirrored) == sorted(e["id"] for e in remote["_events"])
    steps = [e.data for e in events if e.type == "progress" and "remote_id" in e.data]
    assert {s["step"] for s in steps} == set(range(1, 7)) and all(s["loss"] < s["val_loss"] for s in steps)
    kept = house.services.jobs.checkpoints(job.id)
    assert {c.metrics["remote_id"] for c in kept} == {c["id"] for c in remote["_checkpoints"]} and len(kept) == 2


def test_dpo_sends_pairs_and_beta(house: House) -> None:
    job = house.submit(house.dataset(make=pair_row), beta=0.3)

    ended = house.attempt(job)

    (remote,) = made(house)
    assert ended.status == JobStatus.SUCCEEDED, ended.error
    assert remote["method"]["type"] == "dpo"
    assert remote["method"]["dpo"]["hyperparameters"]["beta"] == 0.3


@pytest.mark.parametrize("fault", ["reset_after", "hang_after"])
def test_an_answer_lost_after_the_job_was_made_pays_once(house: House, fault: str) -> None:
    house.fake.order(fault=fault, on=CREATE)
    job = house.submit()

    ended = house.attempt(job)

    assert ended.status == JobStatus.SUCCEEDED, ended.error
    assert len(made(house)) == 1
    assert "adopted" in house.notes(job)


def test_an_upload_whose_answer_was_lost_is_found_again(house: House) -> None:
    house.fake.order(fault="reset_after", on="POST /v1/files")
    job = house.submit()

    assert house.attempt(job).status == JobStatus.SUCCEEDED
    names = [file["filename"] for file in house.fake.state()["files"]]
    assert len(names) == len(set(names)) == 2 and all(name.startswith(job.id) for name in names)


@pytest.mark.parametrize("quirk", ["reject", "ignore"])
def test_without_metadata_the_training_file_tells_whose_job_it_is(house: House, quirk: str) -> None:
    house.fake.order(**{quirk: "metadata"})
    if quirk == "ignore":
        house.fake.order(fault="reset_after", on=CREATE)
    job = house.submit()

    assert house.attempt(job).status == JobStatus.SUCCEEDED
    assert [remote["metadata"] for remote in made(house)] == [None]


@pytest.mark.parametrize(
    ("on", "fault"),
    [
        *((CREATE, fault) for fault in ("rate_limit", "error_500", "error_503", "garbage", "html", "reset", "hang")),
        *(("GET /v1/fine_tuning/jobs/", fault) for fault in ("rate_limit", "error_503", "garbage", "hang")),
    ],
)
def test_what_passes_is_waited_out(house: House, fault: str, on: str) -> None:
    house.fake.order(fault=fault, on=on, times=2 if on != CREATE else 1)
    job = house.submit()

    ended = house.attempt(job)

    assert ended.status == JobStatus.SUCCEEDED, ended.error
    assert len(made(house)) == 1
    assert ("provider_away" in house.notes(job)) == on.startswith("GET")


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("training_not_available", "training_not_available", "Train locally"),
        ("bad_key", "provider_key", "TUNESMITH_TUNING_API_KEY"),
        ("no_model", "provider_not_found", f"knows no model {BASE}"),
        ("insufficient_quota", "provider_quota", "no credit left"),
        ("billing_hard_limit", "provider_quota", "spending limit"),
    ],
)
def test_what_does_not_pass_ends_the_job_with_what_to_do(house: House, fault: str, code: str, words: str) -> None:
    house.fake.order(fault=fault, on=CREATE)
    job = house.submit()

    ended = house.attempt(job)

    assert ended.status == JobStatus.FAILED and ended.error
    assert ended.error["code"] == code and words in ended.error["message"]
    assert "sk-" not in ended.error["message"] and made(house) == []


def test_a_provider_that_stays_away_ends_the_job_and_nothing_was_made(house: House) -> None:
    job = house.submit()
    house.fake.stop()

    ended = house.attempt(job)

    assert ended.error and ended.error["code"] == "provider_unreachable"
    assert "connection refused" in ended.error["message"]
    house.fake.start()
    assert made(house) == []


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("fail_validation", "invalid_training_file", "training file was refused (training_file)"),
        ("fail_midway", "server_error", "internal error"),
    ],
)
def test_a_job_that_fails_there_fails_here_with_the_reason(house: House, script: str, code: str, words: str) -> None:
    house.fake.order(job=script)
    job = house.submit()

    ended = house.attempt(job)

    assert ended.status == JobStatus.FAILED and ended.error and ended.error["code"] == code
    assert words in ended.error["message"] and "may go on" not in ended.error["message"]
    assert house.services.models.list() == []


def test_a_job_that_the_provider_cancels_is_cancelled_here(house: House) -> None:
    house.fake.order(job="cancelled")
    job = house.submit()

    assert house.attempt(job).status == JobStatus.CANCELLED
    assert "cancelled_there" in house.notes(job)


@pytest.mark.parametrize(("fate", "code"), [("processing", "provider_file_stuck"), ("error", "provider_file_failed")])
def test_a_file_that_is_never_ready_makes_no_job(house: House, fate: str, code: str) -> None:
    house.fake.order(file=fate)
    job = house.submit()

    ended = house.attempt(job)

    assert ended.error and ended.error["code"] == code and "no job was made" in ended.error["message"]
    assert made(house) == []


def test_a_paused_job_is_no_end_and_goes_on_when_resumed(house: House) -> None:
    from tools import hosting

    house.fake.order(job="paused")
    job = house.submit()
    thread = threading.Thread(target=house.attempt, args=(job,))
    thread.start()
    wait_until(lambda: "paused" in house.notes(job), what="the pause")

    hosting.act(house.context, job.id, "resume")

    thread.join(20)
    assert house.services.jobs.get(job.id).status == JobStatus.SUCCEEDED


def test_sigterm_gives_the_job_back_and_the_next_attempt_watches_the_same_one(house: House) -> None:
    house.fake.order(job="stall")
    job = house.submit()
    thread = threading.Thread(target=house.attempt, args=(job,))
    stop_when(house, job, thread)
    (before,) = made(house)

    assert house.services.jobs.get(job.id).status == JobStatus.QUEUED
    house.fake.client.fine_tuning.jobs.cancel(before["id"])
    assert house.attempt(job).status == JobStatus.CANCELLED

    events = [e.data["remote_id"] for e in house.services.jobs.events(job.id) if "remote_id" in e.data]
    assert len(made(house)) == 1 and len(events) == len(set(events))


def stop_when(house: House, job: Job, thread: threading.Thread) -> None:
    """SIGTERM, as the trainer's process hears it, once a job is there."""
    from trainer.jobs.child import JobRun

    runs: list[JobRun] = []
    build = JobRun.__init__

    def remembered(self: JobRun, *args: Any) -> None:
        build(self, *args)
        runs.append(self)

    JobRun.__init__ = remembered  # type: ignore[method-assign]
    try:
        thread.start()
        wait_until(lambda: "remote" in house.notes(job), what="the first mirrored event")
    finally:
        JobRun.__init__ = build  # type: ignore[method-assign]
    runs[0].terminated = True
    thread.join(10)


def test_our_cancel_is_handed_on(house: House) -> None:
    house.fake.order(job="stall")
    job = house.submit()
    thread = threading.Thread(target=house.attempt, args=(job,))
    thread.start()
    wait_until(lambda: "remote" in house.notes(job), what="the first mirrored event")

    training.cancel(house.context, job.id)

    thread.join(20)
    assert house.services.jobs.get(job.id).status == JobStatus.CANCELLED
    assert [remote["status"] for remote in made(house)] == ["cancelled"]


def test_a_cancel_that_the_provider_does_not_hear_says_that_it_may_be_billed(house: House) -> None:
    house.fake.order(job="stall")
    job = house.submit()
    thread = threading.Thread(target=house.attempt, args=(job,))
    thread.start()
    wait_until(lambda: "remote" in house.notes(job), what="the first mirrored event")
    house.fake.order(fault="error_503", times=1000)

    training.cancel(house.context, job.id)

    thread.join(20)
    assert house.services.jobs.get(job.id).status == JobStatus.CANCELLED
    assert "may_be_billed" in house.notes(job)


def test_a_cancel_while_nobody_knows_whether_a_job_was_made_finds_and_cancels_it(house: House) -> None:
    house.fake.order(job="stall")
    house.fake.order(fault="hang_after", on=CREATE)
    job = house.submit()
    thread = threading.Thread(target=house.attempt, args=(job,))
    thread.start()
    wait_until(lambda: made(house), what="the job at the provider")

    training.cancel(house.context, job.id)

    thread.join(20)
    assert house.services.jobs.get(job.id).status == JobStatus.CANCELLED
    assert [remote["status"] for remote in made(house)] == ["cancelled"]


def test_the_job_is_found_behind_many_younger_ones(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.providers.openai.PAGE", 2)
    job = house.submit()
    house.attempt(job)
    (first,) = made(house)
    for _ in range(5):
        house.fake.client.fine_tuning.jobs.create(model=BASE, training_file=first["training_file"], metadata={"a": "b"})

    found = OpenAI.of(house.services.settings).find(job.id, "", since=job.created_at - 5)

    assert found and found.id == first["id"]


def test_a_cancel_between_two_attempts_reaches_the_provider(house: House) -> None:
    house.fake.order(job="stall")
    job = house.submit()
    stop_when(house, job, threading.Thread(target=house.attempt, args=(job,)))

    training.cancel(house.context, job.id)

    assert house.services.jobs.get(job.id).status == JobStatus.CANCELLED
    assert [remote["status"] for remote in made(house)] == ["cancelled"]


def test_another_provider_than_the_approved_one_gets_no_rows(house: House) -> None:
    job = house.submit()
    elsewhere = house.services.settings.model_copy(update={"tuning_base_url": "https://elsewhere.example/v1"})
    object.__setattr__(house.services, "settings", elsewhere)

    ended = house.attempt(job)

    assert ended.error and ended.error["code"] == "endpoint_changed"
    assert house.fake.state()["files"] == []


def test_the_provider_may_restart_meanwhile(house: House) -> None:
    house.fake.order(job="paused")
    job = house.submit()
    thread = threading.Thread(target=house.attempt, args=(job,))
    thread.start()
    wait_until(lambda: "paused" in house.notes(job), what="the pause")
    house.fake.stop()
    wait_until(lambda: "provider_away" in house.notes(job), what="the absence")
    house.fake.start()
    (remote,) = made(house)
    house.fake.client.fine_tuning.jobs.resume(remote["id"])

    thread.join(20)
    assert house.services.jobs.get(job.id).status == JobStatus.SUCCEEDED
    assert "provider_back" in house.notes(job)


def test_waits_end_at_once_when_the_job_is_to_stop(house: House) -> None:
    from trainer.jobs.waits import Waits

    class Asked:
        terminated = True

        def should_stop(self) -> str:
            return "pause"

    began = time.monotonic()
    assert Waits(Asked(), 600.0).wait(at_least=60.0) == "pause"  # type: ignore[arg-type]
    assert time.monotonic() - began < 1
