"""A preflight goes ahead of a decision: its findings come into the thread, and it goes quietly once people decided."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands import parse
from bot.door import Door
from bot.sandbox.driver import Person
from bot.sandbox.reading import text_of
from tests.bot.acts import asked, count, drop, take, until
from trainer.methods.preflight import picture
from trainer.methods.preflight.mask import Masked, Token, in_words
from trainer.services import Services
from trainer.store.tables import Job
from trainer.types import JobKind, JobStatus

ROW = Masked((Token("hi", "prompt"), Token("yes", "answer"), Token("<|end|>", "end")), 3, 2)


@pytest.fixture
def worker(bot: Door, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as anybody knows, a worker is alive."""
    monkeypatch.setattr(type(services.heartbeats), "has", lambda self, role: role == "worker:gpu")


def sent_ahead(services: Services, thread: str) -> Job | None:
    mine = [job for job in services.jobs.list(limit=50) if job.kind == JobKind.PREFLIGHT]
    return next((job for job in mine if job.origin.get("thread_ts") == thread), None)


def end(services: Services, job: Job, *, ok: bool) -> None:
    """What a worker would leave."""
    checks: list[dict[str, Any]] = [{"name": "bos", "ok": True, "words": "Every row begins once."}]
    if not ok:
        checks.append({"name": "overfit", "ok": False, "words": "8 rows could not be learned.", "fix": "Use full."})
    result = {
        "ok": ok,
        "checks": checks,
        "measured": {
            "seconds_per_step": 0.5,
            "steps": 40,
            "tokens_per_s": 1000.0,
            "peak_memory_bytes": 2**30,
            "seconds": 70.0,
            "cost_usd": 0.0,
        },
        "estimated": {"seconds": 30.0},
        "mask": {
            "rows": [ROW.to_dict()],
            "sha256": services.blobs.put_bytes(picture.draw([ROW])),
            "alt": in_words([ROW]),
        },
    }
    lease = take(services, job)
    with lease.fenced() as session:
        lease.finish(session, JobStatus.SUCCEEDED, result=result)


def test_its_findings_come_as_a_reply_with_the_mask(
    worker: None, services: Services, ada: Person, channel: str
) -> None:
    ts, card = asked(ada, channel)
    job = until(lambda: sent_ahead(services, ts))
    assert job.approval_id and job.queue == "gpu" and job.spec["tokens"] > 0
    end(services, job, ok=True)

    reply = ada.wait_for_text(channel, ts, "Ready: 1 of 1 checks hold")

    assert "40 steps make about 1 min 10 s" in text_of(reply) and "estimated before: 30 s" in text_of(reply)
    (image,) = [block for block in reply["blocks"] if block["type"] == "image"]
    assert "2 of 3 tokens carry loss" in image["alt_text"]
    assert count(ada, channel, ts, "Preflight is") == 0, "no living card"
    assert services.threads.topic({"channel": channel, "thread_ts": ts}).job_id is None, "the thread is about the run"
    ada.press(channel, card["ts"], "approval_approve")
    ada.wait_for_text(channel, ts, "Approved")


def test_a_failed_one_refuses_the_approval_with_its_reason(
    worker: None, services: Services, ada: Person, channel: str
) -> None:
    ts, card = asked(ada, channel)
    end(services, until(lambda: sent_ahead(services, ts)), ok=False)
    reply = ada.wait_for_text(channel, ts, "Not ready: 8 rows could not be learned")
    assert "Use full." in text_of(reply)

    ada.press(channel, card["ts"], "approval_approve")

    ada.wait_for_ephemeral(channel, "preflight failed: 8 rows could not be learned")
    assert not [job for job in services.jobs.list(open_only=True) if job.origin.get("thread_ts") == ts]
    ada.press(channel, card["ts"], "approval_reject")
    ada.wait_for_text(channel, ts, "Rejected")


@pytest.mark.parametrize(("button", "told"), [("approval_approve", "Approved"), ("approval_reject", "Rejected")])
def test_once_people_have_decided_it_goes_without_a_word(
    worker: None, services: Services, ada: Person, channel: str, button: str, told: str
) -> None:
    ts, card = asked(ada, channel)
    job = until(lambda: sent_ahead(services, ts))
    ada.press(channel, card["ts"], button)
    ada.wait_for_text(channel, ts, told)
    until(lambda: services.jobs.get(job.id).status == JobStatus.CANCELLED)
    if button == "approval_approve":
        ada.wait_for_text(channel, ts, "waits for a worker")
    assert count(ada, channel, ts, "reflight") == 0


def test_without_a_worker_nothing_is_sent_ahead(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, _ = asked(ada, channel)
    assert sent_ahead(services, ts) is None


def test_people_may_ask_for_one(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, "preflight with lora, 2 epochs", thread_ts=ts)
    ada.wait_for_text(channel, ts, "Preflight waits for a worker")
    job = sent_ahead(services, ts)
    assert job and job.approval_id is None and job.spec["epochs"] == 2
    end(services, job, ok=True)
    ada.wait_for_text(channel, ts, "Ready: 1 of 1 checks hold")


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("preflight", "preflight_training"),
        ("please run a preflight with qlora", "preflight_training"),
        ("do a dry run on tiny-base", "preflight_training"),
        ("cancel preflight-1a2b", "cancel_job"),
        ("train on tiny-base", "request_training"),
    ],
)
def test_the_words_for_it(said: str, tool: str) -> None:
    command = parse(said)
    assert command and command.tool == tool
