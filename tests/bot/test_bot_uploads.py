"""A dropped file: reported on in its thread; whatever is wrong with it is said, and nothing is started."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from bot.door import Door
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.reading import text_of
from tests.bot.acts import count, drop, good_rows, labels, row, until
from trainer.services import Services

BAD: list[tuple[str, str, bytes, str]] = [
    ("empty", "empty.jsonl", b"", "file is empty"),
    ("prose", "notes.txt", b"Dear all,\nthis is no dataset.\n" * 20, "was not checked|Broken"),
    ("array", "array.json", json.dumps([{"a": 1}] * 12).encode(), "Broken"),
    ("zip", "data.zip", b"PK\x03\x04" + bytes(200), "Broken"),
    ("pdf", "paper.pdf", b"%PDF-1.7\n" + b"x" * 300, "Broken"),
    ("page", "page.html", b"<!DOCTYPE html><html><body>hi</body></html>" * 5, "Broken"),
    ("all broken", "broken.jsonl", b'{"messages": []}\n' * 30, "Broken"),
    ("too few", "few.jsonl", good_rows(3), "Broken"),
    ("utf16", "wide.jsonl", good_rows(20).decode().encode("utf-16"), "Broken"),
]


def test_the_report_says_what_can_be_used_and_what_to_press(
    bot: Door, ada: Person, channel: str, tickets: Path
) -> None:
    ts, card = drop(ada, channel, tickets)
    said = text_of(card)
    assert "428 rows" in said and "Line " in said
    assert labels(card) == ["Train", "Fix", "Estimate", "Split", "Download report"]
    files = until(lambda: [f for m in ada.replies(channel, ts)[1:] for f in m.get("files", [])])
    names = {f["name"] for f in files}
    assert names == {"answer-lengths.png", "findings.jsonl"}
    assert next(f for f in files if f["name"] == "answer-lengths.png")["alt_txt"].startswith("Histogram of answer")
    findings = ada.download(next(f for f in files if f["name"] == "findings.jsonl"))
    first = json.loads(findings.splitlines()[0])
    assert set(first) >= {"line", "code", "severity", "message"}


@pytest.mark.parametrize(("name", "filename", "content", "answer"), BAD, ids=[b[0] for b in BAD])
def test_bad_files_are_answered_and_start_nothing(
    bot: Door, services: Services, ada: Person, channel: str, name: str, filename: str, content: bytes, answer: str
) -> None:
    ts = ada.upload(channel, content, filename=filename, text="@Tunesmith train on this")
    card = ada.wait_for_text(channel, ts, "What to do")
    assert re.search(answer, text_of(card)) and "Nothing was started" in text_of(card)
    assert not {"Train", "Split", "Estimate"} & set(labels(card))
    time.sleep(0.2)
    assert not services.approvals.pending()
    assert count(ada, channel, ts, "Train a model") == 0


def test_a_file_over_the_limit_is_not_even_fetched(
    bot: Door, ada: Person, driver: SandboxDriver, channel: str, tmp_path: Path
) -> None:
    big = tmp_path / "big.jsonl"
    with big.open("wb") as sparse:
        sparse.truncate(200 * 1024 * 1024)
    driver.fault("files.download", "status", times=1, status=500)  # would be used up by a download
    ts = ada.upload(channel, big)
    card = ada.wait_for_text(channel, ts, "too large: 200.0 MiB, and the limit is 2.0 MiB")
    assert "TUNESMITH_MAX_UPLOAD_BYTES" in text_of(card)


def test_several_files_are_answered_one_by_one(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts = ada.upload(channel, good_rows(), filename="one.jsonl")
    ada.wait_for_text(channel, ts, "one.jsonl.*can be trained on")
    ada.upload(channel, good_rows(30), filename="two.jsonl", thread_ts=ts)
    ada.wait_for_text(channel, ts, "two.jsonl.*can be trained on")
    assert services.datasets.get(str(_topic(services, channel, ts))).filename == "two.jsonl"


def test_words_beside_the_file_are_followed(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.upload(channel, good_rows(), filename="pairs.jsonl", text="@Tunesmith train on tiny-base with lora")
    ada.wait_for_text(channel, ts, "Train a model")
    captioned = ada.upload(channel, good_rows(), filename="pairs.jsonl", text="@Tunesmith our pairs")
    ada.wait_for_text(channel, captioned, "can be trained on")
    time.sleep(0.3)
    assert count(ada, channel, captioned, "did not understand") == 0


def test_pictures_are_nobodys_dataset(bot: Door, ada: Person, channel: str) -> None:
    ts = ada.upload(channel, b"\x89PNG\r\n" + bytes(100), filename="lunch.png", text="look")
    time.sleep(0.5)
    assert len(ada.replies(channel, ts)) == 1


def test_a_login_page_is_not_taken_for_data(bot: Door, ada: Person, driver: SandboxDriver, channel: str) -> None:
    scopes = driver.look()["settings"]["scopes"]
    driver.settings(scopes=[s for s in scopes if s != "files:read"])
    try:
        ts = ada.upload(channel, good_rows(), filename="pairs.jsonl")
        ada.wait_for_text(channel, ts, "login page.*files:read")
    finally:
        driver.settings(scopes=scopes)


def test_a_download_that_fails_is_tried_again(bot: Door, ada: Person, driver: SandboxDriver, channel: str) -> None:
    driver.fault("files.download", "status", times=1, status=503)
    drop(ada, channel)


def test_words_in_the_data_call_nobody(bot: Door, ada: Person, channel: str) -> None:
    evil = "<!channel> <@U0GRACE001> <!subteam^S1|all> *bold* `code` <https://evil.example|click>"
    bad = json.dumps({"messages": [{"role": evil, "content": evil}], evil: 1}) + "\n"
    ts = ada.upload(channel, (bad * 3).encode() + good_rows(20), filename="<!here> *x*.jsonl")
    card = ada.wait_for_text(channel, ts, "can be trained on")
    assert_harmless(card)


def assert_harmless(message: dict[str, Any]) -> None:
    """No mrkdwn text that we sent holds a live mention or link of the data's."""

    def look(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                look(item)
        elif isinstance(node, dict):
            if node.get("type") == "mrkdwn" or "blocks" in node:
                for live in ("<!channel", "<!here", "<!subteam", "<@U0GRACE", "<https://evil"):
                    assert live not in str(node.get("text")), node["text"]
            for value in node.values():
                look(value)

    look(message)


def test_the_line_is_there_at_once_and_the_card_replaces_it(
    bot: Door, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    driver.fault("files.download", "delay", times=1, seconds=1.0)
    ts = ada.upload(channel, good_rows(), filename="slow.jsonl")
    line = ada.wait_for_text(channel, ts, "Fetching .*slow.jsonl")
    card = ada.wait_for_text(channel, ts, "can be trained on")
    assert card["ts"] == line["ts"]


def test_one_broken_line_among_good_ones_is_named(bot: Door, ada: Person, channel: str) -> None:
    lines = [row(f"q {n}") for n in range(30)]
    lines[6] = lines[6][:-5]
    ts = ada.upload(channel, "\n".join(lines).encode(), filename="mixed.jsonl")
    card = ada.wait_for_text(channel, ts, "can be trained on")
    assert "Line 7: " in text_of(card)


def _topic(services: Services, channel: str, ts: str) -> str | None:
    return services.threads.topic({"channel": channel, "thread_ts": ts}).dataset_id
