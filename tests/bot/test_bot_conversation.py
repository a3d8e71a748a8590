"""Words in, answers out: mentions, DMs, threads."""

from __future__ import annotations

from bot.door import Door
from bot.sandbox.cast import BOT_USER_ID
from bot.sandbox.driver import Person, buttons_of


def test_a_mention_is_answered_in_its_thread(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith help")
    answer = ada.wait_for_text(channel, ts, "Drop a JSONL file")
    assert "commands only" in str(answer["blocks"][0])


def test_a_reply_in_a_known_thread_needs_no_mention(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith models")
    ada.wait_for_text(channel, ts, "Bases: tiny-base")
    ada.say(channel, "jobs", thread_ts=ts)
    ada.wait_for_text(channel, ts, "There are no jobs yet")


def test_a_direct_message_is_answered(bot: Door, ada: Person) -> None:
    ts = ada.say(BOT_USER_ID, "jobs")
    ada.wait_for_text(BOT_USER_ID, ts, "There are no jobs yet")


def test_upload_train_approve(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.upload(channel, "examples/tickets.jsonl")
    report = ada.wait_for_text(channel, ts, "rows can be used")
    assert {b["action_id"] for b in buttons_of(report)} >= {"dataset_train", "dataset_split"}
    ada.press(channel, report["ts"], "dataset_train")
    asked = ada.wait_for_text(channel, ts, "Train a model")
    ada.press(channel, asked["ts"], "approval_approve")
    ada.wait_for_text(channel, ts, "Approved")
    ada.wait_for_text(channel, ts, "waits for a worker")
