"""Families of edited rows never straddle a split: words changed, dropped or added, punctuation, case, politeness."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from trainer.data.split import PARTS, SplitResult, split

HEADS = ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr"]
SOUNDS = [head + tail for head in HEADS for tail in ("a", "e", "i", "o", "u", "ai", "ou")]
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def prose(rng: random.Random, count: int) -> str:
    made = ("".join(rng.choices(SOUNDS, k=rng.randint(2, 4))) for _ in range(count))
    return " ".join(made).capitalize() + "?"


def harmless(rng: random.Random, text: str) -> str:
    """The same words in another dress."""
    return rng.choice(
        [text.upper(), text.rstrip("?") + " …", text.replace(" ", ",  ", 2), f" “{text}”\n", text.lower()]
    )


def politer(rng: random.Random, text: str) -> str:
    return rng.choice([f"Please, {text.lower()}", f"{text[:-1]} please?", text.replace(" ", " kindly ", 1)])


def reworded(rng: random.Random, text: str) -> str:
    """One word changed or left out."""
    said = text.split()
    place = rng.randrange(len(said))
    said[place : place + 1] = rng.choice([[], [prose(rng, 1)[:-1].lower()]])
    return " ".join(said)


def row(family: int, prompt: str, answer: str, **more: str) -> str:
    said = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": said, "metadata": {"family": str(family), **more}})


def straddling(result: SplitResult) -> set[str]:
    where: defaultdict[str, set[str]] = defaultdict(set)
    for part in PARTS:
        for line in result.files[part].read_text(encoding="utf-8").splitlines():
            where[json.loads(line)["metadata"]["family"]].add(part)
    return {family for family, parts in where.items() if len(parts) > 1}


def made(folder: Path, lines: list[str], seed: int, **asked: str) -> SplitResult:
    random.Random(seed).shuffle(lines)
    path = folder / "rows.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return split(path, folder / "out", seed=seed, **asked)  # type: ignore[arg-type]


def families(
    rng: random.Random, edit: Callable[[random.Random, str], str], words: int, copies: int, *, same_answer: bool
) -> list[str]:
    lines = []
    for family in range(20):
        prompt, answer = prose(rng, words), prose(rng, 6)
        for copy in range(copies):
            said = answer if same_answer else prose(rng, 6)
            lines.append(row(family, edit(rng, prompt) if copy else prompt, said))
    return lines


@QUICK
@given(seed=st.integers(0, 10**6), words=st.integers(8, 60), copies=st.integers(2, 4), same=st.booleans())
def test_the_same_words_in_another_dress(tmp_path: Path, seed: int, words: int, copies: int, same: bool) -> None:
    lines = families(random.Random(seed), harmless, words, copies, same_answer=same)
    assert straddling(made(tmp_path, lines, seed)) == set()


@QUICK
@given(seed=st.integers(0, 10**6), words=st.integers(5, 15) | st.integers(30, 60), same=st.booleans())
def test_a_please_is_no_other_question(tmp_path: Path, seed: int, words: int, same: bool) -> None:
    lines = families(random.Random(seed), politer, words, 2, same_answer=same)
    assert straddling(made(tmp_path, lines, seed)) == set()


@QUICK
@given(seed=st.integers(0, 10**6), words=st.integers(30, 60), copies=st.integers(2, 4), same=st.booleans())
def test_one_word_changed(tmp_path: Path, seed: int, words: int, copies: int, same: bool) -> None:
    lines = families(random.Random(seed), reworded, words, copies, same_answer=same)
    assert straddling(made(tmp_path, lines, seed)) == set()


@QUICK
@given(seed=st.integers(0, 10**6), copies=st.integers(5, 30))
def test_large_families(tmp_path: Path, seed: int, copies: int) -> None:
    lines = families(random.Random(seed), reworded, 30, copies, same_answer=True)
    assert straddling(made(tmp_path, lines, seed)) == set()


@QUICK
@given(seed=st.integers(0, 10**6))
def test_one_prompt_with_many_answers_and_one_conversation_with_many_turns(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    lines = [row(n, f"prompt {n}", prose(rng, 9)) for n in range(15) for _ in range(5)]
    assert straddling(made(tmp_path, lines, seed)) == set()
    lines = [row(n, prose(rng, 12), prose(rng, 9), conversation_id=f"c{n}") for n in range(15) for _ in range(5)]
    assert straddling(made(tmp_path, lines, seed, group="conversation")) == set()


def test_short_prompts_of_different_meaning_stay_apart(tmp_path: Path) -> None:
    lines = [row(n, f"What is {n} + {n * 7 + 1}?", str(n)) for n in range(60)]
    lines += [row(100 + n, f"Name the capital of country {name}", name) for n, name in enumerate(SOUNDS[:60])]
    assert sum(made(tmp_path, lines, 3).groups.values()) == 120


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_split_is_the_same_in_every_process(threads: str, tmp_path: Path) -> None:
    lines = families(random.Random(4), reworded, 25, 3, same_answer=False)
    here = made(tmp_path, lines, 4)
    code = (
        "import sys; from pathlib import Path; from trainer.data.split import split;"
        "print(split(Path(sys.argv[1]), Path(sys.argv[2]), seed=4).sha256s)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "rows.jsonl"), str(tmp_path / "there")]
    env = os.environ | {"PYTHONHASHSEED": threads * 3, "RAYON_NUM_THREADS": threads}
    told = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(here.sha256s)
