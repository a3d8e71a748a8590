"""Words in, answers out: mentions, DMs, threads, slash commands; each message once, none lost."""

from __future__ import annotations

import time

from bot.door import Door
from bot.sandbox.cast import BEEP, BOT_USER_ID, FINE_TUNING, GUS, PARTNERS, SAM
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.reading import text_of
from tests.bot.acts import Patient, count, until


def test_a_mention_is_answered_in_its_thread(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith help")
    answer = ada.wait_for_text(channel, ts, "Drop a data file")
    assert answer["thread_ts"] == ts


def test_the_grammar_says_once_per_thread_that_it_stands_in(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith jobs")
    ada.wait_for_text(channel, ts, "No language model is configured")
    ada.say(channel, "models", thread_ts=ts)
    ada.wait_for_text(channel, ts, "Bases: ")
    assert count(ada, channel, ts, "No language model is configured") == 1


def test_a_reply_in_a_known_thread_needs_no_mention(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith models")
    ada.wait_for_text(channel, ts, "Bases: tiny-base")
    ada.say(channel, "what can you do?", thread_ts=ts)
    ada.wait_for_text(channel, ts, "Drop a data file")


def test_talk_among_colleagues_is_left_alone(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "lunch?")
    ada.say(channel, "yes, help yourself", thread_ts=ts)
    time.sleep(0.5)
    assert len(ada.replies(channel, ts)) == 2


def test_a_colleague_spoken_to_in_our_thread_is_not_us(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith models")
    ada.wait_for_text(channel, ts, "Bases: ")
    ada.say(channel, "@Grace what do you think?", thread_ts=ts)
    ada.say(channel, "status", thread_ts=ts)
    ada.wait_for_text(channel, ts, "no job of yours|ftjob")
    assert count(ada, channel, ts, "did not understand") == 0


def test_a_direct_message_is_answered(bot: Door, ada: Person) -> None:
    ts = ada.say(BOT_USER_ID, "models")
    ada.wait_for_text(BOT_USER_ID, ts, "Bases: tiny-base")


def test_a_redelivered_event_is_answered_once(bot: Door, ada: Person, driver: SandboxDriver, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith models")
    ada.wait_for_text(channel, ts, "Bases: ")
    driver.redeliver(type="message")
    driver.redeliver(type="app_mention")
    time.sleep(2.6)  # longer than a mention waits for its message
    assert count(ada, channel, ts, "Bases: ") == 1


def test_a_mention_alone_is_answered_too(bot: Door, ada: Person, driver: SandboxDriver, channel: str) -> None:
    """Where the app may not read the channel, only app_mention arrives."""
    scopes = driver.look()["settings"]["scopes"]
    driver.settings(scopes=[s for s in scopes if s != "channels:history"])
    try:
        ts = ada.say(channel, "@Tunesmith models")
        ada.wait_for_text(channel, ts, "Bases: ")
    finally:
        driver.settings(scopes=scopes)


def test_messages_of_one_thread_are_answered_in_order_and_all(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith models")
    for text in ("help", "jobs", "roll back nothing-here", "models"):
        ada.say(channel, text, thread_ts=ts)
        time.sleep(0.03)
    until(lambda: len(ada.replies(channel, ts)) == 10)
    own = [text_of(m) for m in ada.replies(channel, ts) if m["user"] == BOT_USER_ID]
    wanted = ("Bases: ", "Drop a data file", "jobs", "no alias", "Bases: ")
    assert all(part in said for part, said in zip(wanted, own, strict=True)), own


def test_a_reply_that_overtakes_its_threads_first_message_is_answered(bot: Door, ada: Person, channel: str) -> None:
    first = ada.say(channel, "no mention yet")
    ada.say(channel, "jobs", thread_ts=first)
    bot.services.threads.link({"channel": channel, "thread_ts": first})  # as the late first message would
    ada.wait_for_text(channel, first, "no jobs|ftjob")


def test_bots_and_strangers_get_no_answer(bot: Door, driver: SandboxDriver) -> None:
    beep = driver.as_person(BEEP).say(FINE_TUNING, "@Tunesmith help")
    sam = driver.as_person(SAM).say(PARTNERS, "@Tunesmith help")
    time.sleep(1.0)
    assert len(driver.as_person(BEEP).replies(FINE_TUNING, beep)) == 1
    assert len(driver.as_person(SAM).replies(PARTNERS, sam)) == 1
    assert not driver.as_person(SAM).ephemerals(PARTNERS)


def test_a_guest_is_told_kindly_and_alone(bot: Door, driver: SandboxDriver) -> None:
    gus = Patient(driver, GUS)
    ts = gus.say(FINE_TUNING, "@Tunesmith help")
    gus.wait_for_ephemeral(FINE_TUNING, "full members")
    assert len(gus.replies(FINE_TUNING, ts)) == 1


def test_nobody_is_let_in_when_slack_does_not_say_who_they_are(
    bot: Door, linus: Person, driver: SandboxDriver, channel: str
) -> None:
    bot.guard._people.clear()
    driver.fault("users.info", "error", times=3, error="internal_error")
    linus.say(channel, "@Tunesmith models")
    linus.wait_for_ephemeral(channel, "look up who you are")
    driver.clear_faults()


def test_unknown_words_get_a_hint(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith make me a sandwich")
    ada.wait_for_text(channel, ts, "did not understand")


def test_advice_comes_as_a_card(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.say(channel, "@Tunesmith should we fine-tune for strict JSON? We have 400 examples.")
    card = ada.wait_for_text(channel, ts, "What next")
    assert any(block["type"] == "table" for block in card["blocks"])


def test_slash_questions_are_answered_to_the_asker_alone(bot: Door, ada: Person, channel: str) -> None:
    before = len(ada.messages(channel))
    ada.command("/tune", "models", channel)
    ada.wait_for_ephemeral(channel, "Bases: tiny-base")
    ada.command("/tune", "", channel)
    ada.wait_for_ephemeral(channel, "Drop a data file")
    assert len(ada.messages(channel)) == before


def test_slash_wishes_get_a_thread_that_all_can_see(bot: Door, ada: Person, channel: str) -> None:
    ada.command("/tune", "train on tiny-base", channel)
    root = ada.wait_for_text(channel, None, "asked: .*train on tiny-base")
    ada.wait_for_text(channel, root["ts"], "don't see a dataset")


def test_a_slow_slack_answer_is_repeated_not_doubled(
    bot: Door, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    driver.fault("chat.postMessage", "drop", perform=True)
    ts = ada.say(channel, "@Tunesmith models")
    ada.wait_for_text(channel, ts, "Bases: ")
    bot.outbox.settle()
    time.sleep(0.5)
    assert count(ada, channel, ts, "Bases: ") == 1


def test_a_dropped_connection_comes_back(bot: Door, ada: Person, driver: SandboxDriver, channel: str) -> None:
    driver.disconnect(abrupt=True)
    ts = ada.say(channel, "@Tunesmith models")
    ada.wait_for_text(channel, ts, "Bases: ", 30)
