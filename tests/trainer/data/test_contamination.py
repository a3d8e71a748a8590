from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data import contamination
from trainer.data.analyze import Batch, Scene
from trainer.data.check import rows
from trainer.data.contamination import Contamination, overlap
from trainer.data.formats import load_format
from trainer.errors import BadInput
from trainer.settings import Settings

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "real"
RNG = random.Random(3)
VOCABULARY = ["".join(RNG.choices("etaoinshrdlucm", k=RNG.randint(2, 9))) for _ in range(3000)]


def prose(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(VOCABULARY, k=count))


def chat(prompt: str, answer: str = "fine", system: str = "") -> dict[str, object]:
    head = [{"role": "system", "content": system}] if system else []
    return {"messages": [*head, {"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}


def found(train: list[dict[str, object]], suite: list[dict[str, object]]) -> list[tuple[int, int, bool]]:
    return list(overlap(enumerate(train, 1), enumerate(suite, 1)))


def test_equal_prompts_are_told_apart_from_shared_words() -> None:
    rng = random.Random(1)
    long, short = prose(rng, 30), "Is it open?"
    suite = [chat(long), chat(short)]
    train = [
        chat(prose(rng, 50)),
        chat(long.upper() + "!", "another answer", "Another head."),
        chat(prose(rng, 9), " ".join(["So:", *long.split()[4:17], "and more"])),
        chat(" ".join(["So:", *long.split()[4:16], "and more"])),
        chat("Is it  open"),
        chat("Is it open now?"),
    ]
    assert found(train, suite) == [(2, 1, True), (3, 1, False), (5, 2, True)]


def test_short_cases_must_be_there_whole() -> None:
    rng = random.Random(2)
    case = prose(rng, 10)
    train = [chat(f"Well, {case}. {prose(rng, 20)}"), chat(f"{' '.join(case.split()[:9])} {prose(rng, 20)}")]
    assert found(train, [chat(case)]) == [(1, 1, False)]


def test_an_instruction_that_cases_share_proves_nothing() -> None:
    rng = random.Random(3)
    form = prose(rng, 30)
    suite = [chat(f"{form} {prose(rng, 20)}") for _ in range(40)]
    train = [chat(f"{form} {prose(rng, 20)}") for _ in range(40)]
    assert found(train, suite) == []
    assert found([*train, suite[7]], suite) == [(41, 8, True)]


def test_what_stands_above_a_prompt_of_few_words_is_part_of_it() -> None:
    suite = [chat("Go on", system="Sum up: the cat sat.")]
    assert found([chat("Go on", system="Sum up: the dog ran.")], suite) == []
    assert found([chat("go on!", system="Sum up:  the cat sat.")], suite) == [(1, 1, True)]


def test_the_case_that_shares_most_is_named() -> None:
    rng = random.Random(4)
    first, second = prose(rng, 40), prose(rng, 40)
    row = chat(" ".join(first.split()[:14] + second.split()[:30]))
    assert found([row], [chat(first), chat(second)]) == [(1, 2, False)]


def test_of_very_many_runs_a_sample_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contamination, "RUNS_HELD", 2000)
    rng = random.Random(5)
    suite = [chat(prose(rng, 100)) for _ in range(300)]
    train = [chat(f"{prose(rng, 5)} {row['messages'][0]['content']}") for row in suite]  # type: ignore[index]
    lines = found(train, suite)
    assert len(lines) > 270 and all(line == case for line, case, _ in lines)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.lists(st.text(max_size=60), max_size=8))
def test_any_text_can_be_compared(suite: list[str], train: list[str]) -> None:
    lines = [line for line, _, _ in found([chat(t) for t in train], [chat(t) for t in suite])]
    same = [i for i, text in enumerate(train, 1) if text in suite and text]
    assert lines == sorted(set(lines)) and set(same) <= set(lines)


def analyze(train: list[dict[str, object]], against: tuple[Path, ...], folder: Path) -> tuple[list, dict]:
    form = load_format()
    analyzer = Contamination(Scene(form, Settings.model_construct(), folder, against=against))
    raw = b"".join(json.dumps(row).encode() + b"\n" for row in train)
    told = list(analyzer.add(Batch(range(11, 11 + len(train)), train, [form.view(row) for row in train], raw)))
    return told + list(analyzer.finish()), analyzer.stats()


def test_findings_name_the_file_and_the_line(tmp_path: Path) -> None:
    rng = random.Random(6)
    suite = [chat(prose(rng, 40)) for _ in range(5)]
    path = tmp_path / "suite.jsonl"
    path.write_text("\n" + "".join(json.dumps(row) + "\n" for row in suite))
    part = " ".join(str(suite[1]["messages"][0]["content"]).split()[:20])  # type: ignore[index]
    told, stats = analyze([chat("new"), suite[0], chat(f"Once {part}")], (path,), tmp_path)
    assert [(f.line, f.code, f.message) for f in told] == [
        (12, "contaminated", "The same prompt as line 2 of suite.jsonl."),
        (13, "contaminated", "It holds words of line 3 of suite.jsonl: 28 % of its runs of words."),
    ]
    assert stats == {"contaminated_rows": 2, "against": [{"file": "suite.jsonl", "cases": 5, "seen": 2}]}


def test_it_is_idle_without_files_and_refuses_broken_ones(tmp_path: Path) -> None:
    assert analyze([chat("a")], (), tmp_path) == ([], {})
    broken = tmp_path / "x.jsonl"
    broken.write_text("")
    with pytest.raises(BadInput):
        analyze([chat("a")], (broken,), tmp_path)


@pytest.mark.skipif(not REAL.exists(), reason="the real datasets are not beside this repository")
def test_gsm8k_parts_share_nothing() -> None:
    train = list(rows(REAL / "msf_gsm8k_chat_train.jsonl"))
    held = list(rows(REAL / "msf_gsm8k_chat_validation.jsonl"))
    assert list(overlap(train, held)) == []
    assert list(overlap(held, held)) == [(line, line, True) for line, _ in held]
