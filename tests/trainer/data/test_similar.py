from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.analyze import Batch, Scene
from trainer.data.check import rows
from trainer.data.duplicates import Duplicates
from trainer.data.formats import load_format
from trainer.data.similar import Clusters
from trainer.data.similar.clusters import common_limit, distinct, firsts, is_among
from trainer.data.similar.shingles import shingles
from trainer.data.similar.words import words
from trainer.settings import Settings
from trainer.types import Finding

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "real"
RNG = random.Random(3)
VOCABULARY = ["".join(RNG.choices("etaoinshrdlucm", k=RNG.randint(2, 9))) for _ in range(3000)]


def prose(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(VOCABULARY, k=count))


def roots(texts: list[str], folder: Path, size: int = 50) -> list[int]:
    clusters = Clusters(folder)
    for start in range(0, len(texts), size):
        clusters.add(texts[start : start + size])
    return clusters.roots().tolist()


def other_word(rng: random.Random, text: str) -> str:
    said = text.split()
    said[rng.randrange(len(said))] = rng.choice(VOCABULARY)
    return " ".join(said)


def typo(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text) - 2)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def punctuation(rng: random.Random, text: str) -> str:
    return "  ".join(word + rng.choice(["", ",", ".", " -", "!"]) for word in text.upper().split()) + "\n"


def sentence(rng: random.Random, text: str) -> str:
    return f"{text} {prose(rng, rng.randint(4, 9)).capitalize()}."


@pytest.mark.parametrize("change", [other_word, typo, punctuation, sentence])
def test_small_changes_in_rows_of_thirty_words_are_found(tmp_path: Path, change: object) -> None:
    rng = random.Random(1)
    texts = [prose(rng, rng.randint(30, 60)) for _ in range(400)]
    found = roots(texts + [change(rng, text) for text in texts], tmp_path)  # type: ignore[operator]
    assert found[:400] == list(range(400))
    assert np.mean(np.array(found[400:]) == np.arange(400)) >= 0.95


def test_other_texts_are_left_alone(tmp_path: Path) -> None:
    rng = random.Random(2)
    texts = [prose(rng, rng.randint(1, 80)) + f" {i}" for i in range(1000)]
    assert roots(texts, tmp_path) == list(range(1000))


def test_short_texts_are_the_same_only_when_they_say_the_same(tmp_path: Path) -> None:
    texts = [
        "What is 2 + 2?",
        "what is  2 + 2",
        "What is 2 - 2?",
        "Who's there?",
        "Whos there",
        "Who is there",
        "日本",
        "日本。",
    ]
    assert roots(texts, tmp_path) == [0, 0, 2, 3, 3, 5, 6, 6]


def test_the_same_words_under_another_head_are_not_the_same(tmp_path: Path) -> None:
    clusters = Clusters(tmp_path)
    clusters.add(["yes", "yes", "yes"], np.array([1, 2, 1], np.uint64))
    assert clusters.roots().tolist() == [0, 1, 0]


def test_a_template_does_not_make_rows_alike(tmp_path: Path) -> None:
    rng = random.Random(4)
    form = prose(rng, 120)
    texts = [f"{form} {prose(rng, 40)}" for _ in range(300)]
    near = [other_word(rng, text) for text in texts[:50]]
    assert roots(texts + near, tmp_path)[:300] == list(range(300))


def test_scripts_without_spaces_and_long_words(tmp_path: Path) -> None:
    rng = random.Random(5)
    chinese = ["".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(60)) for _ in range(40)]
    blobs = ["".join(rng.choices("abcdef0123456789", k=900)) for _ in range(40)]
    texts = chinese + blobs
    changed = [text[:30] + "好" + text[31:] for text in chinese] + [blob + "ab" for blob in blobs]
    assert roots(texts + changed, tmp_path) == [*range(80), *range(80)]
    assert roots([blobs[0], blobs[0][:-1] + "z"], tmp_path) == [0, 0]


def test_a_row_of_one_word_keeps_little(tmp_path: Path) -> None:
    texts = [f"{word} " * 50_000 for word in VOCABULARY[:40]]
    assert shingles(texts).counts.max() <= 256
    assert roots([text + end for end in ("", "!", " so it goes on") for text in texts], tmp_path)[40:80] == [*range(40)]


def test_large_clusters_are_joined_whole(tmp_path: Path) -> None:
    rng = random.Random(6)
    texts = [prose(rng, 60) for _ in range(100)]
    copies = [other_word(rng, texts[i % 100]) for i in range(2000)]
    assert roots(texts + copies, tmp_path) == [*range(100), *[i % 100 for i in range(2000)]]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(1, 70))
def test_order_and_batches_change_nothing(tmp_path_factory: pytest.TempPathFactory, seed: int, size: int) -> None:
    rng = random.Random(seed)
    texts = [prose(rng, rng.randint(20, 90)) for _ in range(60)]
    texts += [change(rng, rng.choice(texts)) for change in (other_word, typo, sentence, other_word) for _ in range(15)]
    order = rng.sample(range(len(texts)), len(texts))
    folder = tmp_path_factory.mktemp("order")
    one, two = roots(texts, folder), roots([texts[i] for i in order], folder, size)
    assert _groups(one, range(len(texts))) == _groups(two, order)


def _groups(found: list[int], names: object) -> set[frozenset[int]]:
    made: dict[int, set[int]] = {}
    for root, name in zip(found, names, strict=True):  # type: ignore[call-overload]
        made.setdefault(root, set()).add(name)
    return {frozenset(group) for group in made.values()}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=12))
def test_any_text_has_shingles_of_its_own_row(texts: list[str]) -> None:
    made = shingles(texts)
    assert len(made.counts) == len(made.widths) == len(made.whole) == len(texts) and made.widths.min() >= 1
    assert made.counts.sum() == len(made.kept)
    alone = [shingles([text]) for text in texts]
    assert [one.whole[0] for one in alone] == made.whole.tolist()
    assert np.array_equal(np.concatenate([one.kept for one in alone]), made.kept)
    assert len(words(texts).counts) == len(texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60))
def test_arithmetic_on_keys(keys: list[int]) -> None:
    values = np.array(keys, np.uint32) * np.uint32(99_999_989)
    assert firsts(values).tolist() == [keys.index(key) for key in keys]
    assert distinct(values).tolist() == sorted(set(values.tolist()))
    twice = distinct(values, 2)
    assert twice.tolist() == sorted({v for v in values.tolist() if values.tolist().count(v) > 1})
    assert is_among(values, twice).tolist() == [keys.count(key) > 1 for key in keys]


def test_every_process_finds_the_same(tmp_path: Path) -> None:
    code = (
        "import random,sys;from pathlib import Path;from trainer.data.similar import Clusters\n"
        "r=random.Random(9);w=[str(i*7919) for i in range(500)];t=[' '.join(r.choices(w,k=40)) for _ in range(300)]\n"
        "t+=[' '.join([*x.split()[:-1],'new']) for x in t]\n"
        "c=Clusters(Path(sys.argv[1]));c.add(t);print(c._whole.read().tolist(), c.roots().tolist())"
    )
    said = set()
    for threads, seed in (("1", "0"), ("2", "77")):
        env = os.environ | {"RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        made = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, text=True, check=True, cwd=ROOT
        )
        said.add(made.stdout)
    assert len(said) == 1


def test_how_common_is_too_common() -> None:
    assert [common_limit(n) for n in (10, 100, 400, 10_000, 10**6)] == [8, 25, 50, 200, 1000]


def chat(prompt: str, answer: str, system: str = "") -> dict[str, object]:
    head = [{"role": "system", "content": system}] if system else []
    return {"messages": [*head, {"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}


def findings(path: Path, folder: Path) -> tuple[list[Finding], dict[str, object]]:
    form = load_format()
    analyzer = Duplicates(Scene(form, Settings.model_construct(), folder))
    pairs = list(rows(path))
    for start in range(0, len(pairs), 64):
        some = pairs[start : start + 64]
        raw = b"".join(json.dumps(row).encode() + b"\n" for _, row in some)
        batch = Batch([n for n, _ in some], [row for _, row in some], [form.view(row) for _, row in some], raw)
        assert not list(analyzer.add(batch))
    return list(analyzer.finish()), analyzer.stats()


def test_a_row_gets_one_finding_that_names_the_first_line(tmp_path: Path) -> None:
    rng = random.Random(7)
    long, other = prose(rng, 40), prose(rng, 40)
    made = [
        chat(long, other),
        chat("Hi", "Hello", "Be kind."),
        chat(long, other),
        chat("Hi", "Go away", "Be kind."),
        chat(other_word(rng, long), other),
        chat("hi!", "hello", "Be kind."),
        chat("hi!", "hello", "Be rude."),
        chat(long.upper(), other),
    ]
    path = tmp_path / "f.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    found, stats = findings(path, tmp_path)
    assert [(f.line, f.code, f.message.split()[-1 if "," not in f.message else 4]) for f in found] == [
        (3, "duplicate_row", "1."),
        (4, "conflicting_answers", "2,"),
        (5, "near_duplicate", "1."),
        (6, "near_duplicate", "2."),
        (8, "near_duplicate", "1."),
    ]
    assert stats == {"duplicate_rows": 1, "conflicting_answers": 1, "near_duplicate_rows": 3}
    assert not list(tmp_path.glob("duplicates*"))


def test_copies_are_the_same_however_they_were_read(tmp_path: Path) -> None:
    form = load_format()
    one = chat("Hi", "Hello", "Be kind.")
    weighted = chat("Hi", "Hello", "Be kind.")
    weighted["messages"][2]["weight"] = 1  # type: ignore[index]
    talk = {"messages": [*one["messages"], *chat("Bye", "Bye")["messages"]]}  # type: ignore[misc]
    made = [one, weighted, talk, chat("Be kind.\nHi", "Hello"), chat("kind.\nHi", "Hello", "Be")]
    raw = [json.dumps(row).encode() for row in made]
    analyzer = Duplicates(Scene(form, Settings.model_construct(), tmp_path))
    fast = [(form.block(line) or [None])[0] for line in raw[:1] + raw[2:]]
    rich = form.block(b"\n".join(raw[:2]) + b"\n") or []
    for number, some in enumerate((fast, rich, made), 0):
        views = [form.view(row) for row in some]
        analyzer.add(Batch(range(10 * number, 10 * number + len(some)), some, views, b""))
    found = [(f.line, f.message) for f in analyzer.finish() if f.code == "duplicate_row"]
    assert len({type(row) for row in fast + rich + made}) == 3
    expected = {10: 0, 20: 0, 21: 11, 22: 1, 23: 2, 24: 3}
    assert found == [(line, f"The same row as line {first}.") for line, first in expected.items()]


def test_one_prompt_with_several_answers_is_what_other_kinds_are_made_of(tmp_path: Path) -> None:
    form = load_format("trl-unpaired")
    made = [{"prompt": f"Do {i // 2}", "completion": "yes", "label": bool(i % 2)} for i in range(8)] * 2
    analyzer = Duplicates(Scene(form, Settings.model_construct(), tmp_path))
    analyzer.add(Batch(range(1, 17), made, [form.view(row) for row in made], b""))
    assert [(f.line, f.code) for f in analyzer.finish()] == [(line, "duplicate_row") for line in range(9, 17)]


def test_templated_tickets_are_not_near_duplicates(tmp_path: Path) -> None:
    _, stats = findings(ROOT / "examples" / "tickets.jsonl", tmp_path)
    assert stats["near_duplicate_rows"] < 0.03 * 420  # type: ignore[operator]


@pytest.mark.skipif(not REAL.exists(), reason="the real datasets are not beside this repository")
def test_real_datasets_have_next_to_none(tmp_path: Path) -> None:
    for name in ("msf_gsm8k_chat_train", "tinker_conversations", "msf_stock_toolcall_training"):
        found, stats = findings(REAL / f"{name}.jsonl", tmp_path)
        assert stats["near_duplicate_rows"] == 0, (name, found)


def test_an_empty_file_has_no_duplicates(tmp_path: Path) -> None:
    analyzer = Duplicates(Scene(load_format(), Settings.model_construct(), tmp_path))
    assert list(analyzer.finish()) == []
