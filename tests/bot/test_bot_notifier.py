"""Job events become one living card and single replies, whatever Slack and the process do meanwhile."""

from __future__ import annotations

import time

from slack_sdk import WebClient

from bot.buckets import Bucket
from bot.door import Door
from bot.notifier import Notifier
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.reading import text_of
from tests.bot.acts import CURVE, count, judged, labels, queued_job, step, take, trained, until
from trainer.jobs.lease import claim
from trainer.services import Services
from trainer.store.tables import Card
from trainer.types import JobStatus


def test_a_run_is_one_card_and_one_last_message(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, job = queued_job(services, ada, channel)
    lease = take(services, job)
    before = len(driver.calls("chat.update"))
    for number, loss in CURVE:
        step(lease, number, loss=loss, val_loss=loss + 0.1)
        time.sleep(0.3)
    running = ada.wait_for_text(channel, ts, "Training is running.*tokens/s")
    assert "█" in text_of(running) and labels(running) == ["Cancel"]
    model = trained(services, lease)
    final = ada.wait_for_text(channel, ts, "Training finished")
    assert labels(final) == ["Evaluate"] and model in text_of(final)
    card = until(lambda: _with(ada, channel, ts, "Training is done"))
    assert card["ts"] == running["ts"] and not labels(card)
    assert len(driver.calls("chat.update")) - before <= 6, "edits are gathered"
    picture = next(b for b in final["blocks"] if b["type"] == "image")
    assert "validation loss from 3.300 to 0.300" in picture["alt_text"]
    time.sleep(1.2)
    assert count(ada, channel, ts, "Training finished") == 1
    assert services.threads.topic({"channel": channel, "thread_ts": ts}).model_id == model
    with services.db.read() as session:
        assert session.get(Card, job.id).closed  # type: ignore[union-attr]


def test_an_evaluation_ends_in_its_card_with_a_picture(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    ts, job = queued_job(services, ada, channel)
    trained(services, take(services, job))
    done = ada.wait_for_text(channel, ts, "Training finished")
    ada.press(channel, done["ts"], "model_evaluate")
    evaluation = until(lambda: [j for j in services.jobs.list(open_only=True) if j.kind == "eval"])[0]
    ada.wait_for_text(channel, ts, "Evaluation waits for a worker")
    judged(services, take(services, evaluation), "PASS")
    card = ada.wait_for_text(channel, ts, "PASS – better")
    assert labels(card)[0] == "Promote…"
    assert {b["type"] for b in card["blocks"]} >= {"table", "image", "actions"}
    until(lambda: not labels(ada.message(channel, done["ts"])))


def test_failure_says_why_and_what_to_do(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, job = queued_job(services, ada, channel)
    lease = take(services, job)
    with lease.fenced() as session:
        error = {"code": "loss_not_finite", "message": "The loss became nan at step 3. <!channel> Lower it."}
        lease.finish(session, JobStatus.FAILED, error=error)
    final = ada.wait_for_text(channel, ts, "Training failed: The loss became nan")
    assert "What to do" in text_of(final) and "<!channel" not in text_of(final)


def test_a_lost_worker_and_a_resume_are_told_once(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, job = queued_job(services, ada, channel)
    take(services, job).release("crashed", "The trainer was killed by SIGKILL.", give_back_try=False)
    ada.wait_for_text(channel, ts, "worker was lost")
    again = claim(services.db, job.id, worker="second", lease_s=60)
    assert again
    again.event(
        "note", {"text": "Checkpoint ftckpt_1 (step 30) cannot be used: damaged.", "code": "checkpoint_damaged"}
    )
    again.event("note", {"text": "Resumed from step 20.", "code": "resumed"})
    ada.wait_for_text(channel, ts, "Resumed from step 20")
    ada.wait_for_text(channel, ts, "cannot be used")
    ada.wait_for_text(channel, ts, "attempt 2")
    trained(services, again)
    ada.wait_for_text(channel, ts, "Training finished")
    assert count(ada, channel, ts, "Resumed from step 20") == 1


def test_a_refused_edit_waits_and_the_last_state_wins(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, job = queued_job(services, ada, channel)
    lease = take(services, job)
    driver.fault("chat.update", "ratelimited", times=2, retry_after=1)
    step(lease, 10)
    time.sleep(0.8)
    trained(services, lease)
    until(lambda: _with(ada, channel, ts, "Training is done"))
    assert count(ada, channel, ts, "Training finished") == 1


def test_a_reply_whose_answer_was_lost_is_found_not_repeated(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, job = queued_job(services, ada, channel)
    lease = take(services, job)
    ada.wait_for_text(channel, ts, "Training started")
    driver.fault("chat.postMessage", "drop", perform=True, contains="finished")
    trained(services, lease)
    until(lambda: not bot.outbox.owes(job.id))
    time.sleep(1.0)
    assert count(ada, channel, ts, "Training finished") == 1


def test_slack_away_for_a_while_loses_nothing(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, job = queued_job(services, ada, channel)
    lease = take(services, job)
    driver.fault("chat.postMessage", "status", times=3, status=503)
    trained(services, lease)
    ada.wait_for_text(channel, ts, "Training finished", 15)
    assert count(ada, channel, ts, "Training finished") == 1


def test_a_second_bot_process_stands_by(bot: Door, services: Services) -> None:
    from trainer.jobs.reconcile import hold_lock

    assert not hold_lock(services.db, "notifier", "another process", 5)
    other = Notifier(bot)
    other.holder = "another process"
    other.start()
    time.sleep(1.2)
    other.stop()
    assert not other.shown


def test_a_bucket_gives_so_many_and_no_more() -> None:
    bucket = Bucket(per_minute=60, burst=3)
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    bucket.pause(5)
    assert not bucket.take()


def test_the_key_travels_in_the_metadata(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, job = queued_job(services, ada, channel)
    trained(services, take(services, job))
    ada.wait_for_text(channel, ts, "Training finished")
    client: WebClient = bot.client
    said = client.conversations_replies(channel=channel, ts=ts, include_all_metadata=True)
    keys = [(m.get("metadata") or {}).get("event_payload", {}).get("key") for m in said["messages"]]
    assert keys.count(f"job:{job.id}:final") == 1 and keys.count(f"job:{job.id}:card") == 1


def _with(ada: Person, channel: str, ts: str, words: str) -> dict | None:
    return next((m for m in ada.replies(channel, ts) if words in text_of(m)), None)
