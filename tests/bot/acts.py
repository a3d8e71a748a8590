"""What people and workers do in many tests: drop, ask, approve; claim, progress, finish."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from bot.sandbox.driver import Person
from bot.sandbox.reading import buttons_of, text_of
from trainer.jobs.lease import Lease, claim
from trainer.registry.models import add_evaluation, add_model
from trainer.services import Services
from trainer.store.tables import Job
from trainer.types import JobStatus, TrainProgress

PATIENCE_S = 40.0  # machines that run tests are busy


class Patient(Person):
    """Somebody who waits long enough for a busy machine."""

    def wait_for_text(self, channel: str, thread_ts: str | None, pattern: str, timeout: float = PATIENCE_S) -> Any:
        return super().wait_for_text(channel, thread_ts, pattern, timeout)

    def wait_for_ephemeral(self, channel: str, pattern: str, timeout: float = PATIENCE_S) -> Any:
        return super().wait_for_ephemeral(channel, pattern, timeout)


CURVE = ((1, 3.2), (10, 2.1), (20, 1.0), (30, 0.4), (40, 0.2))


def row(question: str, answer: str = "yes") -> str:
    pair = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": pair})


def good_rows(count: int = 60) -> bytes:
    return "".join(row(f"question {n}", f"answer {n}") + "\n" for n in range(count)).encode()


def drop(person: Person, channel: str, content: bytes | Path | None = None) -> tuple[str, dict[str, Any]]:
    """Upload a dataset; its thread and its report card."""
    ts = person.upload(channel, content or good_rows(), filename="pairs.jsonl")
    return ts, person.wait_for_text(channel, ts, "can be trained on")


def asked(person: Person, channel: str) -> tuple[str, dict[str, Any]]:
    """Drop a dataset and ask for training: the thread and the approval card."""
    ts, report = drop(person, channel)
    person.press(channel, report["ts"], "dataset_train")
    return ts, person.wait_for_text(channel, ts, "Train a model")


def queued_job(services: Services, person: Person, channel: str) -> tuple[str, Job]:
    """A training run that was approved: its thread and the job."""
    ts, card = asked(person, channel)
    person.press(channel, card["ts"], "approval_approve")
    person.wait_for_text(channel, ts, "waits for a worker")
    job_id = services.threads.topic({"channel": channel, "thread_ts": ts}).job_id
    assert job_id
    return ts, services.jobs.get(job_id)


def take(services: Services, job: Job) -> Lease:
    lease = claim(services.db, job.id, worker="test", lease_s=60)
    assert lease
    return lease


def step(lease: Lease, number: int, total: int = 40, loss: float = 1.0, **more: Any) -> None:
    told = TrainProgress("training", number, total, loss=loss, tokens_per_s=5000.0, eta_s=12.0, **more)
    lease.event("progress", told.to_dict())


def trained(services: Services, lease: Lease, suffix: str = "x") -> str:
    """End a training job well; its model's id."""
    job = services.jobs.get(lease.job_id)
    model_id = f"ft:tiny-base:T0SANDBOX:{suffix}:{job.id[-8:]}"
    columns = {"base": "tiny-base", "base_location": "/nowhere", "method": "lora", "is_adapter": True}
    result = {"model_id": model_id, "steps": 40, "train_loss": 0.2, "val_loss": 0.3, "seconds": 9.0}
    with lease.fenced() as session:
        add_model(session, job, model_id=model_id, manifest={"files": {}}, card={}, **columns)
        lease.finish(session, JobStatus.SUCCEEDED, result=result, model_id=model_id, trained_tokens=12345)
    return model_id


def judged(services: Services, lease: Lease, verdict: str, code: str = "better", holder: str = "") -> str:
    """End an evaluation job, judged by the gate that the model was trained under; the evaluation's id."""
    job = services.jobs.get(lease.job_id)
    trained = services.jobs.get(services.models.get(str(job.model_id)).job_id)
    told = report(verdict, code) | {"registered": trained.spec.get("registered") or {}}
    others = [{"key": "holder", "model": holder, "shots": 0}] if holder else []
    told["contestants"] = [who for who in told["contestants"] if who["key"] != "holder"] + others
    with lease.fenced() as session:
        row = add_evaluation(session, job, verdict=verdict, report=told)
        session.flush()
        lease.finish(session, JobStatus.SUCCEEDED, result={"evaluation_id": row.id, "verdict": verdict})
    return row.id


def report(verdict: str, code: str) -> dict[str, Any]:
    """An evaluation's report as its row holds it; the answers stand elsewhere."""
    from tests.trainer.evals import reports

    return reports.report(verdict, code, rows=()).to_dict()


def labels(message: dict[str, Any]) -> list[str]:
    return [button["text"] for button in buttons_of(message)]


def count(person: Person, channel: str, ts: str, words: str) -> int:
    """How many messages of the thread say that."""
    return sum(words in text_of(m) for m in person.replies(channel, ts))


def until(look: Any, seconds: float = PATIENCE_S) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
    return found
