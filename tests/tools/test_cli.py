"""The terminal door, as a process: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.conftest import ROOT
from tests.trainer.inference.pebble import make_pebble
from tools.cli.main import app
from trainer.inference.tiny_recipe import RECIPE

TICKETS = ROOT / "examples" / "tickets.jsonl"


class Terminal:
    def __init__(self, home: Path) -> None:
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("TUNESMITH_", "SLACK_", "REDIS_"))}
        self.env |= {"TUNESMITH_HOME": str(home), "TUNESMITH_REDIS_PORT": "1"}

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tools.cli", *words]
        return subprocess.run(
            command, env=self.env | env, capture_output=True, text=True, timeout=240, check=False, cwd=ROOT
        )

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return one_object(done.stdout)

    def quick(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The same without a process of its own, which takes most of the time where many words are tried."""
        with pytest.MonkeyPatch.context() as patch:
            for name in set(os.environ) - set(self.env):
                patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == code, done.output
        return one_object(done.stdout)


def one_object(said: str) -> dict[str, Any]:
    assert said.count("\n") == 1, "one JSON object, nothing else"
    return json.loads(said)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "home")


def chat(question: str, answer: str = "yes") -> str:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns}) + "\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.jsonl"
    path.write_text("".join(chat(f"question {n}", f"answer {n}") for n in range(30)))
    return path


def test_a_good_file_ends_with_0_and_a_broken_row_with_1(terminal: Terminal, good: Path) -> None:
    assert terminal.json("data", "check", str(good))["verdict"] == "good"

    with good.open("a") as file:
        file.write('{"messages": oops}\n')
    report = terminal.json("data", "check", str(good), code=1)

    assert (report["rows"], report["accepted"]) == (31, 30)
    assert [(f["line"], f["code"], f["severity"]) for f in report["findings"]] == [(31, "invalid_json", "error")]
    assert all(set(f) >= {"line", "code", "severity", "message"} for f in report["findings"])


def test_the_example_tickets_have_something_to_report(terminal: Terminal) -> None:
    report = terminal.json("data", "check", str(TICKETS), code=1)

    assert report["accepted"] >= 400
    assert {f["code"] for f in report["findings"]} >= {"invalid_json", "blank_line", "duplicate_row"}


@pytest.mark.parametrize(
    "words",
    [
        ("data", "check", "no-such-file.jsonl"),
        ("status", "ftjob-none"),
        ("train", "no-such-file.jsonl"),
        ("eval", "ft:none"),
        ("alias", "none"),
        ("approve", "appr-none"),
        ("keys", "create", ""),
        ("keys", "create", "two\nlines"),
    ],
)
def test_a_name_that_means_nothing_is_wrong_use(terminal: Terminal, words: tuple[str, ...]) -> None:
    error = terminal.quick(*words, code=2)["error"]

    assert error["code"] and error["message"]


@pytest.mark.parametrize("words", [(), ("fly",), ("train",), ("data", "check", "x", "--no-such-option")])
def test_wrong_words_end_with_2(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.run(*words).returncode == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--base", "gpt-17"], "gpt-17"),
        (["--method", "magic"], "method"),
        (["--lora-r", "0"], "lora_r"),
        (["--learning-rate", "10"], "learning_rate"),
        (["--base", "tiny-base", "--replay", "99"], "replay"),
        (["--suffix", "<!channel>"], "suffix"),
        (["--set", "target_modules=foo_proj"], "target_modules"),
    ],
)
def test_a_run_that_cannot_be_is_refused_before_it_starts(
    terminal: Terminal, good: Path, options: list[str], named: str
) -> None:
    error = terminal.quick("train", str(good), *options, code=2)["error"]

    assert named in (error["param"], *error["message"].replace("“", " ").replace("”", " ").split())
    assert terminal.quick("status")["jobs"] == []


def test_the_same_seed_gives_the_same_parts_and_no_prompt_is_in_two(terminal: Terminal, good: Path) -> None:
    first = terminal.quick("data", "split", str(good), "--out", str(good.parent / "a"), "--seed", "3")
    second = terminal.quick("data", "split", str(good), "--out", str(good.parent / "b"), "--seed", "3")

    assert first["sha256s"] == second["sha256s"]
    parts = [set((good.parent / "a" / f"{name}.jsonl").read_text().splitlines()) for name in ("train", "dev", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 30


def test_advice_needs_no_service(terminal: Terminal) -> None:
    made = terminal.quick("advise", "should we fine-tune or use RAG? our prices change every day")

    assert made["verdict"] == "rag"


def test_an_estimate_starts_nothing_and_says_what_it_is_based_on(terminal: Terminal, good: Path) -> None:
    made = terminal.quick("estimate", str(good), "--method", "lora")

    assert made["trainable_params"] < made["total_params"] and made["seconds"] > 0 and made["basis"]
    assert terminal.quick("status")["jobs"] == []


def test_a_setting_of_the_wrong_kind_is_named(terminal: Terminal) -> None:
    done = terminal.run("status", TUNESMITH_LEASE_S="soon")

    assert done.returncode == 2 and "TUNESMITH_LEASE_S" in done.stderr and "Traceback" not in done.stderr


def test_identity_at_the_terminal_is_the_account_and_not_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    from tools.context import terminal_caller
    from trainer.settings import load_settings

    monkeypatch.setenv("LOGNAME", "grace")
    monkeypatch.setenv("USER", "grace")
    assert terminal_caller(load_settings()).user == f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


def test_ctrl_c_in_a_run_without_a_worker_puts_the_job_back_in_line(
    terminal: Terminal, good: Path, tmp_path: Path
) -> None:
    base = ("--base", str(make_pebble(tmp_path / "base")))
    long = ("--epochs", "100", "--batch-size", "1", "--set", "packing=false", "--set", "early_stopping_patience=0")
    command = [sys.executable, "-m", "tools.cli", "train", str(good), *base, *long, "--set", "evals_per_run=1"]
    how: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    how["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    with subprocess.Popen(command, env=terminal.env, **how) as process:
        assert process.stderr
        heard = next(line for line in process.stderr if line.startswith(("loading", "training")))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()

    (job,) = terminal.quick("status")["jobs"]
    assert (process.returncode, job["status"], job["attempts"]) == (130, "queued", 0), heard + rest
    assert f"tunesmith cancel {job['id']}" in rest


def test_a_file_that_cannot_be_trained_on_is_refused_with_the_first_reason(terminal: Terminal, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("".join(chat(f"question {n}") for n in range(9)))

    assert "needs at least 10" in terminal.quick("train", str(few), code=2)["error"]["message"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"REDIS_URL": "rubbish"}, "REDIS_URL"),
        ({"TUNESMITH_DATABASE_URL": "rubbish"}, "TUNESMITH_DATABASE_URL"),
        ({"TUNESMITH_DATABASE_URL": f"sqlite:///{ROOT}/README.md"}, "not a database"),
        ({"TUNESMITH_BLOB_URL": "nope://x"}, "TUNESMITH_BLOB_URL"),
        ({"TUNESMITH_HOME": "/proc/none"}, "TUNESMITH_HOME"),
        ({"TUNESMITH_GATEWAY_PORT": "99999"}, "TUNESMITH_GATEWAY_PORT"),
    ],
)
def test_a_setting_that_leads_nowhere_is_one_sentence(terminal: Terminal, settings: dict[str, str], named: str) -> None:
    done = terminal.run("status", "--json", **settings)

    assert done.returncode in (1, 2) and not done.stderr
    assert named in json.loads(done.stdout)["error"]["message"]


def test_a_base_whose_config_is_garbage_is_refused(terminal: Terminal, good: Path) -> None:
    for text in ("{garb", "[1]", '{"hidden_size": "x"}'):
        (good.parent / "config.json").write_text(text)
        error = terminal.quick("train", str(good), "--base", str(good.parent), code=2)["error"]
        assert error["code"] == "base_unreadable"


def test_a_base_without_a_chat_template_is_refused_when_it_is_asked_for(terminal: Terminal, good: Path) -> None:
    base = good.parent / "plain-base"
    base.mkdir()
    (base / "config.json").write_text(json.dumps(RECIPE.llama_config()))
    (base / "tokenizer_config.json").write_text('{"eos_token": "<|end|>"}')
    error = terminal.quick("train", str(good), "--base", str(base), code=2)["error"]
    assert error["code"] == "no_chat_template" and "template instruction" in error["message"]
    asked = ("estimate", str(good), "--base", str(base))
    assert terminal.quick(*asked, "--set", "template=instruction")["fits"] is not None
    (base / "chat_template.jinja").write_text("{{ messages }}")
    terminal.quick(*asked)


def test_a_base_that_has_gone_is_named_by_its_folder(terminal: Terminal, good: Path) -> None:
    error = terminal.quick("train", str(good), "--base", str(good.parent / "gone"), code=2)["error"]
    assert error["code"] == "unknown_base" and "no such folder" in error["message"]
