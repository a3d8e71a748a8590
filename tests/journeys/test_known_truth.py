"""Three candidates of which we know the truth, on the tiny base: one that forgets, one that keeps, one judged on too
few rows. The new skill is small, so that training takes seconds."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import lighter_cache
from tests.tools.test_cli import Terminal
from trainer.inference.tiny_tasks import OFFICE

TEAMS = {
    "billing": ("bill", "invoice", "paid", "money", "card"),
    "login": ("password", "login", "user", "name"),
    "mobile": ("app", "call", "screen", "mobile"),
}
OLD = 120
FAST = ("--base", "tiny-base", "--method", "lora", "--lr", "0.01", "--batch-size", "16", "--set", "evals_per_run=1")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def sooner(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Terminal:
    """Where fewer rows of old skills tell as well."""
    made = Terminal(tmp_path_factory.mktemp("home"))
    made.env["TUNESMITH_CACHE"] = lighter_cache(tiny_base, tmp_path_factory.mktemp("cache"), rows=OLD)
    return made


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


def test_who_forgets_is_refused_and_the_suite_is_named(sooner: Terminal, tmp_path: Path) -> None:
    found = judged(sooner, tickets(tmp_path / "teams.jsonl", 300), "--epochs", "5", code=1)
    assert (found["verdict"], found["report"]["code"]) == ("FAIL", "forgot")
    told = re.match(r"old-skills: of (\d+) rows that the base answers rightly", reason(found, "is forgotten"))
    assert told and 100 < int(told[1]) <= OLD
    assert found["report"]["metrics"]["exact_match"]["p"] < 0.001, "it did learn the new skill"


def test_who_trained_with_replay_passes(terminal: Terminal, tmp_path: Path) -> None:
    rows = tickets(tmp_path / "teams.jsonl", 300)
    found = judged(terminal, rows, "--epochs", "5", "--replay", "3", "--lr", "0.006", code=0)
    assert found["verdict"] == "PASS", found["report"]["reasons"]
    assert found["report"]["registered"]["digest"]


def test_too_few_rows_decide_nothing_and_how_many_would_is_said(sooner: Terminal, tmp_path: Path) -> None:
    found = judged(sooner, tickets(tmp_path / "few.jsonl", 40), "--epochs", "1", "--replay", "1", code=1)
    assert (found["verdict"], found["report"]["code"]) == ("INCONCLUSIVE", "too_few_rows")
    assert f"{found['report']['more_test_rows']:,} more" in reason(found, "too few to judge")
