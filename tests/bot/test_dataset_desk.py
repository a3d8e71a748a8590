"""The data desk in a thread: any file in, its report, Fix, Redact, columns, Split and the report to take away."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from bot.door import Door
from bot.sandbox.cast import BEEP, GRACE, GUS, SAM
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.limits import check_blocks
from bot.sandbox.reading import buttons_of, text_of
from bot.sandbox.settings import Settings as SandboxSettings
from tests.bot.acts import count, good_rows, labels, row, until
from tests.bot.test_bot_uploads import assert_harmless
from trainer.services import Services
from trainer.store.tables import Dataset

TRAILING = "[\n" + ",\n".join(row(f"question {n}", f"answer {n}") for n in range(30)) + ",\n]\n"
TABLE = "frage,reply text,customer\n" + "".join(f'"What is {n}?",it is {n},c{n % 7}\n' for n in range(40))
PREFERENCE = {
    "input": {"messages": [{"role": "user", "content": "Why?"}]},
    "preferred_output": [{"role": "assistant", "content": "Because."}],
    "non_preferred_output": [{"role": "assistant", "content": "No."}],
}


def upload(person: Person, channel: str, content: bytes | str, filename: str, words: str) -> tuple[str, dict[str, Any]]:
    ts = person.upload(channel, content.encode() if isinstance(content, str) else content, filename=filename)
    return ts, person.wait_for_text(channel, ts, words)


def dataset_of(services: Services, channel: str, ts: str) -> Dataset:
    return services.datasets.get(str(services.threads.topic({"channel": channel, "thread_ts": ts}).dataset_id))


def files_of(person: Person, channel: str, ts: str) -> dict[str, dict[str, Any]]:
    return {f["name"]: f for m in person.replies(channel, ts)[1:] for f in m.get("files", [])}


def test_an_array_with_a_trailing_comma_is_mended_into_a_version_that_can_be_trained_on(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    ts, card = upload(ada, channel, TRAILING, "pairs.json", "Fix")
    first = dataset_of(services, channel, ts)
    ada.press(channel, card["ts"], "dataset_fix")
    news = ada.wait_for_text(channel, ts, "is mended")
    assert f"made from v1 (`{first.id}`)" in text_of(news)
    fresh = ada.wait_for_text(channel, ts, "pairs-v2.jsonl.*can be trained on")
    second = dataset_of(services, channel, ts)
    assert (second.parent_id, second.version, second.accepted) == (first.id, 2, 30)
    assert "Train" in labels(fresh) and {b["value"] for b in buttons_of(fresh)} == {second.id}
    until(lambda: not labels(ada.message(channel, card["ts"])))
    assert second.id in text_of(ada.message(channel, card["ts"]))


def test_columns_of_any_name_are_confirmed_by_a_press_and_then_trained_on(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    table = TABLE.replace("frage,reply text", "question,answer_text")
    ts, card = upload(ada, channel, table, "faq.csv", "question . prompt")
    assert labels(card)[:2] == ["Use question → prompt, answer_text → completion", "Choose columns"]
    ada.press(channel, card["ts"], "dataset_use_columns")
    fresh = ada.wait_for_text(channel, ts, "all 40 rows can be trained on")
    assert dataset_of(services, channel, ts).change["mapping"] == {"prompt": "question", "completion": "answer_text"}
    ada.press(channel, fresh["ts"], "dataset_train")
    ada.wait_for_text(channel, ts, "Train a model")


def test_columns_are_chosen_in_a_modal(bot: Door, services: Services, ada: Person, channel: str) -> None:
    table = TABLE.replace("frage,reply text", "question,answer_text")
    ts, card = upload(ada, channel, table, "faq.csv", "question . prompt")
    ada.press(channel, card["ts"], "dataset_choose_columns")
    view = ada.wait_for_view()
    refused = ada.submit({"prompt": {"column": "2"}, "completion": {"column": "2"}})
    assert "another part" in json.dumps(refused)
    ada.submit({"prompt": {"column": "0"}, "completion": {"column": "2"}}, view_id=view["id"])
    ada.wait_for_text(channel, ts, "rows can be trained on")
    assert dataset_of(services, channel, ts).change["mapping"] == {"prompt": "question", "completion": "customer"}
    second = ada.wait_for_text(channel, ts, "faq-v2.csv.*can be trained on")
    ada.press(channel, second["ts"], "dataset_choose_columns")
    assert '"initial_option": {"text": {"type": "plain_text", "text": "customer"' in json.dumps(ada.wait_for_view())
    ada.submit({"completion": {"column": "1"}})
    ada.wait_for_text(channel, ts, "faq-v3.csv.*can be trained on")
    assert dataset_of(services, channel, ts).change["mapping"]["completion"] == "answer_text"


def test_columns_of_names_that_nobody_knows_are_still_a_persons_to_choose(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    table = "ID;Dagaz?;Kenaz\n" + "".join(f"{n};What is {n}, and why?;It is {n}\n" for n in range(30))
    ts, card = upload(ada, channel, table, "odd.csv", "names of their own")
    assert labels(card) == ["Choose columns", "Download report"]
    ada.press(channel, card["ts"], "dataset_choose_columns")
    ada.wait_for_view()
    ada.submit({"prompt": {"column": "1"}, "completion": {"column": "2"}})
    fresh = ada.wait_for_text(channel, ts, "all 30 rows can be trained on")
    assert dataset_of(services, channel, ts).change["mapping"] == {"prompt": "Dagaz?", "completion": "Kenaz"}
    assert "Train" in labels(fresh)


def test_fix_this_is_followed_beside_a_file_that_cannot_be_used_as_it_is(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    wide = good_rows(20).decode().encode("utf-16")
    ts = ada.upload(channel, wide, filename="wide.jsonl", text="@Tunesmith fix this")
    ada.wait_for_text(channel, ts, "wide-v2.jsonl.*can be trained on")


@pytest.mark.parametrize("packing", ["gz", "zip", "none"])
def test_files_come_in_any_packing(bot: Door, ada: Person, channel: str, packing: str) -> None:
    data, buffer = good_rows(30), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("rows.jsonl", data)
    packed = {"gz": gzip.compress(data), "zip": buffer.getvalue(), "none": data}[packing]
    name = {"gz": "rows.jsonl.gz", "zip": "rows.zip", "none": "rows.of-mine"}[packing]
    upload(ada, channel, packed, name, "all 30 rows can be trained on")


def test_a_flood_of_bad_rows_is_a_small_card_and_a_whole_file(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    flood = good_rows(20) + b'{"messages": []}\n' * 10_000 + b"{nope}\n" * 10_000
    ts, card = upload(ada, channel, flood, "flood.jsonl", "20 of 20,020 rows")
    assert check_blocks(card["blocks"], SandboxSettings())
    assert len(json.dumps(card["blocks"])) < 6_000
    assert "20,000 rows need a person" in text_of(card) and "Nothing needs mending" not in text_of(card)
    assert "10,000 × empty_messages" in text_of(card) and "(lines 21, 22, 23, 24, 25, …)" in text_of(card)
    found = until(lambda: files_of(ada, channel, ts).get("findings.jsonl"))
    lines = ada.download(found).splitlines()
    assert {json.loads(line)["line"] for line in lines} >= set(range(21, 20_021))


SECRET_MAIL, SECRET_IBAN = "anna.schmidt@firma-beispiel.de", "DE89370400440532013000"


def personal_rows(count: int = 20) -> bytes:
    said = f"Please write to {SECRET_MAIL} or pay to {SECRET_IBAN}."
    rows = [row(f"question {n}", f"{said} Case {n}.") for n in range(count)]
    return "".join(line + "\n" for line in [*rows, rows[0]]).encode()


def sandbox_says(driver: SandboxDriver, person: Person, channel: str, ts: str) -> str:
    """Everything that the bot ever sent to Slack's API, and everything that the thread shows."""
    return json.dumps([driver.look()["calls"], person.replies(channel, ts), person.ephemerals(channel)])


def test_personal_data_is_counted_but_never_shown_and_redacted_on_demand(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, card = upload(ada, channel, personal_rows(), "support.jsonl", "can be trained on")
    assert "21 rows: IBAN 21, e-mail address 21" in text_of(card) and "Redact" in labels(card)
    for words in ("audit", "lineage", "check", "report"):
        ada.say(channel, words, thread_ts=ts)
    ada.wait_for_text(channel, ts, "sensitive content in 21 rows")
    ada.wait_for_text(channel, ts, r"v1 file-\w+")
    until(lambda: "report.html" in files_of(ada, channel, ts))
    ada.press(channel, card["ts"], "dataset_fix")
    ada.wait_for_text(channel, ts, r"Line 21: Duplicates.*\[EMAIL\]")
    second = ada.wait_for_text(channel, ts, "support-v2.jsonl.*can be trained on")
    ada.press(channel, second["ts"], "dataset_redact")
    ada.wait_for_text(channel, ts, "is redacted")
    third = ada.wait_for_text(channel, ts, "support-v3.jsonl.*can be trained on")
    assert "Redact" not in labels(third)
    kept = services.blobs.get_bytes(dataset_of(services, channel, ts).sha256)
    assert SECRET_MAIL.encode() not in kept and SECRET_IBAN.encode() not in kept and b"EMAIL" in kept.upper()
    said = sandbox_says(driver, ada, channel, ts)
    for secret in (SECRET_MAIL, SECRET_IBAN, SECRET_MAIL.split("@")[0], SECRET_IBAN[4:14]):
        assert secret not in said
    page = ada.download(files_of(ada, channel, ts)["report.html"]).decode()
    assert SECRET_MAIL not in page and SECRET_IBAN not in page


def test_a_second_press_and_a_strangers_press_make_no_second_version(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, card = upload(ada, channel, TRAILING, "twice.json", "Fix")
    first = dataset_of(services, channel, ts)
    for stranger in (GUS, SAM, BEEP):
        driver.click_forged(stranger, "dataset_fix", first.id, channel=channel, ts=card["ts"])
    ada.press(channel, card["ts"], "dataset_fix")
    driver.click_forged(GRACE, "dataset_fix", first.id, channel=channel, ts=card["ts"])
    ada.wait_for_text(channel, ts, "twice-v2.jsonl")
    until(lambda: not labels(ada.message(channel, card["ts"])))
    assert len(services.datasets.children(first.id)) == 1


def test_a_late_second_press_is_told_of_the_version_that_there_is(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.clicks.AGAIN_S", 0.0)
    ts, card = upload(ada, channel, TRAILING, "late.json", "Fix")
    first = dataset_of(services, channel, ts)
    ada.press(channel, card["ts"], "dataset_fix")
    ada.wait_for_text(channel, ts, "late-v2.jsonl")
    driver.click_forged(GRACE, "dataset_fix", first.id, channel=channel, ts=card["ts"])
    until(lambda: any("done already" in text_of(m) for m in Person(driver, GRACE).ephemerals(channel)))
    assert len(services.datasets.children(first.id)) == 1


def test_two_buttons_of_one_card_pressed_at_once_are_both_answered(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, card = upload(ada, channel, personal_rows(), "both.jsonl", "can be trained on")
    first = dataset_of(services, channel, ts)
    driver.click_forged(GRACE, "dataset_train", first.id, channel=channel, ts=card["ts"])
    ada.press(channel, card["ts"], "dataset_fix")
    ada.press(channel, card["ts"], "dataset_redact")
    ada.wait_for_text(channel, ts, "is redacted")
    ada.wait_for_text(channel, ts, "Train a model")
    assert {made.change["kind"] for made in services.datasets.children(first.id)} == {"fix", "redact"}


def test_a_forged_id_does_nothing_but_whisper(bot: Door, ada: Person, driver: SandboxDriver, channel: str) -> None:
    _, card = upload(ada, channel, good_rows(), "plain.jsonl", "can be trained on")
    driver.click_forged(GRACE, "dataset_redact", "file-<!channel>", channel=channel, ts=card["ts"])
    said = until(lambda: [m for m in Person(driver, GRACE).ephemerals(channel) if "There is no dataset" in text_of(m)])
    assert_harmless(said[-1])


def test_nothing_to_mend_is_said_in_the_thread(
    bot: Door, ada: Person, driver: SandboxDriver, services: Services, channel: str
) -> None:
    ts, card = upload(ada, channel, good_rows(), "clean.jsonl", "can be trained on")
    assert "Fix" not in labels(card) and "Redact" not in labels(card)
    ada.say(channel, "fix it", thread_ts=ts)
    ada.wait_for_text(channel, ts, "nothing to mend")


def test_hostile_names_and_rows_call_nobody_in_a_fix(bot: Door, services: Services, ada: Person, channel: str) -> None:
    evil = "<!channel> <@U0GRACE001> *bold* `code` <https://evil.example|click>"
    bad = json.dumps({"messages": [{"role": evil, "content": evil}], evil: 1}) + "\n"
    loose = row(f" {evil} ", f"{evil} ") + "\n"
    ts, card = upload(ada, channel, (bad * 3 + loose * 2).encode() + good_rows(20), "<!here> *x*.jsonl", "trained on")
    ada.press(channel, card["ts"], "dataset_fix")
    ada.wait_for_text(channel, ts, "is mended")
    ada.wait_for_text(channel, ts, "v2")
    until(lambda: "quarantine.jsonl" in files_of(ada, channel, ts))
    for message in ada.replies(channel, ts)[1:]:
        assert_harmless(message)
        for file in message.get("files", []):
            assert "<!here>" not in file["name"]


def test_hostile_columns_stay_text(bot: Door, services: Services, ada: Person, channel: str) -> None:
    table = TABLE.replace("frage,reply text", '"<!channel> question","*answer* `x` <@U0GRACE001>"')
    ts = ada.upload(channel, table.encode(), filename="<!here>.csv")
    card = ada.wait_for_text(channel, ts, "columns|rows")
    assert_harmless(card)
    if "Choose columns" in labels(card):
        ada.press(channel, card["ts"], "dataset_choose_columns")
        ada.wait_for_view()
        ada.submit({"prompt": {"column": "0"}, "completion": {"column": "1"}})
        ada.wait_for_text(channel, ts, "are chosen")
        for message in ada.replies(channel, ts)[1:]:
            assert_harmless(message)


def test_preference_pairs_are_offered_for_training_by_dpo(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    pairs = "".join(
        json.dumps(PREFERENCE | {"input": {"messages": [{"role": "user", "content": f"Why {n}?"}]}}) + "\n"
        for n in range(20)
    )
    ts, card = upload(ada, channel, pairs, "pairs.jsonl", "preference pairs")
    assert "Train" in labels(card)
    ada.press(channel, card["ts"], "dataset_train")
    ada.wait_for_text(channel, ts, "dpo")


def test_rows_to_grade_are_not_offered_for_training_and_refused_with_words(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    graded = "".join(
        json.dumps({"messages": [{"role": "user", "content": f"Sum {n}?"}], "reference_answer": str(n)}) + "\n"
        for n in range(20)
    )
    ts, card = upload(ada, channel, graded, "graded.jsonl", "does not grade answers")
    assert "Train" not in labels(card)
    ada.say(channel, "train", thread_ts=ts)
    ada.wait_for_text(channel, ts, "goal to grade")


def test_the_split_asks_what_stays_together(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, card = upload(ada, channel, good_rows(), "plain.jsonl", "can be trained on")
    ada.press(channel, card["ts"], "dataset_split")
    ada.wait_for_view()
    wrong = ada.submit({"seed": {"number": "x"}})
    assert "whole number" in json.dumps(wrong)
    ada.submit({"seed": {"number": "3"}, "test": {"number": "30"}})
    ada.wait_for_text(channel, ts, "split with seed 3.*sealed")
    made = dataset_of(services, channel, ts).split
    assert made and made["test"] == 0.3
    ada.press(channel, card["ts"], "dataset_split")
    until(lambda: count(ada, channel, ts, "split with seed 3") == 2)


def test_a_split_by_a_key_of_the_metadata_is_asked_for_in_words(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    rows = [
        json.loads(row(f"question {n}", f"answer {n}")) | {"metadata": {"customer": f"c{n % 15}"}} for n in range(60)
    ]
    ts, _ = upload(ada, channel, "".join(json.dumps(r) + "\n" for r in rows), "crm.jsonl", "can be trained on")
    ada.say(channel, "split by customer seed 5", thread_ts=ts)
    ada.wait_for_text(channel, ts, "No value of metadata.customer is in two parts")


def test_the_report_is_uploaded_once(
    bot: Door, services: Services, ada: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, card = upload(ada, channel, good_rows(30) + b"{nope}\n", "mixed.jsonl", "can be trained on")
    ada.press(channel, card["ts"], "dataset_report")
    page = until(lambda: files_of(ada, channel, ts).get("report.html"))
    assert page["title"] == "Report on mixed.jsonl" and b"mixed.jsonl" in ada.download(page)
    ada.press(channel, card["ts"], "dataset_report")
    ada.wait_for_ephemeral(channel, "in this thread already")
    names = [f["name"] for m in ada.replies(channel, ts)[1:] for f in m.get("files", [])]
    assert names.count("report.html") == 1


def test_words_look_after_a_dataset(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, _ = upload(ada, channel, TRAILING, "cared-for.json", "Fix")
    ada.say(channel, "fix", thread_ts=ts)
    ada.wait_for_text(channel, ts, "is mended")
    ada.wait_for_text(channel, ts, "cared-for-v2.jsonl.*can be trained on")
    for said, answer in (
        ("license cc-by-4.0", "used under cc-by-4.0"),
        ("retain 90 days", r"kept until 20\d\d-\d\d-\d\d"),
        ("lineage", r"v2 file-\w+.*fix"),
    ):
        ada.say(channel, said, thread_ts=ts)
        ada.wait_for_text(channel, ts, answer)
    made = dataset_of(services, channel, ts)
    assert made.license == "cc-by-4.0" and made.retain_until


def test_mixed_rows_are_counted_once_in_what_fix_would_mend(bot: Door, ada: Person, channel: str) -> None:
    alpaca = "".join(
        json.dumps({"instruction": f"do {n}", "input": "", "output": f"done {n}"}) + "\n" for n in range(3)
    )
    _, card = upload(ada, channel, good_rows(20).decode() + alpaca, "mixed-rows.jsonl", "The file mixes formats")
    lost = '{"messages": [{"role": "user", "content": "Why?"},]}\n'
    _, other = upload(ada, channel, good_rows(20).decode() + alpaca + lost, "lost.jsonl", "3 more can be mended")
    assert "tries to mend 2 kinds" in text_of(other) and "set aside" in text_of(other)
    assert "3 more can be mended" in text_of(card) and "Fix* mends 1 kind: Conversion × 3." in text_of(card)


def test_blank_lines_alone_are_nothing_to_mend(bot: Door, ada: Person, channel: str) -> None:
    _, card = upload(ada, channel, " \n\n", "space.jsonl", "the file is empty")
    assert not labels(card) and "Fix" not in text_of(card)


def test_a_login_page_is_named(bot: Door, ada: Person, channel: str) -> None:
    page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"
    _, card = upload(ada, channel, page, "data.jsonl", "web page")
    assert "Nothing was started" in text_of(card) and not labels(card)


@pytest.fixture(autouse=True)
def nothing_went_wrong_unseen(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    said = capfd.readouterr().out
    assert "work_failed" not in said and "listener_failed" not in said, said[-3000:]
