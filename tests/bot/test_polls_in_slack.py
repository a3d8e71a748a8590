"""People vote blind in Slack: sealed until enough have voted, each in an order of their own, and nobody else's."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

from bot.commands import parse
from bot.door import Door
from bot.listeners.actions import poll as listener
from bot.sandbox.cast import ADA, BEEP, FINE_TUNING, GENERAL, GUS, LINUS, SAM
from bot.sandbox.driver import Person, SandboxDriver, text_of
from tests.bot.acts import labels, until
from tests.bot.test_bot_uploads import assert_harmless
from tests.evaluated import answered, evaluated
from trainer.services import Services
from trainer.store.tables import Poll

SAID: list[tuple[str, str, dict[str, Any]]] = [
    ("vote on it", "ask_people", {}),
    ("let people vote", "ask_people", {}),
    ("compare it blind, please", "ask_people", {}),
    ("rate it", "ask_people", {"kind": "rating"}),
    ("start a blind vote on 8 questions with 2 voters", "ask_people", {"items": 8, "voters": 2}),
    ("ask 3 people about 5 answers", "ask_people", {"items": 5, "voters": 3}),
    ("blind vote against the alias", "ask_people", {"against": "holder"}),
    ("vote on eval-AbC123", "ask_people", {"model": "eval-AbC123"}),
    ("what did people say?", "show_votes", {}),
    ("show the votes", "show_votes", {}),
    ("compare", "evaluate_model", {}),
]


@pytest.mark.parametrize(("said", "tool", "arguments"), SAID)
def test_what_people_say(said: str, tool: str, arguments: dict[str, Any]) -> None:
    command = parse(said)
    assert command and (command.tool, command.arguments) == (tool, arguments)


class Asked:
    """A poll in a thread, and how somebody votes on it."""

    def __init__(self, services: Services, person: Person, wish: str, kept: list[Any] | None = None) -> None:
        self.services = services
        self.ts = person.say(FINE_TUNING, "What do you think of it?")
        self.evaluation = evaluated(services, kept, channel=FINE_TUNING, thread_ts=self.ts)
        person.say(FINE_TUNING, wish, thread_ts=self.ts)
        self.card = person.wait_for_text(FINE_TUNING, self.ts, "voters?\\* so far")

    @property
    def poll(self) -> Poll:
        return self.services.polls.of(self.evaluation.id)[0]

    def press(self, person: Person) -> dict[str, Any]:
        person.press(FINE_TUNING, self.card["ts"], "poll_vote")
        return person.wait_for_view()

    def shown(self, person: Person) -> str:
        return text_of(person.message(FINE_TUNING, self.card["ts"]))

    def vote(self, person: Person, wanted: str = "tuned", said: str = "") -> None:
        """Answer everything in favour of one side: `tuned`, `base` or `tie`."""
        view = self.press(person)
        while view.get("submit"):
            choice = "tie" if wanted == "tie" else side_of(view, wanted)
            person.submit({"choice": choice, "said": said or None})
            view = person.view() or {}
        assert "Thank you" in text_of(view)
        person.close()


def side_of(view: dict[str, Any], who: str) -> str:
    """Behind which letter the answers of `tuned` or of `base` stand in a ballot."""
    text = text_of(view["blocks"])
    return "A" if text.index(f"{who} says") < text.index("tuned says" if who == "base" else "base says") else "B"


def question_of(view: dict[str, Any]) -> str:
    found = re.search(r"ticket (\d+)", text_of(view["blocks"]))
    return found[1] if found else ""


def sealed(text: str) -> bool:
    return not re.search(r"prefer|α|agree|won \d|wins|Votes:", text)


def test_sealed_until_enough_have_voted_then_the_card_shows_the_result(
    bot: Door, services: Services, ada: Person, grace: Person, linus: Person, channel: str
) -> None:
    asked = Asked(services, ada, "blind vote on 4 questions with 2 voters")
    assert labels(asked.card) == ["Vote"] and "6 of 8 test questions whose answers differ" in asked.shown(ada)
    assert "*0 of 2 voters* so far" in asked.shown(ada)

    asked.vote(linus, "tuned")  # may neither train nor approve: a full member's vote counts
    until(lambda: "*1 of 2 voters* so far" in asked.shown(ada))
    ada.say(channel, "show votes", thread_ts=asked.ts)
    answer = ada.wait_for_text(channel, asked.ts, "votes are sealed")
    assert sealed(asked.shown(ada)) and sealed(text_of(answer)) and not services.polls.labels(asked.evaluation.id)

    asked.vote(grace, "tuned")
    until(lambda: "won 4 of 4" in asked.shown(ada))
    told = asked.shown(ada)
    assert "100.0 % (51.0–100.0), p = 0.125" in told and "8 for the candidate, 0 for the base" in told  # 2 ** -3
    assert (
        "no clear difference" in told
        and "blind vote on 2 questions" in told
        and "grace" not in told
        and not labels(ada.message(channel, asked.card["ts"]))
    )
    found = services.polls.labels(asked.evaluation.id)
    assert {label.voter for label in found} == {LINUS, grace.id} and {label.choice for label in found} == {"candidate"}
    people = services.polls.people_of(asked.evaluation.id)
    assert people and (people.wins, people.votes, people.sealed) == (4, 8, False)


def test_the_order_differs_between_voters_and_stays_for_each(
    bot: Door, services: Services, ada: Person, linus: Person
) -> None:
    kept = [answered(n, f"tuned says {n}", f"base says {n}") for n in range(20)]
    asked = Asked(services, ada, "blind vote on 20 questions with 9 voters", kept)

    def orders(person: Person, most: int = 20) -> list[str]:
        view, seen = asked.press(person), []
        while view.get("submit") and len(seen) < most:
            seen.append(question_of(view) + side_of(view, "tuned"))
            assert '"candidate"' not in json.dumps(view) and '"base"' not in json.dumps(view)
            person.submit({"choice": "tie"})
            view = person.view() or {}
        person.close()
        return seen

    first, other = orders(ada), orders(linus)
    assert [one[:-1] for one in first] == [one[:-1] for one in other]  # the same questions, in the same sequence
    assert first != other and {one[-1] for one in first} == {"A", "B"}
    assert orders(ada, 4) == first[:4]  # again, to change her votes


def test_a_vote_can_be_changed_until_it_is_unsealed(
    bot: Door, services: Services, ada: Person, grace: Person, linus: Person, channel: str
) -> None:
    asked = Asked(services, ada, "blind vote on 3 questions with 2 voters")
    asked.vote(ada, "tuned", said="It is about the printer.")
    view = asked.press(ada)
    assert "You voted on it before" in text_of(view["blocks"]) and "It is about the printer." in json.dumps(view)
    ada.close()
    asked.vote(ada, "base")  # the correction stands in the form, and stays
    assert [vote.choice for vote in services.polls.mine(asked.poll, ADA).values()] == ["other"] * 3
    corrections = services.polls.corrections(asked.poll.id)
    assert {c.said for c in corrections} == {"It is about the printer."} and len(corrections) == 3

    late = asked.press(linus)  # opened before the end, sent after it
    asked.vote(grace, "base")
    until(lambda: "won 0 of 3" in asked.shown(ada))
    assert linus.submit({"choice": side_of(late, "tuned")})["response_action"] == "update"
    assert "This vote is over" in text_of(linus.view())
    assert not services.polls.mine(asked.poll, LINUS)


def test_somebody_who_stops_goes_on_where_they_were(bot: Door, services: Services, ada: Person, grace: Person) -> None:
    asked = Asked(services, ada, "blind vote on 3 questions")
    view = asked.press(ada)
    assert view["title"]["text"] == "Vote 1 of 3" and view["submit"]["text"] == "Next"
    ada.submit({"choice": "tie"})
    ada.close()
    assert asked.press(ada)["title"]["text"] == "Vote 2 of 3"
    assert "*0 of 5 voters* so far" in asked.shown(ada)


@pytest.mark.parametrize("user", [SAM, GUS, BEEP, "U0NOBODY1"])
def test_who_may_not_vote(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str, user: str
) -> None:
    asked = Asked(services, ada, "blind vote with 1 voter")
    view = asked.press(ada)
    state = {"values": {"choice0": {"choice": {"selected_option": {"value": "A"}}}, "said0": {"said": {"value": None}}}}
    sent = {"type": "view_submission", "user": {"id": user, "team_id": "T0SANDBOX"}, "view": view | {"state": state}}
    ack = driver.click_forged(ADA, "x", channel=channel, payload=sent)
    assert "response_action" not in ack or "Not counted" in json.dumps(ack)
    assert not services.polls.mine(asked.poll, user) and services.polls.get(asked.poll.id).closed_at is None


def test_a_poll_is_not_carried_to_another_channel_nor_has_it_other_questions(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    asked = Asked(services, ada, "blind vote with 1 voter")
    view = asked.press(ada)
    kept = json.loads(view["private_metadata"])
    for change, what in (({"channel": GENERAL}, "no such vote here"), ({"item": 99}, "no such question")):
        number = change.get("item", 0)
        values = {
            f"choice{number}": {"choice": {"selected_option": {"value": "A"}}},
            f"said{number}": {"said": {"value": ""}},
        }
        forged = view | {"private_metadata": json.dumps(kept | change), "state": {"values": values}}
        sent = {"type": "view_submission", "view": forged}
        assert what in json.dumps(driver.click_forged(ADA, "x", channel=channel, payload=sent))
    driver.click_forged(ADA, "poll_vote", "poll-nothing", channel=channel, ts=asked.card["ts"])
    ada.wait_for_ephemeral(channel, "There is no vote")
    assert not services.polls.mine(asked.poll, ADA)


def test_two_last_votes_at_the_same_moment_unseal_it_once(
    bot: Door, services: Services, ada: Person, grace: Person
) -> None:
    asked = Asked(services, ada, "blind vote on 1 question with 2 voters")
    views = {person: asked.press(person) for person in (ada, grace)}
    threads = [
        threading.Thread(target=person.submit, args=({"choice": side_of(view, "tuned")},))
        for person, view in views.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: "won 1 of 1" in asked.shown(ada))
    assert sum("Yours was the last vote" in text_of(person.view()) for person in views) == 1


def test_a_card_that_was_not_drawn_is_drawn_after_a_restart(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver
) -> None:
    asked = Asked(services, ada, "blind vote on 1 question with 2 voters")
    driver.fault("chat.update", "error", error="internal_error")
    asked.vote(ada)
    until(lambda: [c for c in driver.calls("chat.update") if c["arguments"].get("ts") == asked.card["ts"]])
    assert "*0 of 2 voters* so far" in asked.shown(ada) and services.polls.unsettled()
    listener.catch_up(bot)
    until(lambda: "*1 of 2 voters* so far" in asked.shown(ada))
    until(lambda: not services.polls.unsettled())


def test_ratings_from_0_to_10(bot: Door, services: Services, ada: Person, grace: Person) -> None:
    asked = Asked(services, ada, "rate it: 2 questions, 2 voters")
    for person, (mine, theirs) in ((ada, (9, 2)), (grace, (8, 3))):
        view = asked.press(person)
        for number in range(2):
            a, b = (mine, theirs) if side_of(view, "tuned") == "A" else (theirs, mine)
            person.submit({f"A{number}": {"mark": str(a)}, f"B{number}": {"mark": str(b)}})
            view = person.view() or {}
        assert "Thank you" in text_of(view)
    until(lambda: "Mean rating, 0 to 10: the candidate 8.5, the base 2.5" in asked.shown(ada))
    assert "won 2 of 2" in asked.shown(ada) and "α = 0.9" in asked.shown(ada)


def test_words_of_models_call_nobody_and_long_answers_show_where_they_differ(
    bot: Door, services: Services, ada: Person
) -> None:
    same = "word " * 1000
    asked = Asked(services, ada, "vote", [answered(0, f"{same}tuned says", f"{same}base says <!here> {same}")])
    view = asked.press(ada)
    text = text_of(view["blocks"])
    assert "tuned says" in text and "base says" in text and "of 10," in text  # of 10,0xx characters
    for block in view["blocks"]:
        if block["type"] in ("section", "context"):
            assert_harmless({"text": "", "blocks": [block]})


def test_what_cannot_be_asked_is_told(bot: Door, services: Services, ada: Person, linus: Person, channel: str) -> None:
    ts = ada.say(channel, "Shall we ask people?")
    same = evaluated(services, [answered(0, "a", "a ")], channel=channel, thread_ts=ts)
    ada.say(channel, "blind vote", thread_ts=ts)
    ada.wait_for_text(channel, ts, "On all 1 test questions the candidate and the base answer the same")
    linus.say(channel, "blind vote", thread_ts=ts)
    linus.wait_for_text(channel, ts, "need the trainer role")
    ada.say(channel, "blind vote against the holder", thread_ts=ts)
    ada.wait_for_text(channel, ts, "no answers of “holder”")
    ada.say(channel, f"blind vote on {same.id} with 101 voters", thread_ts=ts)
    ada.wait_for_text(channel, ts, "101 voters is not possible")
    assert not services.polls.of(same.id)


def test_the_button_asks_how_people_are_asked(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts = ada.say(channel, "Here is an evaluation.")
    row = evaluated(services, channel=channel, thread_ts=ts)
    place = {"container": {"type": "message", "message_ts": ts, "channel_id": channel, "thread_ts": ts}}
    driver.click_forged(ADA, "people_ask", row.id, channel=channel, ts=ts, payload=place)
    ada.wait_for_view()
    assert ada.submit({"items": "0"})["response_action"] == "errors"
    ada.submit({"kind": "rating", "items": "2", "voters": "3"})
    card = ada.wait_for_text(channel, ts, "so far")
    assert "*0 of 3 voters* so far" in text_of(card) and "0 to 10" in text_of(card)
    poll = services.polls.of(row.id)[0]
    assert (poll.kind, len(poll.items), poll.needed, poll.against) == ("rating", 2, 3, "base")
