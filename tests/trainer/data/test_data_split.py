from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.data.check import check, rows
from trainer.data.split import PARTS, SplitResult, prompt_key, split
from trainer.errors import BadInput

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "real"
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def row(question: str, answer: str = "a") -> str:
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def members(result: SplitResult) -> dict[str, set[str]]:
    return {part: {prompt_key(row) for _, row in rows(result.files[part])} for part in PARTS if result.counts[part]}


def test_every_row_lands_once_and_prompts_stay_together(tmp_path: Path) -> None:
    lines = [row(f"Question {i % 120}", f"answer {i}") for i in range(240)] + [row("QUESTION  7 ", "shouted")]
    result = split(write(tmp_path / "f.jsonl", [*lines, lines[0], lines[0]]), tmp_path / "out")
    parts = list(members(result).values())
    assert sum(result.counts.values()) == 241 and result.dropped_duplicates == 2
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert result.groups == {part: len(keys) for part, keys in zip(PARTS, parts, strict=True)}
    assert 10 <= result.groups["test"] <= 40


def test_the_same_seed_gives_known_files_and_another_seed_others(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [row(f"q{i}") for i in range(200)])
    one, two, other = (split(path, tmp_path / name, seed=s) for name, s in (("a", 17), ("b", 17), ("c", 18)))
    assert one.sha256s == two.sha256s != other.sha256s
    assert one.counts == {"train": 139, "dev": 17, "test": 44}  # pinned: it is the same on every machine
    assert json.loads((tmp_path / "a" / "split.json").read_text())["sha256s"] == one.sha256s


@QUICK
@given(seed=st.integers(0, 10**6), more=st.integers(1, 60))
def test_adding_and_shuffling_rows_moves_no_row(tmp_path: Path, seed: int, more: int) -> None:
    lines = [row(f"q{i}") for i in range(150)]
    before = members(split(write(tmp_path / "a.jsonl", lines), tmp_path / "a", seed=seed))
    lines += [row(f"new{i}") for i in range(more)]
    random.Random(seed).shuffle(lines)
    after = members(split(write(tmp_path / "b.jsonl", lines), tmp_path / "b", seed=seed))
    assert all(before[part] <= after[part] for part in PARTS)


@QUICK
@given(
    groups=st.integers(10, 16),
    seed=st.integers(0, 10**6),
    shares=st.sampled_from([(0.1, 0.2), (0.01, 0.01), (0.45, 0.5), (0.0, 0.9), (0.3, 0.0)]),
)
def test_ten_groups_are_enough_for_every_part(
    tmp_path: Path, groups: int, seed: int, shares: tuple[float, float]
) -> None:
    dev, test = shares
    path = write(tmp_path / "f.jsonl", [row(f"q{i}") for i in range(groups)])
    result = split(path, tmp_path / "out", seed=seed, dev=dev, test=test)
    assert result.counts["train"] and bool(result.counts["dev"]) == (dev > 0)
    assert bool(result.counts["test"]) == (test > 0)


def test_bad_requests_write_nothing(tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", [row(f"q{i % 9}", str(i)) for i in range(40)])
    enough = write(tmp_path / "enough.jsonl", [row(f"q{i}") for i in range(40)])
    with pytest.raises(BadInput, match="9 different prompts"):
        split(few, tmp_path / "out")
    with pytest.raises(BadInput, match="Shares"):
        split(enough, tmp_path / "out", dev=0.5, test=0.5)
    with pytest.raises(BadInput, match="prompt"):
        split(enough, tmp_path / "out", group="mood")
    with pytest.raises(BadInput, match="cannot be used"):
        split(write(tmp_path / "x.jsonl", ["a,b", "1,2"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_broken_rows_stay_out(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", ["{", *[row(f"q{i}") for i in range(30)], "{}"])
    result = split(path, tmp_path / "out")
    assert sum(result.counts.values()) == 30
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "dev.jsonl",
        "split.json",
        "test.jsonl",
        "train.jsonl",
    ]


def test_a_real_dataset(tmp_path: Path) -> None:
    path = REAL / "msf_gsm8k_chat_train.jsonl"
    if not path.exists():
        pytest.skip("the real datasets are not beside this repository")
    result = split(path, tmp_path / "out")
    assert sum(result.counts.values()) == 449
    assert check(result.files["train"]).findings == ()
