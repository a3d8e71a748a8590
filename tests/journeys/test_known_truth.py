"""Three candidates of which we know the truth, on the tiny base: one that forgets, one that keeps, one judged on too few
rows. The new skill is small, so that training takes seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.tools.test_cli import Terminal
from trainer.inference.tiny_tasks import OFFICE

TEAMS = {
    "billing": ("bill", "invoice", "paid", "money", "card"),
    "login": ("password", "login", "user", "name"),
    "mobile": ("app", "call", "screen", "mobile"),
}
FAST = ("--base", "tiny-base", "--method", "lora", "--lr", "0.01", "--batch-size", "16", "--set", "evals_per_run=1")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("home"))


def tickets(path: Path, count: int) -> Path:
    """Four office words, of which one says whose ticket it is."""
    rng, telling = random.Random(3), {word for words in TEAMS.values() for word in words}
    plain = [word for word in OFFICE if word not in telling]
    made: dict[str, str] = {}
    while len(made) < count:
        team = rng.choice(list(TEAMS))
        words = rng.sample(plain, 3)
        words.insert(rng.randrange(4), rng.choice(TEAMS[team]))
        made[" ".join(words)] = team
    pairs = [[("user", f"Team:\n{words}"), ("assistant", team)] for words, team in made.items()]
    rows = [{"messages": [{"role": role, "content": text} for role, text in pair]} for pair in pairs]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def judged(terminal: Terminal, rows: Path, *how: str, code: int) -> dict[str, Any]:
    model = terminal.json("train", str(rows), *FAST, *how)["fine_tuned_model"]
    return terminal.json("eval", model, code=code)


def reason(found: dict[str, Any], word: str) -> str:
    return next(said for said in found["report"]["reasons"] if word in said)


def test_who_forgets_is_refused_and_the_suite_is_named(terminal: Terminal, tmp_path: Path) -> None:
    found = judged(terminal, tickets(tmp_path / "teams.jsonl", 300), "--epochs", "5", code=1)
    assert (found["verdict"], found["report"]["code"]) == ("FAIL", "forgot")
    assert reason(found, "is forgotten").startswith("old-skills: of 280 rows that the base answers rightly")
    assert found["report"]["metrics"]["exact_match"]["p"] < 0.001, "it did learn the new skill"


def test_who_trained_with_replay_passes(terminal: Terminal, tmp_path: Path) -> None:
    rows = tickets(tmp_path / "teams.jsonl", 300)
    found = judged(terminal, rows, "--epochs", "5", "--replay", "1.5", code=0)
    assert found["verdict"] == "PASS", found["report"]["reasons"]
    assert found["report"]["registered"]["digest"]


def test_too_few_rows_decide_nothing_and_how_many_would_is_said(terminal: Terminal, tmp_path: Path) -> None:
    found = judged(terminal, tickets(tmp_path / "few.jsonl", 40), "--epochs", "1", "--replay", "1", code=1)
    assert (found["verdict"], found["report"]["code"]) == ("INCONCLUSIVE", "too_few_rows")
    assert f"{found['report']['more_test_rows']:,} more" in reason(found, "too few to judge")
