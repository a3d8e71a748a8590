from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.trainer.inference.pebble import PEBBLE
from trainer.inference.model import load
from trainer.inference.tiny_base import build, ensure_tiny_base
from trainer.inference.tiny_recipe import RECIPE
from trainer.inference.tiny_tasks import TASKS, stream
from trainer.settings import load_settings
from trainer.types import ChatMessage, GenerateRequest, TrainProgress


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def prompts(path: Path) -> set[str]:
    return {json.loads(line)["messages"][0]["content"] for line in path.read_text().splitlines()}


def test_the_same_recipe_gives_the_same_bytes(tmp_path: Path, pebble: Path) -> None:
    again = build(tmp_path / "again", recipe=PEBBLE)
    for name in ("model.safetensors", "tokenizer.json", "tunesmith/suite.jsonl", "tunesmith/replay.jsonl"):
        assert sha(again / name) == sha(pebble / name)


def test_building_twice_builds_once_and_leaves_no_drafts(tmp_path: Path) -> None:
    told: list[TrainProgress] = []
    folder = build(tmp_path / "base", recipe=PEBBLE, progress=told.append)
    heard = len(told)
    assert build(folder, recipe=PEBBLE, progress=told.append) == folder
    assert heard == len(told) > 0 and told[0].total_steps == PEBBLE.steps
    assert {p.name for p in tmp_path.iterdir()} == {"base", "base.lock"}


def test_suite_replay_and_pretraining_share_no_prompt(tmp_path: Path) -> None:
    from trainer.inference import tiny_tasks

    suite = tiny_tasks.sealed(RECIPE.seed + 1, RECIPE.suite_rows)
    sealed = frozenset(item.prompt for item in suite)
    replay = tiny_tasks.sealed(RECIPE.seed + 2, RECIPE.replay_rows, sealed)
    assert len(sealed) == RECIPE.suite_rows >= 250 and len(replay) == RECIPE.replay_rows >= 400
    kept_out = sealed | {item.prompt for item in replay}
    assert len(kept_out) == len(suite) + len(replay)
    items = stream(RECIPE.seed, frozenset(kept_out))
    assert not kept_out & {next(items).prompt for _ in range(5000)}
    assert {item.task for item in suite} == set(TASKS)


def test_the_digest_follows_the_recipe() -> None:
    assert RECIPE.digest() == replace(RECIPE).digest() != replace(RECIPE, steps=RECIPE.steps + 1).digest()


@pytest.mark.timeout(900)
def test_the_tiny_base_can_do_its_old_tasks_and_no_tickets() -> None:
    folder = ensure_tiny_base(load_settings())
    assert prompts(folder / "tunesmith/suite.jsonl").isdisjoint(prompts(folder / "tunesmith/replay.jsonl"))
    rows = [json.loads(line) for line in (folder / "tunesmith/suite.jsonl").read_text().splitlines()]
    asked = [GenerateRequest((ChatMessage("user", r["messages"][0]["content"]),), max_tokens=48) for r in rows]
    answers = load(str(folder)).generate(asked, batch_size=64)
    right = sum(a.text == r["messages"][1]["content"] for a, r in zip(answers, rows, strict=True))
    assert right / len(rows) >= 0.85
