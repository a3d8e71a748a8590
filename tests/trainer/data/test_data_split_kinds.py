"""The split of rows that are not chat: one shape a kind, and no prompt in two parts."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.data.check import check, rows
from trainer.data.split import PARTS, SplitResult, prompt_keys, split
from trainer.errors import BadInput

QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def says(role: str, text: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": text}]


def write(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return path


def texts(ask: str, good: str, bad: str) -> dict[str, Any]:
    return {"prompt": ask, "chosen": good, "rejected": bad}


def lists(ask: str, good: str, bad: str) -> dict[str, Any]:
    return {"prompt": says("user", ask), "chosen": says("assistant", good), "rejected": says("assistant", bad)}


def whole(ask: str, good: str, bad: str) -> dict[str, Any]:
    said = says("user", ask)
    return {"chosen": said + says("assistant", good), "rejected": said + says("assistant", bad)}


def openai(ask: str, good: str, bad: str) -> dict[str, Any]:
    outputs = {"preferred_output": says("assistant", good), "non_preferred_output": says("assistant", bad)}
    return {"input": {"messages": says("user", ask)}} | outputs


PAIRS = {"texts": texts, "lists": lists, "whole": whole, "openai": openai}


def written(result: SplitResult) -> list[dict[str, Any]]:
    found = [row for part in PARTS for row in result.files[part].read_text().splitlines()]
    return [json.loads(line) for line in found]


@pytest.mark.parametrize("made", PAIRS)
def test_a_pair_is_written_in_one_shape_whatever_it_came_in(tmp_path: Path, made: str) -> None:
    pairs = [PAIRS[made](f"ask {i}", f"good {i}", f"bad {i}") for i in range(30)]
    result = split(write(tmp_path / "f.jsonl", pairs), tmp_path / "out")
    assert {json.dumps(row) for row in written(result)} == {
        json.dumps(lists(f"ask {i}", f"good {i}", f"bad {i}")) for i in range(30)
    }
    assert all(check(path).kind == "preference" for path in result.files.values())
    assert all(check(path).accepted == result.counts[part] for part, path in result.files.items())


@QUICK
@given(seed=st.integers(0, 10**6), prompts=st.integers(12, 30), made=st.sampled_from([*PAIRS]))
def test_no_prompt_and_no_near_prompt_is_in_two_parts(tmp_path: Path, seed: int, prompts: int, made: str) -> None:
    rng = random.Random(seed)
    asked = [" ".join(f"w{rng.randint(0, 5000)}" for _ in range(30)) for _ in range(prompts)]
    pairs = []
    for number, ask in enumerate(asked):
        for turn in range(rng.randint(1, 4)):
            near = rng.choice([ask, ask.upper() + "!", ask.replace(" ", "  "), ask + " and more"])
            pairs.append(PAIRS[made](near, f"good {number} {turn}", f"bad {rng.random()}"))
    rng.shuffle(pairs)
    result = split(write(tmp_path / "f.jsonl", pairs), tmp_path / "out", seed=seed)
    where: dict[str, set[str]] = {}
    for part in PARTS:
        for _, row in rows(result.files[part]):
            first = " ".join(row["prompt"][0]["content"].lower().replace("!", "").split()[:30])
            where.setdefault(first, set()).add(part)
    assert sum(result.counts.values()) + result.dropped_duplicates == len(pairs)
    assert {len(parts) for parts in where.values()} == {1}


def test_several_answers_in_turn_share_the_prompt_before_them(tmp_path: Path) -> None:
    """The better answer calls a tool first: its own turns are not part of what the rows are grouped by."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    steps = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "call_1", "content": "ok"}]
    pairs = []
    for i in range(20):
        pairs.append(openai(f"ask {i}", "yes", "no") | {"preferred_output": steps + says("assistant", f"so {i}")})
        pairs.append(openai(f"ask {i}", f"plainly {i}", "no"))
    result = split(write(tmp_path / "f.jsonl", pairs), tmp_path / "out", near=False)
    assert sum(result.groups.values()) == 20
    keys = [prompt_keys(result.files[part]) for part in PARTS]
    assert not keys[0] & keys[2] and not keys[0] & keys[1] and f"ask {0}" in keys[0] | keys[1] | keys[2]


def test_rated_answers_keep_their_labels(tmp_path: Path) -> None:
    made = [{"prompt": f"ask {i % 20}", "completion": f"says {i}", "label": i % 3 == 0} for i in range(60)]
    result = split(write(tmp_path / "f.jsonl", made), tmp_path / "out", stratify="key:label")
    row = next(row for row in written(result) if row["completion"][0]["content"] == "says 3")
    assert row == {"prompt": says("user", "ask 3"), "completion": says("assistant", "says 3"), "label": True}
    assert result.strata is not None and set(result.strata) == {"true", "false"}


def test_plain_texts_stay_texts_and_copies_of_them_go(tmp_path: Path) -> None:
    made = [{"text": f"page {i} of the book", "url": f"u{i}"} for i in range(30)]
    result = split(write(tmp_path / "f.jsonl", [*made, made[0] | {"url": "again"}]), tmp_path / "out")
    assert all(row.keys() == {"text"} for row in written(result)) and result.dropped_duplicates == 1


def test_pairs_without_a_common_beginning_have_no_prompt_and_stay_apart(tmp_path: Path) -> None:
    made = [{"chosen": f"{i} is it", "rejected": f"never {i}"} for i in range(30)]
    result = split(write(tmp_path / "f.jsonl", made), tmp_path / "out", near=False)
    assert all("prompt" not in row for row in written(result)) and sum(result.groups.values()) == 30


def test_too_few_prompts_are_said(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [lists(f"ask {i % 5}", f"good {i}", f"bad {i}") for i in range(40)])
    with pytest.raises(BadInput, match="5 different prompts"):
        split(path, tmp_path / "out")
