"""`tunesmith data …` as typed: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tools.cli.main import app


class Desk:
    def run(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["data", *words])
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.stdout

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        text = self.run(*words, "--json", code=code)
        assert text.count("\n") == 1, "one JSON object, nothing else"
        return json.loads(text)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("TUNESMITH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUNESMITH_REDIS_PORT", "1")
    return Desk()


def chat(n: int) -> str:
    turns = [{"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": f"answer {n}"}]
    return json.dumps({"messages": turns}) + "\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.jsonl"
    path.write_text("".join(map(chat, range(40))))
    return path


@pytest.fixture
def flood(tmp_path: Path) -> Path:
    path = tmp_path / "flood.jsonl"
    path.write_text("".join(map(chat, range(12))) + "{oops\n" * 3000)
    return path


def test_json_carries_every_finding_and_a_summary(desk: Desk, flood: Path) -> None:
    found = desk.json("check", str(flood), code=1)

    assert [f["line"] for f in found["findings"] if f["code"] == "invalid_json"] == list(range(13, 3013))
    assert found["summary"][0]["count"] == found["errors"] == 3000
    assert {"verdict", "format", "rows", "accepted", "kind", "source"} <= set(found)


def test_a_flood_is_short_on_the_screen_and_whole_in_the_file(desk: Desk, flood: Path, tmp_path: Path) -> None:
    said = desk.run("check", str(flood), "--findings", str(tmp_path / "f.jsonl"), code=1)

    assert said.count("\n") < 40 and "3,000 × invalid_json" in said
    lines = (tmp_path / "f.jsonl").read_text().splitlines()
    assert len(lines) >= 3000 and json.loads(lines[0])["code"] == "invalid_json"


def test_the_report_is_a_page(desk: Desk, flood: Path, tmp_path: Path) -> None:
    desk.run("check", str(flood), "--report", str(tmp_path / "r.html"), code=1)

    page = (tmp_path / "r.html").read_text()
    assert page.startswith("<!doctype html>") and "invalid_json" in page and "<script" not in page


def test_columns_are_proposed_and_then_read_as_said(desk: Desk, tmp_path: Path) -> None:
    table = tmp_path / "fragen.csv"
    table.write_text("frage,antwort\n" + "".join(f"wie geht {n}?,so geht es Nummer {n}\n" for n in range(30)))

    assert desk.json("check", str(table), code=1)["mapping"] == {"prompt": "frage", "completion": "antwort"}
    found = desk.run("check", str(table), "--map", "prompt=frage", "--map", "completion=antwort", code=0)
    assert found.startswith("Good: all 30 rows")


@pytest.mark.parametrize("words", [["prompt"], ["prompt=a"], ["prompt=a", "answer=b"], ["prompt=a", "prompt=b"]])
def test_a_mapping_that_says_too_little_is_wrong_use(desk: Desk, good: Path, words: list[str]) -> None:
    options = [part for word in words for part in ("--map", word)]

    assert desk.json("check", str(good), *options, code=2)["error"]["code"] == "bad_mapping"


def test_a_version_is_kept_found_licensed_retained_and_deleted(desk: Desk, good: Path) -> None:
    made = desk.json("keep", str(good))
    file_id = made["id"]

    assert (made["version"], made["parent"], made["source"]) == (1, None, "terminal")
    assert desk.json("license", file_id, "CC-BY-4.0")["license"] == "CC-BY-4.0"
    assert desk.json("retain", file_id, "--days", "90")["retain_until"] > made["created_at"] + 89 * 86400
    assert [row["id"] for row in desk.json("lineage", file_id)["lineage"]] == [file_id]
    assert desk.json("undo", file_id)["parent"] is None
    assert desk.json("delete", file_id)["deleted"] == [file_id]
    assert desk.json("list")["datasets"] == []
    assert desk.json("check", file_id, code=2)["error"]["code"] == "dataset_deleted"


def test_a_kept_dataset_is_split_once_and_its_test_part_stays_sealed(desk: Desk, good: Path) -> None:
    file_id = desk.json("keep", str(good))["id"]

    assert sum(desk.json("split", file_id)["counts"].values()) == 40
    assert desk.json("split", file_id, "--seed", "3", code=2)["error"]["code"] == "already_split"


def test_deleting_needs_one_name_or_the_word_for_all_that_is_over(desk: Desk) -> None:
    desk.json("delete", code=2)
    desk.json("delete", "file-x", "--expired", code=2)
    assert desk.json("delete", "--expired")["deleted"] == []


def test_a_card_is_a_folder_of_its_own(desk: Desk, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "card"
    assert desk.json("card", str(good), "--out", str(out), "--license", "mit")["rows"] == 40

    assert {p.name for p in out.iterdir()} == {"README.md", "data", "findings.jsonl", "fingerprint.json"}
    assert desk.json("card", str(good), "--out", str(out), code=2)["error"]["code"] == "not_empty"


def test_the_card_of_a_split_dataset_has_its_parts(desk: Desk, good: Path, tmp_path: Path) -> None:
    file_id = desk.json("keep", str(good))["id"]
    counts = desk.json("split", file_id)["counts"]
    desk.json("card", file_id, "--out", str(tmp_path / "card"))

    held = {p.stem: len(p.read_text().splitlines()) for p in (tmp_path / "card" / "data").iterdir()}
    assert held == {"train": counts["train"], "validation": counts["dev"], "test": counts["test"]}


def test_nothing_is_pushed_without_leave(
    desk: Desk, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("card", str(good), "--out", str(tmp_path / "card"), "--push", "acme/tickets")
    monkeypatch.delenv("HF_TOKEN", raising=False)

    assert desk.json(*words, code=1)["error"]["code"] == "no_hub"
    monkeypatch.setenv("TUNESMITH_HUB", "true")
    assert desk.json(*words, code=2)["error"]["code"] == "no_token"
    assert not (tmp_path / "card").exists()


def test_the_lists_name_what_is_known(desk: Desk) -> None:
    assert "openai-chat" in {f["name"] for f in desk.json("formats")["formats"]}
    assert "duplicate_row" in {c["code"] for c in desk.json("codes")["codes"]}


def test_a_file_is_mended_beside_itself(desk: Desk, good: Path, tmp_path: Path) -> None:
    good.write_text(good.read_text() + "{oops\n" + chat(1))
    before = good.read_bytes()

    made = desk.json("fix", str(good))

    assert good.read_bytes() == before
    assert made["rows"] == 40 and made["applied"] == {"duplicates": 1} and made["quarantined"] == 1
    assert desk.run("check", made["file"]).startswith("Good: all 40 rows")
    assert json.loads(Path(made["quarantine"]).read_text())["line"] == 41


def test_only_the_fixes_that_were_named(desk: Desk, good: Path) -> None:
    good.write_text(good.read_text() + chat(1))

    assert desk.json("fix", str(good), "--only", "whitespace")["applied"] == {}
    assert "magic" in desk.json("fix", str(good), "--only", "magic", code=2)["error"]["message"]
    assert "duplicates" in {f["name"] for f in desk.json("fix", "--list")["fixes"]}


def test_a_kept_dataset_is_mended_into_its_next_version(desk: Desk, good: Path) -> None:
    good.write_text(good.read_text() + chat(1))
    first = desk.json("keep", str(good))["id"]

    made = desk.json("fix", first)

    assert (made["parent"], made["version"]) == (first, 2)
    assert [row["version"] for row in desk.json("lineage", made["dataset"])["lineage"]] == [1, 2]
    assert desk.json("undo", made["dataset"])["parent"] == first


def test_an_audit_counts_and_shows_no_value(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    secret = "ada.lovelace@mail.example.org"
    path.write_text("".join(chat(n).replace("question", f"write to {secret}: question") for n in range(20)))

    said = desk.run("audit", str(path), code=1)

    assert secret not in said and "20" in said


def test_columns_are_split_into_chat_by_a_key(desk: Desk, tmp_path: Path) -> None:
    table = tmp_path / "fragen.csv"
    table.write_text("frage,antwort\n" + "".join(f"wie geht es {n}?,so geht Nummer {n}\n" for n in range(60)))
    words = ("split", str(table), "--map", "prompt=frage", "--map", "completion=antwort", "--out", str(tmp_path / "s"))

    made = desk.json(*words, "--key", "antwort", "--no-near")

    assert sum(made["counts"].values()) == 60
    first = json.loads((tmp_path / "s" / "train.jsonl").read_text().splitlines()[0])
    assert [m["role"] for m in first["messages"]] == ["user", "assistant"]


def test_a_file_name_is_no_order_to_the_terminal(desk: Desk, good: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[2Jb\n\u202egpj.jsonl"
    odd.write_bytes(good.read_bytes())
    desk.run("keep", str(odd))
    [line] = desk.run("list").splitlines()
    assert "\x1b" not in line and "\u202e" not in line and "gpj.jsonl" in line


def test_unknown_columns_are_said_once_on_the_screen_and_of_every_row_in_the_list(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "columns.jsonl"
    path.write_text("".join(f'{{"question": "q {n}?", "answer": "a {n}"}}\n' for n in range(60)))
    told = desk.run("check", str(path), code=1)
    assert told.count("missing_messages") == 1 and "60 × missing_messages" in told and "--map prompt=question" in told
    found = desk.json("check", str(path), code=1)["findings"]
    assert [f["line"] for f in found if f["code"] == "missing_messages"] == list(range(1, 61))
