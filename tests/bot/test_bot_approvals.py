"""Buttons that decide: who may, who may not, once, and never by a forged value."""

from __future__ import annotations

import threading
import time

import pytest

from bot.door import Door
from bot.sandbox.cast import ADA, BEEP, BOT_USER_ID, GENERAL, GUS, LINUS, SAM
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.reading import text_of
from tests.bot.acts import asked, count, drop, judged, labels, queued_job, take, trained, until
from trainer.services import Services
from trainer.types import JobStatus


@pytest.fixture
def passed(bot: Door, services: Services, ada: Person, channel: str) -> tuple[str, str]:
    """A thread whose model was trained and passed the gate: (thread, model)."""
    ts, job = queued_job(services, ada, channel)
    model = trained(services, take(services, job))
    done = ada.wait_for_text(channel, ts, "Training finished")
    ada.press(channel, done["ts"], "model_evaluate")
    evaluation = until(lambda: [j for j in services.jobs.list(open_only=True) if j.model_id == model])[0]
    judged(services, take(services, evaluation), "PASS")
    ada.wait_for_text(channel, ts, "PASS – better")
    return ts, model


def test_approve_starts_one_job_and_the_card_shows_who(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    ts, card = asked(ada, channel)
    assert labels(card) == ["Approve", "Reject"]
    ada.press(channel, card["ts"], "approval_approve")
    decided = ada.wait_for_text(channel, ts, "Approved")
    assert decided["ts"] == card["ts"] and not labels(decided)
    assert f"<@{ADA}>" in text_of(decided)
    ada.wait_for_text(channel, ts, "waits for a worker")


def test_reject_starts_nothing(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, card = asked(ada, channel)
    before = len(services.jobs.list())
    ada.press(channel, card["ts"], "approval_reject")
    ada.wait_for_text(channel, ts, "Rejected")
    assert len(services.jobs.list()) == before


def test_without_the_role_a_click_changes_nothing(
    bot: Door, services: Services, ada: Person, linus: Person, channel: str
) -> None:
    _, card = asked(ada, channel)
    linus.press(channel, card["ts"], "approval_approve")
    linus.wait_for_ephemeral(channel, "need the trainer role")
    assert services.approvals.get(_value(card)).status == "pending"
    assert labels(ada.message(channel, card["ts"])) == ["Approve", "Reject"]


def test_a_double_click_is_one_job(bot: Door, services: Services, ada: Person, grace: Person, channel: str) -> None:
    _, card = asked(ada, channel)
    before = len(services.jobs.list())
    both = [threading.Thread(target=p.press, args=(channel, card["ts"], "approval_approve")) for p in (ada, grace)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    until(lambda: len(services.jobs.list()) == before + 1)
    time.sleep(0.3)
    assert len(services.jobs.list()) == before + 1


def test_a_second_click_on_a_decided_card_is_told_so(
    bot: Door, services: Services, ada: Person, grace: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, card = asked(ada, channel)
    ada.press(channel, card["ts"], "approval_approve")
    ada.wait_for_text(channel, ts, "Approved")
    before = len(services.jobs.list())
    driver.click_forged(grace.id, "approval_approve", _value(card), channel=channel, ts=card["ts"])
    grace.wait_for_ephemeral(channel, "already approved")
    assert len(services.jobs.list()) == before


def test_forged_values_open_nothing(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    _, card = asked(ada, channel)
    for value in ("appr-nothing", "", "x" * 5000, "'; DROP TABLE approvals; --"):
        driver.click_forged(ADA, "approval_approve", value, channel=channel, ts=card["ts"])
    driver.click_forged(ADA, "approval_approve", _value(card), channel=GENERAL)
    time.sleep(0.7)
    assert services.approvals.get(_value(card)).status == "pending"


@pytest.mark.parametrize("user", [SAM, GUS, BEEP, BOT_USER_ID, LINUS, "U0NOBODY1", ""])
def test_who_may_not_click(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str, user: str
) -> None:
    _, card = asked(ada, channel)
    forged = {"user": {"id": user, "team_id": "T0SANDBOX"}}
    driver.click_forged(ADA, "approval_approve", _value(card), channel=channel, ts=card["ts"], payload=forged)
    time.sleep(0.4)
    assert services.approvals.get(_value(card)).status == "pending"


def test_the_requester_may_not_approve_their_own_promotion(
    bot: Door, services: Services, ada: Person, grace: Person, passed: tuple[str, str], channel: str
) -> None:
    ts, _ = passed
    grace.say(channel, "@Tunesmith promote to own-alias", thread_ts=ts)
    card = grace.wait_for_text(channel, ts, "Promote a model")
    grace.press(channel, card["ts"], "approval_approve")
    grace.wait_for_ephemeral(channel, "asked for this yourself")
    ada.press(channel, card["ts"], "approval_approve")
    ada.wait_for_ephemeral(channel, "need the approver role")
    assert services.aliases.find("own-alias") is None


def test_promote_by_modal_then_a_second_person_then_roll_back(
    bot: Door, services: Services, ada: Person, grace: Person, passed: tuple[str, str], channel: str
) -> None:
    ts, model = passed
    verdict = ada.wait_for_text(channel, ts, "PASS – better")
    ada.press(channel, verdict["ts"], "model_promote")
    view = ada.wait_for_view()
    assert view["callback_id"] == "promote_alias"
    assert ada.submit({"alias_name": "Not An Alias!"})["response_action"] == "errors"
    ada.submit({"alias_name": "tickets"})
    card = ada.wait_for_text(channel, ts, "Promote a model")
    assert "PASS" in text_of(card)
    grace.press(channel, card["ts"], "approval_approve")
    grace.wait_for_text(channel, ts, "now answers with")
    assert services.aliases.get("tickets").model_id == model
    ada.say(channel, "roll back tickets", thread_ts=ts)
    back = ada.wait_for_text(channel, ts, "Roll back an alias")
    grace.press(channel, back["ts"], "approval_approve")
    until(lambda: services.aliases.get("tickets").model_id == "tiny-base")


def test_a_refused_model_cannot_be_promoted(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, job = queued_job(services, ada, channel)
    trained(services, take(services, job))
    ada.wait_for_text(channel, ts, "Training finished")
    ada.say(channel, "evaluate", thread_ts=ts)
    evaluation = until(lambda: [j for j in services.jobs.list(open_only=True) if j.kind == "eval"])[0]
    judged(services, take(services, evaluation), "FAIL", "forgot")
    refused = ada.wait_for_text(channel, ts, "FAIL – it must not be promoted")
    assert labels(refused)[0] == "Train again with replay"
    ada.say(channel, "promote to tickets2", thread_ts=ts)
    ada.wait_for_text(channel, ts, "gate said FAIL")
    ada.press(channel, refused["ts"], "model_retrain")
    again = ada.wait_for_text(channel, ts, "replay 100")
    assert "Approve" in labels(again)


def test_an_unknown_base_is_refused(bot: Door, ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, "train on gpt-9000", thread_ts=ts)
    ada.wait_for_text(channel, ts, "don't know a base model called .gpt-9000")
    assert count(ada, channel, ts, "Train a model") == 0


def test_split_and_estimate_answer_in_the_thread(bot: Door, ada: Person, channel: str) -> None:
    ts, card = drop(ada, channel)
    ada.press(channel, card["ts"], "dataset_split")
    ada.wait_for_view()
    ada.submit({})
    ada.wait_for_text(channel, ts, "sealed")
    ada.press(channel, card["ts"], "dataset_estimate")
    ada.wait_for_text(channel, ts, "of memory")


def test_cancel_on_the_card_cancels(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, job = queued_job(services, ada, channel)
    card = ada.wait_for_text(channel, ts, "waits for a worker")
    ada.press(channel, card["ts"], "job_cancel")
    ada.wait_for_text(channel, ts, f"was cancelled by <@{ADA}>")
    assert services.jobs.get(job.id).status == JobStatus.CANCELLED


def _value(card: dict) -> str:
    return next(e["value"] for b in card["blocks"] if b["type"] == "actions" for e in b["elements"])
