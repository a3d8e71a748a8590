"""Asking people at a terminal, and what the engine room keeps of their votes."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.evaluated import answered, evaluated, rows
from tests.tools.test_cli import Terminal
from tools import poll_words, polls
from tools.context import TRAINER, Caller, Context
from tools.toolbox import TOOLBOX
from trainer.errors import BadInput, Conflict, Forbidden, NotFound
from trainer.services import Services, build_services
from trainer.settings import load_settings
from trainer.store.tables import Poll, Vote


def person(services: Services, user: str, channel: str = "C0HERE", roles: frozenset[str] = frozenset()) -> Context:
    return Context(Caller(user, user, roles, "local", {"channel": channel, "thread_ts": "1.0"}), services)


@pytest.fixture
def ada(services: Services) -> Context:
    return person(services, "U0ADA", roles=frozenset({TRAINER}))


def everything(context: Context, poll: Poll, wanted: str) -> None:
    """Vote on every question for the answers that say `wanted`."""
    for number in range(len(poll.items)):
        shown = polls.question(context, poll, number)
        polls.cast(context, poll, number, "A" if wanted in shown.a else "B")


def test_who_asks_is_a_trainer_and_who_asks_twice_asks_once(services: Services, ada: Context) -> None:
    row = evaluated(services)
    with pytest.raises(Forbidden, match="trainer role"):
        polls.ask(person(services, "U0LINUS"), row.id)
    made = polls.ask(ada, row.id, items=3)
    assert polls.ask(ada, row.id, items=3).id == made.id
    assert polls.ask(ada, row.id, kind="rating").id != made.id
    assert polls.ask(ada, row.model_id, against="base", items=3).id == made.id  # by its model


def test_nothing_tells_how_votes_stand_before_enough_have_voted(services: Services, ada: Context) -> None:
    row = evaluated(services)
    poll = polls.ask(ada, row.id, items=4, needed=2)
    everything(ada, poll, "tuned says")
    made = polls.standing(services, poll)
    people = services.polls.people_of(row.id)
    assert made.people is None and "1 of 2 voters" in poll_words.poll(made)
    assert people and people.sealed and (people.wins, people.votes, people.voters) == (0, 0, 1)
    assert not services.polls.labels(row.id) and "sealed" in poll_words.people(ada, row)


def test_an_unsealed_poll_takes_no_vote_and_is_what_judges_are_held_against(services: Services, ada: Context) -> None:
    row = evaluated(services)
    poll = polls.ask(ada, row.id, items=6, needed=2)
    everything(ada, poll, "tuned says")
    everything(person(services, "U0GRACE"), poll, "base says")
    with pytest.raises(Conflict, match="This vote is over"):
        polls.cast(person(services, "U0LINUS"), poll, 0, "A")
    people = services.polls.people_of(row.id)
    assert people and not people.sealed and (people.ties, people.for_it, people.against_it) == (6, 6, 6)
    assert people.share is None and people.alpha is not None and people.alpha < 0
    labels = services.polls.labels(row.id)
    assert len(labels) == 12 and {(x.voter, x.choice) for x in labels} == {("U0ADA", "candidate"), ("U0GRACE", "other")}
    assert {label.case_id for label in labels} == {item["case_id"] for item in poll.items}


def test_another_poll_asks_the_next_questions_and_adds_to_the_first(services: Services, ada: Context) -> None:
    row = evaluated(services)
    for number in (1, 2):
        everything(ada, polls.ask(ada, row.id, items=3, needed=1), "tuned says")
        people = services.polls.people_of(row.id)
        assert people and (people.polls, people.voters, people.wins) == (number, 1, 3 * number)


def test_when_all_were_asked_it_adds_voters_and_the_last_word_of_each_counts(services: Services, ada: Context) -> None:
    row = evaluated(services)
    first = polls.ask(ada, row.id, items=6, needed=1)
    everything(ada, first, "base says")
    again = polls.ask(ada, row.id, items=6, needed=2)
    assert again.id != first.id and again.items == first.items
    everything(ada, again, "tuned says")
    everything(person(services, "U0GRACE"), again, "tuned says")
    people = services.polls.people_of(row.id)
    assert people and (people.polls, people.voters, people.votes, people.wins) == (2, 2, 12, 6)


def test_last_votes_side_by_side_unseal_once_on_either_database(any_services: Services) -> None:
    services = any_services
    poll = services.polls.open(
        "eval-x", [("test", "1")], kind="pairwise", against="base", needed=4, by="U0ADA", origin={}
    )
    unsealed: list[bool] = []

    def vote(voter: str) -> None:
        how: dict[str, Any] = {"choice": "tie", "first": "base", "ratings": {}}
        unsealed.append(services.polls.cast(poll.id, 0, voter=voter, **how))

    threads = [threading.Thread(target=vote, args=(f"U0{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(unsealed) == [False, False, False, True]
    assert services.polls.get(poll.id).closed_at and services.polls.finished(poll) == 4


@pytest.mark.parametrize(
    ("said", "kind"), [("C", "pairwise"), ("candidate", "pairwise"), ((11, 3), "rating"), ("A", "rating")]
)
def test_nonsense_is_no_vote(services: Services, ada: Context, said: Any, kind: str) -> None:
    poll = polls.ask(ada, evaluated(services).id, kind=kind)
    with pytest.raises(BadInput):
        polls.cast(ada, poll, 0, said)
    with pytest.raises(BadInput, match="no such question"):
        polls.cast(ada, poll, 6, "A")
    assert not services.polls.mine(poll, "U0ADA")


def test_what_cannot_be_asked_about(services: Services, ada: Context) -> None:
    other = evaluated(services, [answered(0, "x", "y", holder="z")])
    with pytest.raises(BadInput, match="It has answers of: base, holder"):
        polls.ask(ada, other.id, against="gpt-5")
    assert polls.ask(ada, other.id, against="holder").against == "holder"
    with pytest.raises(Conflict, match="answer the same"):
        polls.ask(ada, evaluated(services, [answered(0, "x", "x")]).id)
    with pytest.raises(BadInput, match="from 1 to 100"):
        polls.ask(ada, other.id, items=101)
    with pytest.raises(NotFound):
        polls.find(person(services, "U0ADA", channel="C0OTHER"), services.polls.of(other.id)[0].id)


def test_no_tool_of_the_agent_votes() -> None:
    assert {"ask_people", "show_votes"} <= {tool.name for tool in TOOLBOX}
    assert not [tool.name for tool in TOOLBOX if "cast" in tool.name]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "home")


def test_a_vote_at_a_terminal_is_sealed_until_it_is_done(terminal: Terminal, tmp_path: Path) -> None:
    with build_services(load_settings(home=tmp_path / "home"), migrate=True) as services:
        row = evaluated(services, rows(3, 1))
    asked = terminal.quick("votes", "ask", row.id, "--voters", "1")
    assert asked["sealed"] and (asked["questions"], asked["rows"], asked["equal"]) == (3, 4, 1)
    shown = terminal.quick("votes", "show", asked["id"])
    assert shown == asked and not {"wins", "votes", "p"} & set(shown)
    paper = terminal.quick("votes", "cast", asked["id"])
    assert "candidate" not in json.dumps(paper)
    letters = ["A" if "tuned says" in q["a"] else "B" for q in paper["questions"]]
    wrong = [w for one in ["A"] * (asked["questions"] - 1) + ["C"] for w in ("--choice", one)]
    terminal.quick("votes", "cast", asked["id"], *wrong, code=2)
    with build_services(load_settings(home=tmp_path / "home")) as services, services.db.read() as session:
        assert not session.query(Vote).count(), "all of them or none"
    refused = terminal.quick("votes", "cast", asked["id"], "--choice", "A", code=2)
    assert "1 answers to 3 questions" in refused["error"]["message"]
    done = terminal.quick("votes", "cast", asked["id"], *[w for one in letters for w in ("--choice", one)])
    assert not done["sealed"] and (done["wins"], done["losses"], done["p"]) == (3, 0, 0.25)
    again = [w for one in letters for w in ("--choice", one)]
    assert terminal.quick("votes", "cast", asked["id"], *again, code=1)["error"]["code"] == "unsealed"
