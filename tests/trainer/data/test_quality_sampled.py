"""Languages and tokens of a file: exact where the rows are few, a fair sample with its error where they are many."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.analyze import Batch, Scene
from trainer.data.check import check, rows
from trainer.data.formats import load_format
from trainer.data.quality.sample import Sample
from trainer.data.quality.sampled import Sampled
from trainer.data.tokens import load_counter
from trainer.data.view import View
from trainer.settings import Settings

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "real"
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs", "while", "wizards", "measure", "tokenization"]

GERMAN = "Das ist eine ganz gewöhnliche Antwort in deutscher Sprache, mit genügend vielen Wörtern."
ENGLISH = "This is a quite ordinary answer in the English language, with enough words to be sure."
FRENCH = "Ceci est une réponse tout à fait ordinaire en langue française, avec assez de mots."


def row(answer: str, prompt: str = "q") -> dict[str, object]:
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}


def write(path: Path, examples: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(example) + "\n" for example in examples))
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a base has it: a trained byte-level tokenizer, a template and a context of 128 tokens."""
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path_factory.mktemp("bases") / "small-1B"
    folder.mkdir()
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator([" ".join(WORDS)] * 9, vocab_size=400, special_tokens=["<|u|>", "<|a|>", "<|e|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text('{"max_position_embeddings": 128}')
    template = "{% for m in messages %}<|{{ m['role'][0] }}|>{{ m['content'] }}<|e|>{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return folder


def varied(count: int, seed: int = 7) -> list[dict[str, object]]:
    rng = random.Random(seed)
    lengths = [max(1, int(rng.lognormvariate(2.5, 0.9))) for _ in range(count)]
    return [row(" ".join(rng.choices(WORDS, k=n)), f"question {i}") for i, n in enumerate(lengths)]


def counted(path: Path, base: Path) -> dict[str, object]:
    return check(path, base=str(base), settings=Settings(base_folders=(str(base.parent),))).stats["tokens"]


def whole(examples: list[dict[str, object]], base: Path) -> int:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    texts = ["<|u|>{}<|e|><|a|>{}<|e|>".format(*[m["content"] for m in e["messages"]]) for e in examples]  # type: ignore[attr-defined]
    return sum(len(tokenizer.encode(text).ids) for text in texts)


def test_few_rows_are_counted_exactly_with_the_template(tmp_path: Path, base: Path) -> None:
    examples = varied(300)
    tokens = counted(write(tmp_path / "d.jsonl", examples), base)
    assert (tokens["total"], tokens["error"], tokens["exact"]) == (whole(examples, base), 0.0, True)
    assert "with its chat template" in str(tokens["how"])


def test_many_rows_are_estimated_within_the_error_that_is_told(tmp_path: Path, base: Path) -> None:
    examples = varied(6000)
    tokens = counted(write(tmp_path / "d.jsonl", examples), base)
    true = whole(examples, base)
    assert tokens["exact"] is False
    assert 0 < float(str(tokens["error"])) < 0.02
    assert abs(int(str(tokens["total"])) - true) <= float(str(tokens["error"])) * 1.5 * true
    assert "a sample of 1000 rows, scaled by bytes" in str(tokens["how"])


def test_the_order_of_rows_does_not_matter(tmp_path: Path, base: Path) -> None:
    examples = varied(2500) + [row(GERMAN, f"Frage {n}") for n in range(500)]
    first = check(
        write(tmp_path / "a.jsonl", examples), base="small-1B", settings=Settings(base_folders=(str(base.parent),))
    )
    random.Random(2).shuffle(examples)
    other = check(
        write(tmp_path / "b.jsonl", examples), base="small-1B", settings=Settings(base_folders=(str(base.parent),))
    )
    for name in ("tokens", "languages", "scripts"):
        assert first.stats[name] == other.stats[name]
    assert first.stats["over_long"]["share"] == other.stats["over_long"]["share"]


def test_over_long_rows_are_named_with_what_would_be_cut(tmp_path: Path, base: Path) -> None:
    examples = [row("fox " * (200 if n in (4, 9) else 5), f"q {n}") for n in range(40)]
    path = write(tmp_path / "d.jsonl", examples)
    report = check(path, base="small-1B", settings=Settings(base_folders=(str(base.parent),)))
    over = report.stats["over_long"]
    assert (over["limit"], over["share"], over["lines"]) == (128, 0.05, [5, 10])
    assert over["cut"] > 0.1
    [finding] = [f for f in report.findings if f.code == "over_long_rows"]
    assert finding.line == 0
    assert "First lines: 5, 10." in finding.message


def test_without_a_base_it_says_rule_of_thumb(tmp_path: Path) -> None:
    report = check(write(tmp_path / "d.jsonl", varied(50)))
    tokens = report.stats["tokens"]
    assert (tokens["error"], tokens["exact"], tokens["base"]) == (0.3, False, None)
    assert "rule of thumb" in tokens["how"] and tokens["how"].count("±") == 1
    assert "over_long" not in report.stats


@pytest.mark.skipif(not REAL.is_dir(), reason="the shared real datasets are not beside this checkout")
@pytest.mark.parametrize("name", ["msf_gsm8k_chat_validation", "tinker_conversations", "msf_stock_toolcall_training"])
def test_tokens_are_those_that_the_trainer_will_see(name: str, tiny_base: Path) -> None:
    transformers = pytest.importorskip("transformers")
    assert transformers
    from trainer.inference import chat
    from trainer.methods.rows import encode_row

    path = REAL / f"{name}.jsonl"
    tokenizer = chat.load_tokenizer(str(tiny_base))
    true = sum(len(encode_row(tokenizer, example).ids) for _, example in rows(path))
    assert check(path, base="tiny-base").stats["tokens"]["total"] == true


def test_languages_and_their_mix(tmp_path: Path) -> None:
    examples = [row(ENGLISH, f"What is number {n}?") for n in range(70)] + [row(GERMAN, "Was ist das?")] * 30
    report = check(write(tmp_path / "d.jsonl", examples))
    assert report.stats["languages"] == {"en": 0.7, "de": 0.3, "how": "all 100 rows"}
    [finding] = [f for f in report.findings if f.code == "language_mix"]
    assert finding.message == "The rows are in more than one language: en 70%, de 30%."


def test_answers_in_another_language_than_their_prompts(tmp_path: Path) -> None:
    examples = [row(FRENCH, ENGLISH)] * 15 + [row(ENGLISH + " Yes.", ENGLISH)] * 45
    report = check(write(tmp_path / "d.jsonl", examples))
    [finding] = [f for f in report.findings if f.code == "answer_language_differs"]
    assert finding.message == "25% of the answers are in another language than their prompts, mostly fr after en."
    assert report.stats["answer_language_differs"]["share"] == 0.25


def test_code_and_labels_make_no_mix(tmp_path: Path) -> None:
    examples = [
        row('{"product": "mobile", "severity": "normal"}', "Hello, my phone stopped working today, please help.")
    ] * 30
    examples += [row("def f(x):\n    return x + 1", "Write a function that adds one to a number.")] * 30
    assert not [
        f for f in check(write(tmp_path / "d.jsonl", examples)).findings if f.code.endswith(("_mix", "_differs"))
    ]


@pytest.mark.skipif(not REAL.is_dir(), reason="the shared real datasets are not beside this checkout")
def test_real_english_is_english() -> None:
    for name in ("msf_gsm8k_chat_train", "tinker_conversations", "soup_dpo_sample", "msf_stock_toolcall_training"):
        report = check(REAL / f"{name}.jsonl")
        assert report.stats["languages"]["en"] > 0.9
        assert not [f for f in report.findings if f.code in ("language_mix", "answer_language_differs")]


def test_the_sample_is_fair() -> None:
    sample = Sample(1000)
    for start in range(0, 20_000, 500):
        numbers = range(start, start + 500)
        raw = b"".join(b'{"n": %d}\n' % n for n in numbers)
        sample.offer(Batch(numbers, [None] * 500, [View("", "", ())] * 500, raw))
    numbers = [picked.number for picked in sample.rows()]
    assert len(set(numbers)) == 1000
    assert 9_300 < sum(numbers) / 1000 < 10_700  # three standard errors around the middle


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_any_text_is_survived(texts: list[tuple[str, str]]) -> None:
    views = [View(prompt, answer, ("user", "assistant")) for prompt, answer in texts]
    plain = [row(view.answer, view.prompt) for view in views]
    raw = b"".join(json.dumps(example).encode() + b"\n" for example in plain)
    sampled = Sampled(Scene(load_format(), Settings.model_construct(), Path()))
    sampled.add(Batch(range(1, len(views) + 1), plain, views, raw))
    list(sampled.finish())
    json.dumps(sampled.stats())


def test_an_empty_file_has_no_figures() -> None:
    sampled = Sampled(Scene(load_format(), Settings.model_construct(), Path()))
    assert (list(sampled.finish()), sampled.stats()) == ([], {})


def test_very_long_rows_are_scaled_from_their_beginning(tmp_path: Path, base: Path) -> None:
    examples = [row("fox jumps " * 40_000, "q"), *varied(20)]
    tokens = counted(write(tmp_path / "d.jsonl", examples), base)
    assert abs(int(str(tokens["total"])) - whole(examples, base)) < 0.01 * whole(examples, base)
    assert load_counter(None, Settings()).count(["x" * 10]) == [3]
