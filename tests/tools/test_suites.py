"""The team's suites: their versions, who may add one, and the terminal's commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tools.test_cli import Terminal, chat
from tools import suites
from tools.context import Caller, Context
from trainer.errors import BadInput, Conflict, Forbidden, NotFound
from trainer.evals.case import Answer
from trainer.evals.metrics.checks import failed
from trainer.evals.suites import read_suite
from trainer.services import Services

TONE = "suite: tone\nrole: behaviour\nmargin: 0.1\ncases:\n  - {prompt: Say hello., checks: [{contains: hello}]}\n"


@pytest.fixture
def context(services: Services) -> Context:
    return Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "T1"), services)


def test_the_same_bytes_are_the_same_version_and_versions_stay(context: Context) -> None:
    kept = context.services.suites
    first, again = (suites.add_bytes(context, TONE.encode()) for _ in range(2))
    second = suites.add_bytes(context, TONE.replace("hello.", "hi.").encode())
    assert (first.row.version, first.new, again.row.version, again.new, second.row.version) == (1, True, 1, False, 2)
    old, new = kept.resolve("tone@1"), kept.resolve("tone")
    assert (old.data, old.version, new.version, new.defaults) == (TONE.encode(), 1, 2, {"margin": 0.1})
    assert old.sha256 == first.row.sha256 == context.services.blobs.put_bytes(old.data) and old.role == "behaviour"
    assert [(row.name, row.version, row.owner) for row in kept.list()] == [("tone", 2, "U0ADA")]
    back = suites.add_bytes(context, TONE.encode())
    assert back.row.version == 3 and kept.get("tone", 2).sha256 == second.row.sha256


def test_names_are_resolved_among_the_teams_and_then_the_shipped(context: Context) -> None:
    ours = TONE.replace("tone", "general")
    with pytest.raises(Conflict, match="ships a suite 'general'"):
        suites.add_bytes(context, ours.encode())
    assert context.services.suites.resolve("general").version == 0
    suites.add_bytes(context, ours.encode(), over=True)
    found = context.services.suites.resolve("general")
    assert (found.version, len(found.suite.cases)) == (1, 1)
    listed = {one.name: one.version for one in suites.list_suites(context)}
    assert listed == {"general": 1, "behaviour": 0, "formats": 0, "refusal-twins": 0}


@pytest.mark.parametrize("name", ["nothing", "tone@2", "general@1", "tone@x", "", "@1"])
def test_what_is_not_there_is_said(context: Context, name: str) -> None:
    suites.add_bytes(context, TONE.encode())
    with pytest.raises((NotFound, BadInput), match=r"no suite|no version"):
        context.services.suites.resolve(name)


def test_only_trainers_add_and_no_file_of_the_machine_is_named(context: Context, tmp_path: Path) -> None:
    stranger = replace(context, caller=replace(context.caller, roles=frozenset()))
    with pytest.raises(Forbidden, match="trainer role"):
        suites.add_bytes(stranger, TONE.encode())
    for line, words in (("rows: /etc/passwd\n", "rows: a file"), ("metrics: ['file:x.py:X']\n", "file of Python")):
        path = tmp_path / "mine.yaml"
        path.write_text(TONE + line)
        with pytest.raises(BadInput, match=words):
            suites.add_file(context, path)
    with pytest.raises(BadInput, match="cannot be called 'test'"):
        suites.add_bytes(context, TONE.replace("suite: tone", "suite: test").encode())
    assert context.services.suites.list() == []


def test_at_a_terminal_the_named_rows_are_written_into_the_suite(context: Context, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("".join(chat(f"q{n}", f"a{n}") for n in range(12)))
    (tmp_path / "s.yaml").write_text("suite: mine\nmargin: 0.2\nrows: r.jsonl\n")
    terminal = replace(context, caller=replace(context.caller, allow_paths=True))
    made = suites.add_file(terminal, tmp_path / "s.yaml")
    found = context.services.suites.resolve("mine")
    assert made.row.cases == 12 and len(found.suite.cases) == 12 and found.defaults == {"margin": 0.2}
    rows = suites.add_file(terminal, tmp_path / "r.jsonl", name="other")
    assert (rows.row.name, rows.row.cases, rows.row.role) == ("other", 12, "regression")


def test_the_terminal_lists_checks_adds_imports_and_exports(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    good, bad = tmp_path / "tone.yaml", tmp_path / "bad.yaml"
    good.write_text(TONE)
    bad.write_text(TONE.replace("role: behaviour", "role: behavior") + "extra: 1\n")
    assert terminal.quick("suite", "check", str(good))["rule"] == {"margin": 0.1}
    error = terminal.quick("suite", "check", str(bad), code=2)["error"]
    assert (
        error["code"] == "bad_suite" and "Did you mean behaviour" in error["message"] and "'extra'" in error["message"]
    )
    assert terminal.quick("suite", "add", str(good))["version"] == 1
    names = [one["name"] for one in terminal.quick("suite", "list")["suites"]]
    assert names == ["tone", "behaviour", "formats", "general", "refusal-twins"]
    assert terminal.quick("suite", "show", "refusal-twins")["slices"]["twin"] == {"harmful": 116, "benign": 116}
    out = tmp_path / "p.yaml"
    assert terminal.quick("suite", "export", "tone", "--out", str(out))["left_out"] == []
    terminal.quick("suite", "export", "tone", "--out", str(out), code=2)
    back = tmp_path / "back.yaml"
    assert terminal.quick("suite", "import", str(out), "--out", str(back))["cases"] == 1
    left = terminal.quick("suite", "export", "tone", "--to", "jsonl", "--out", str(tmp_path / "t.jsonl"))["left_out"]
    assert left == ["1 case without an expected answer."]
    terminal.quick("suite", "show", "tona", code=2)


def test_a_suite_is_made_of_what_a_base_answers(tmp_path: Path, tiny_base: Path) -> None:
    known = (tiny_base / "tunesmith" / "suite.jsonl").read_text().splitlines(keepends=True)[:8]
    (tmp_path / "ask.jsonl").write_text("".join(known) + "".join(chat(f"Repeat:\nred {n}", "never") for n in range(2)))
    terminal, out = Terminal(tmp_path / "home"), tmp_path / "kept.yaml"
    asked = ("make", str(tmp_path / "ask.jsonl"), "--base", str(tiny_base), "--max-tokens", "24", "--name", "old")
    said = terminal.quick("suite", *asked, "--out", str(out))
    suite = read_suite(out.read_bytes()).suite
    assert said["asked"] == 10 and 5 <= said["right"] == said["cases"] == len(suite.cases) <= 8
    assert (suite.name, suite.role) == ("old", "regression") and "never" not in {c.expected for c in suite.cases}
    terminal.quick("suite", *asked, "--out", str(out), code=2)  # nothing is overwritten


def test_the_examples_can_be_used_as_they_are(tmp_path: Path) -> None:
    terminal, folder = Terminal(tmp_path / "home"), ROOT / "examples" / "suites"
    shown = terminal.quick("suite", "check", str(folder / "tone-of-voice.yaml"))
    assert (shown["cases"], shown["primary"], shown["rule"]["by"]) == (3, "checks", "situation")
    for case in read_suite((folder / "tone-of-voice.yaml").read_bytes()).suite.cases:
        assert not failed(case, Answer(case.expected)), case.id
    out = str(tmp_path / "greetings.yaml")
    made = terminal.quick("suite", "import", str(folder / "promptfooconfig.yaml"), "--out", out)
    assert made["cases"] == 2 and made["left_out"] == [
        "tests[1].assert[1]: not imported: llm-rubric has no counterpart here."
    ]
