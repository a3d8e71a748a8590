from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
        split(write(tmp_path / "x.jsonl", []), tmp_path / "out")
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


def long_row(text: str, answer: str = "a", **metadata: str) -> str:
    said = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": said} | ({"metadata": metadata} if metadata else {}))


def prose(rng: random.Random, count: int = 40) -> str:
    return " ".join(f"w{rng.randint(0, 5000)}" for _ in range(count))


def changed(rng: random.Random, text: str) -> str:
    said = text.split()
    said[rng.randrange(len(said))] = "other"
    return rng.choice([" ".join(said), text.upper() + "!", text + " And one more thing.", text.replace(" ", ",  ")])


def parts_by(result: SplitResult, key: Callable[[dict[str, Any]], Any]) -> dict[Any, set[str]]:
    """Where the rows of each key lie."""
    where: dict[Any, set[str]] = {}
    for part in PARTS:
        for _, found in rows(result.files[part]) if result.counts[part] else ():
            where.setdefault(key(found), set()).add(part)
    return where


@QUICK
@given(seed=st.integers(0, 10**6), families=st.integers(12, 40))
def test_near_duplicates_never_straddle_and_order_does_not_matter(tmp_path: Path, seed: int, families: int) -> None:
    rng = random.Random(seed)
    texts = [prose(rng) for _ in range(families)]
    lines = []
    for number, text in enumerate(texts):
        for _ in range(rng.randint(1, 4)):
            lines.append(long_row(changed(rng, text), rng.choice("ab"), family=str(number)))
    one = split(write(tmp_path / "a.jsonl", lines), tmp_path / "a", seed=seed)
    assert all(len(where) == 1 for where in parts_by(one, lambda r: r["metadata"]["family"]).values())
    rng.shuffle(lines)
    two = split(write(tmp_path / "b.jsonl", lines + lines[:7]), tmp_path / "b", seed=seed)
    assert (one.groups, one.counts) == (two.groups, two.counts)
    assert members(one) == members(two)


def test_without_near_they_may(tmp_path: Path) -> None:
    rng = random.Random(1)
    texts = [prose(rng) for _ in range(60)]
    lines = [long_row(changed(rng, text), family=str(i)) for i, text in enumerate(texts) for _ in range(4)]
    path = write(tmp_path / "f.jsonl", lines)
    loose, close = split(path, tmp_path / "a", near=False), split(path, tmp_path / "b")
    assert any(len(where) > 1 for where in parts_by(loose, lambda r: r["metadata"]["family"]).values())
    assert loose.merged == 0 and loose.notes == () and close.merged > 60 and sum(close.groups.values()) == 60
    assert "nearly the same" in close.notes[-1]


def test_groups_by_key_and_by_conversation(tmp_path: Path) -> None:
    lines = [long_row(f"q{i}", customer=f"c{i % 40}") for i in range(400)] + [long_row("q3", "b", customer="c99")]
    result = split(write(tmp_path / "a.jsonl", lines), tmp_path / "a", group="key:metadata.customer")
    where = parts_by(result, lambda r: r["metadata"]["customer"])
    assert all(len(parts) == 1 for parts in where.values()) and where["c99"] == where["c3"]
    assert sum(result.groups.values()) == 40
    talks = [long_row(f"q{i}", conversation_id=f"t{i % 30}") for i in range(90)]
    firsts = [json.loads(long_row(f"first {i}"))["messages"] for i in range(9)]
    talks += [json.dumps({"messages": first * times}) for first in firsts for times in (1, 2)]
    result = split(write(tmp_path / "b.jsonl", talks), tmp_path / "b", group="conversation")
    key = lambda r: r.get("metadata", {}).get("conversation_id") or r["messages"][0]["content"]  # noqa: E731
    assert all(len(parts) == 1 for parts in parts_by(result, key).values()) and sum(result.groups.values()) == 39


def test_other_formats_are_split_too(tmp_path: Path) -> None:
    alpaca = [json.dumps({"instruction": f"Do {i}", "input": "", "output": "done"}) for i in range(40)]
    result = split(write(tmp_path / "a.jsonl", alpaca), tmp_path / "a")
    assert "messages" in json.loads(result.files["test"].read_text().splitlines()[0])


def test_rows_without_the_key_are_told(tmp_path: Path) -> None:
    lines = [long_row(f"q{i}", customer=f"c{i % 20}") for i in range(60)] + [long_row(f"z{i}") for i in range(5)]
    path = write(tmp_path / "a.jsonl", lines)
    result = split(path, tmp_path / "a", group="key:metadata.customer")
    assert any("5 rows lack metadata.customer" in note for note in result.notes)
    with pytest.raises(BadInput, match="No row has 'shop'"):
        split(path, tmp_path / "b", group="key:shop")


def test_every_label_keeps_its_share(tmp_path: Path) -> None:
    labels = ["common"] * 700 + ["rare"] * 50 + ["rarest"] * 20
    path = write(tmp_path / "a.jsonl", [long_row(f"q{i}", label) for i, label in enumerate(labels)])
    result = split(path, tmp_path / "a", stratify="answer")
    assert result.strata == {
        "common": {"train": 490, "dev": 70, "test": 140},
        "rare": {"train": 35, "dev": 5, "test": 10},
        "rarest": {"train": 14, "dev": 2, "test": 4},
    }
    turned = write(tmp_path / "b.jsonl", path.read_text().splitlines()[::-1])
    again = split(turned, tmp_path / "b", stratify="answer")
    assert members(again) == members(result)


def test_labels_must_be_few_and_rare_ones_count_together(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [long_row(f"q{i}", f"answer {i}") for i in range(200)])
    counts = split(path, tmp_path / "a", stratify="answer").counts
    assert counts == {"train": 140, "dev": 20, "test": 40}
    path = write(tmp_path / "b.jsonl", [long_row(f"q{i}", f"answer {i}") for i in range(1200)])
    with pytest.raises(BadInput, match="1,000 different labels"):
        split(path, tmp_path / "b", stratify="answer")
    with pytest.raises(BadInput, match="stratified by 'mood'"):
        split(path, tmp_path / "b", stratify="mood")


def test_one_huge_group_is_told_and_stays_together(tmp_path: Path) -> None:
    lines = [long_row(f"q{i}") for i in range(40)] + [long_row("the same", f"answer {i}") for i in range(400)]
    result = split(write(tmp_path / "a.jsonl", lines), tmp_path / "a")
    assert "One group of 400 rows stays together" in result.notes[0]
    assert json.loads((tmp_path / "a" / "split.json").read_text())["notes"] == list(result.notes)


def test_clusters_are_not_drawn_to_the_test_part(tmp_path: Path) -> None:
    rng = random.Random(2)
    lines = [long_row(changed(rng, text)) for text in [prose(rng) for _ in range(300)] for _ in range(5)]
    result = split(write(tmp_path / "a.jsonl", lines), tmp_path / "a")
    assert 40 <= result.groups["test"] <= 80


def test_too_few_once_near_duplicates_are_joined(tmp_path: Path) -> None:
    rng = random.Random(3)
    texts = [prose(rng) for _ in range(4)]
    lines = [long_row(other) for text in texts for other in (text, text + " Or not.", text.replace("w1", "v1", 1))]
    with pytest.raises(BadInput, match="12 different prompts, but only 4"):
        split(write(tmp_path / "a.jsonl", lines), tmp_path / "a")


def test_a_label_that_no_row_has_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [row(f"q{i}") for i in range(40)])
    with pytest.raises(BadInput, match=r"No row has 'metadata\.topic'"):
        split(path, tmp_path / "out", stratify="key:metadata.topic")
