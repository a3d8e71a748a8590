"""Values, presets and sweeps as people ask for them in a thread."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.driver import Person
from bot.sandbox.reading import text_of
from tests.bot.acts import count, drop, take, until
from trainer.jobs.sweep import TRIAL
from trainer.services import Services
from trainer.types import JobStatus

pytestmark = pytest.mark.usefixtures("bot")


def trial(rate: float, loss: float | None) -> dict[str, Any]:
    return {"values": {"learning_rate": rate}, "val_loss": loss, "note": "" if loss else "The loss became nan."}


def test_a_sweep_is_approved_watched_and_told(services: Services, ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, "@Tunesmith sweep lr=1e-4..1e-2 on tiny-base with 3 trials", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "Try several settings")
    said = text_of(card)
    assert "3 trials of lora" in said and "learning_rate from 0.0001 to 0.01" in said and "stay sealed" in said
    assert not services.jobs.list(open_only=True) or services.jobs.list()[0].kind != "sweep"
    ada.press(channel, card["ts"], "approval_approve")
    ada.wait_for_text(channel, ts, "Sweep waits for a worker")
    job = services.jobs.get(services.threads.topic({"channel": channel, "thread_ts": ts}).job_id or "")
    assert (job.kind, job.queue, job.spec["trials"]) == ("sweep", "gpu", 3)
    lease = take(services, job)
    trials = [trial(1e-3, 0.9), trial(5e-3, None), trial(2e-3, 0.5)]
    for one in trials:
        lease.event(TRIAL, one)
    result = {
        "best": {"learning_rate": 2e-3},
        "val_loss": 0.5,
        "trials": trials,
        "axes": [],
        "spec": {},
        "seconds": 3.0,
    }
    with lease.fenced() as session:
        lease.finish(session, JobStatus.SUCCEEDED, result=result)
    told = text_of(ada.wait_for_text(channel, ts, "The sweep is done"))
    assert told.index("0.5000  learning_rate 0.002") < told.index("0.9000") < told.index("failed")
    assert "train lr 0.002" in told and "test rows have not been touched" in told
    until(lambda: count(ada, channel, ts, "Sweep is done") == 1)


def test_what_a_sweep_cannot_vary_is_said(ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, "@Tunesmith sweep max_length=64,128", thread_ts=ts)
    assert "learning_rate" in text_of(ada.wait_for_text(channel, ts, "cannot be swept"))


def test_presets_and_advice_are_told_in_the_thread(ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, "@Tunesmith presets", thread_ts=ts)
    ada.wait_for_text(channel, ts, "guide-qlora")
    ada.say(channel, "@Tunesmith suggest hyperparameters for lora on tiny-base", thread_ts=ts)
    assert "early stopping" in text_of(ada.wait_for_text(channel, ts, "train lora_r="))


def test_a_preset_and_what_is_said_beside_it_reach_the_approval(services: Services, ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, "@Tunesmith train with dora preset careful, 2 epochs, at most 1 hour", thread_ts=ts)
    ada.wait_for_text(channel, ts, "Train a model")
    spec = services.approvals.pending()[-1].subject["spec"]
    assert (spec["use_dora"], spec["weight_decay"], spec["epochs"], spec["max_hours"]) == (True, 0.01, 2.0, 1.0)
