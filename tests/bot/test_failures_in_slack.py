"""Failures are browsed on one card, become examples by a click or in a modal, and the next version of the data."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands import parse
from bot.door import Door
from bot.sandbox.driver import Person, text_of
from tests.bot.acts import drop, labels, until
from tests.bot.test_bot_uploads import assert_harmless
from tests.failed import failed
from trainer.services import Services


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("show failures", "show_failures"),
        ("what went wrong?", "show_failures"),
        ("what did the model get wrong", "show_failures"),
        ("make the next version", "make_next_version"),
        ("show the evaluation", "show_evaluation"),
    ],
)
def test_what_people_say(said: str, tool: str) -> None:
    command = parse(said)
    assert command and command.tool == tool


def test_from_failures_to_the_next_version(
    bot: Door, services: Services, ada: Person, linus: Person, channel: str
) -> None:
    ts, _ = drop(ada, channel)
    origin = {"channel": channel, "thread_ts": ts}
    dataset = services.datasets.get(services.threads.topic(origin).dataset_id or "")
    failed(services, dataset, **origin)
    ada.say(channel, "what went wrong?", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "failures of")

    def shown() -> dict[str, Any]:
        return ada.message(channel, card["ts"])

    assert "1 of them the base has right" in text_of(card) and "All (5)" in " ".join(labels(card))
    assert "<!channel>" in text_of(card), "as words of the model, letter by letter"
    assert_harmless(card)
    ada.press(channel, card["ts"], "failure_cause_fields")
    until(lambda: "level: low for high" in text_of(shown()))
    assert "[-high-]{+low+}" in text_of(shown()) and "Next" not in labels(shown())
    ada.press(channel, card["ts"], "failure_cause_all")
    until(lambda: "1 of 5" in text_of(shown()))
    ada.press(channel, card["ts"], "failure_next")
    until(lambda: "2 of 5" in text_of(shown()) and "Back" in labels(shown()))

    linus.press(channel, card["ts"], "failure_keep")
    linus.wait_for_ephemeral(channel, "trainer role")
    ada.press(channel, card["ts"], "failure_keep")
    ada.wait_for_text(channel, ts, "sealed test row and stays one")
    ada.press(channel, card["ts"], "failure_write")
    view = ada.wait_for_view()
    assert "in other words" in text_of(view)
    ada.submit({"prompt": "Which level has a crash at night?", "answer": '{"kind": "bug", "level": "high"}'})
    ada.wait_for_text(channel, ts, "for the next version")
    until(lambda: "Make the next version (1)" in labels(shown()))

    ada.press(channel, card["ts"], "lessons_version")
    news = ada.wait_for_text(channel, ts, "learns from failures")
    assert "Is to mend" in text_of(news) and "1 × No JSON, where JSON is expected" not in text_of(news)
    ada.wait_for_text(channel, ts, "61 of 61 usable")
    newest = services.datasets.children(dataset.id)[-1]
    assert (newest.version, newest.change["kind"], len(newest.change["lessons"])) == (2, "lessons", 1)


def test_a_thread_is_about_the_model_whose_failures_are_looked_at(
    bot: Door, services: Services, ada: Person, linus: Person, channel: str
) -> None:
    ts, _ = drop(ada, channel)
    dataset = services.datasets.get(services.threads.topic({"channel": channel, "thread_ts": ts}).dataset_id or "")
    row = failed(services, dataset)
    new = ada.say(channel, f"<@U0TUNESMITH> what went wrong with {row.model_id}?")
    ada.wait_for_text(channel, new, "failures of")
    ada.say(channel, "make the next version", thread_ts=new)
    ada.wait_for_text(channel, new, "No lesson waits")
    linus.say(channel, "what went wrong?", thread_ts=new)
    linus.wait_for_text(channel, new, "need the trainer role to see")
