"""`tunesmith preflight`, as a process: a real rehearsal on a base of a few kilobytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.test_cli import Terminal, chat
from tests.trainer.inference.pebble import make_pebble


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebble(tmp_path_factory.mktemp("base"))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "good.jsonl"
    path.write_text("".join(chat(f"question {n}", f"answer {n}") for n in range(30)))
    return path


def test_a_run_that_is_ready_says_so_shows_the_mask_and_leaves_no_model(tmp_path: Path, base: Path, rows: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    done = terminal.run("preflight", str(rows), "--base", str(base), "--set", "batch_size=4", "--lora-r", "4")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("Ready: 9 of 9 checks hold.")
    assert done.stdout.count("END <|end|>»") == 3 and "A step took" in done.stdout
    assert terminal.quick("models")["models"] == []
    (job,) = terminal.quick("status")["jobs"]
    assert job["id"].startswith("preflight-") and job["result"]["ok"] and job["result"]["measured"]["steps"] > 0
    assert not any((tmp_path / "home" / "work").glob("*/*/run"))
