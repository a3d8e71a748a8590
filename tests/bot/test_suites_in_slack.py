"""Suites in Slack: a dropped YAML is kept for the team, or every mistake of it is said; they are listed on request."""

from __future__ import annotations

import pytest

from bot.commands import parse
from bot.door import Door
from bot.sandbox.driver import Person
from bot.sandbox.reading import text_of
from trainer.services import Services

TONE = b"""suite: tone
about: How we <!channel> sound.
role: behaviour
margin: 0.1
by: kind
cases:
  - {prompt: Say hello., slices: {kind: words}, checks: [{contains: hello}]}
  - {prompt: What is 2 + 2?, slices: {kind: sums}, expected: 4}
"""


def test_a_dropped_suite_is_kept_and_shown_and_listed(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts = ada.upload(channel, TONE, filename="tone.yaml")
    said = text_of(ada.wait_for_text(channel, ts, "Suite tone.*kept as v1"))
    assert "behaviour" in said and "kind: words 1, sums 1" in said and "at most 10% lost" in said
    assert "<!channel>" not in said and "suites=tone" in said
    row = services.suites.get("tone")
    assert (row.version, row.cases, row.owner) == (1, 2, ada.id) and services.blobs.get_bytes(row.sha256) == TONE
    assert not services.datasets.list()
    ada.upload(channel, TONE, filename="again.yml", thread_ts=ts)
    ada.wait_for_text(channel, ts, "already known as v1")
    ada.say(channel, "@Tunesmith suites", thread_ts=ts)
    listed = text_of(ada.wait_for_text(channel, ts, "refusal-twins"))
    assert "tone (v1): behaviour, 2 cases" in listed and "general (shipped)" in listed
    ada.say(channel, "@Tunesmith show suite refusal-twins", thread_ts=ts)
    assert "Suite refusal-twins" in text_of(ada.wait_for_text(channel, ts, "harmful 116, benign 116"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TONE.replace(b"role: behaviour", b"role: behavior").replace(b"expected", b"expectd"), "has 2 mistakes"),
        (TONE + b"metrics: ['file:mine.py:Mine']\n", "a metric in a file of Python can be named only"),
        (TONE + b"rows: /etc/passwd\n", "rows: a file can be named only"),
        (TONE.replace(b"suite: tone", b"suite: general"), "ships a suite"),
        (b"suite: tone\na: &a [*a]\n", "alias"),
    ],
)
def test_a_suite_that_cannot_be_used_is_answered_by_place(
    bot: Door, services: Services, ada: Person, channel: str, content: bytes, words: str
) -> None:
    before = [(row.name, row.version) for row in services.suites.list()]
    ts = ada.upload(channel, content, filename="mine.yaml")
    said = text_of(ada.wait_for_text(channel, ts, "was not kept"))
    assert words in said and "What to do" in said
    assert [(row.name, row.version) for row in services.suites.list()] == before and not services.datasets.list()


def test_who_may_not_train_adds_no_suite(bot: Door, services: Services, linus: Person, channel: str) -> None:
    ts = linus.upload(channel, TONE.replace(b"suite: tone", b"suite: linus"), filename="mine.yaml")
    said = text_of(linus.wait_for_text(channel, ts, "was not kept"))
    assert "trainer role" in said and "linus" not in {row.name for row in services.suites.list()}


def test_yaml_that_is_no_suite_is_looked_at_as_before(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.upload(channel, b"prompts: [a]\ntests: []\n" * 3, filename="promptfooconfig.yaml")
    ada.wait_for_text(channel, ts, "Broken|was not checked")


@pytest.mark.parametrize(
    ("said", "tool", "arguments"),
    [
        ("suites", "list_suites", {}),
        ("list the suites", "list_suites", {}),
        ("what suites are there?", "list_suites", {}),
        ("which evaluation suites do we have", "list_suites", {}),
        ("show me our test suites", "list_suites", {}),
        ("suite refusal-twins", "show_suite", {"suite": "refusal-twins"}),
        ("show me the general suite", "show_suite", {"suite": "general"}),
        ("show suite tone@2", "show_suite", {"suite": "tone@2"}),
    ],
)
def test_people_ask_for_suites_in_their_own_words(said: str, tool: str, arguments: dict[str, str]) -> None:
    found = parse(said)
    assert found and (found.tool, found.arguments) == (tool, arguments)


def test_other_wishes_stay_what_they_are() -> None:
    tools = {said: getattr(parse(said), "tool", None) for said in ("test my-model", "report", "what models are there")}
    assert list(tools.values()) == ["evaluate_model", "dataset_report", "list_models"]
