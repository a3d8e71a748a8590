from __future__ import annotations

from pathlib import Path

import pytest

from trainer.errors import BadInput, NotFound
from trainer.inference.model import Generator, load
from trainer.types import ChatMessage, GenerateRequest


@pytest.fixture(scope="module")
def generator(pebble: Path, adapters: dict[str, str]) -> Generator:
    return load(str(pebble), adapters=adapters)


def ask(text: str, adapter: str | None = None, **options: object) -> GenerateRequest:
    return GenerateRequest((ChatMessage("user", text),), adapter, **({"max_tokens": 6} | options))  # type: ignore[arg-type]


def test_mixed_batches_answer_as_single_ones_in_the_order_asked(generator: Generator) -> None:
    requests = [ask("word " * (n % 5), [None, "one", "two"][n % 3]) for n in range(12)]
    together = generator.generate(requests, batch_size=5)
    alone = [generator.generate([request])[0] for request in requests]
    assert together == alone
    assert len({result.text for result in together[:3]}) == 3


def test_the_base_answers_as_if_no_adapter_were_there(generator: Generator, pebble: Path) -> None:
    requests = [ask(f"repeat {n}") for n in range(4)]
    assert generator.generate(requests) == load(str(pebble)).generate(requests)


def test_limits_are_each_rows_own(generator: Generator) -> None:
    results = generator.generate([ask("a", max_tokens=2), ask("b", max_tokens=9)])
    assert [r.completion_tokens <= most for r, most in zip(results, (2, 9), strict=True)] == [True, True]


def test_sampling_repeats_with_its_seed_and_leaves_greedy_neighbours_alone(generator: Generator) -> None:
    warm = ask("a", temperature=1.5, seed=4, max_tokens=12)
    first, again, other = (
        generator.generate([r, ask("b")])[0] for r in (warm, warm, ask("a", temperature=1.5, seed=5, max_tokens=12))
    )
    assert first == again != other
    assert generator.generate([warm, ask("b")])[1] == generator.generate([ask("b")])[0]


def test_a_stream_says_what_generate_says(generator: Generator) -> None:
    request = ask("tell", "one", max_tokens=20)
    assert "".join(generator.stream(request)) == generator.generate([request])[0].text


def test_progress_counts_rows(generator: Generator) -> None:
    told: list[tuple[int, int]] = []
    generator.generate([ask("a")] * 5, batch_size=2, on_progress=lambda *p: told.append(p))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_prompt_that_fills_the_context_gets_an_empty_answer(generator: Generator) -> None:
    full, fine = generator.generate([ask("word " * 400), ask("a")])
    assert (full.text, full.finish_reason, full.completion_tokens) == ("", "length", 0)
    assert fine.completion_tokens > 0


def test_adapters_come_and_go(pebble: Path, adapters: dict[str, str]) -> None:
    generator = load(str(pebble))
    before = generator.generate([ask("a")])
    generator.add_adapter("ft:pebble:team:v1.5:x", adapters["one"])
    tuned = generator.generate([ask("a", "ft:pebble:team:v1.5:x")])
    generator.remove_adapter("ft:pebble:team:v1.5:x")
    assert generator.generate([ask("a")]) == before != tuned
    with pytest.raises(NotFound):
        generator.generate([ask("a", "ft:pebble:team:v1.5:x")])
    generator.add_adapter("again", adapters["one"])
    assert generator.generate([ask("a", "again")]) == tuned


def test_an_adapter_of_another_base_is_refused(tmp_path: Path, pebble: Path, adapters: dict[str, str]) -> None:
    from dataclasses import replace

    from tests.trainer.inference.pebble import PEBBLE
    from trainer.inference.tiny_base import build

    other = build(tmp_path / "other", recipe=replace(PEBBLE, width=64))
    generator = load(str(other))
    before = generator.generate([ask("a")])
    for folder in (adapters["one"], str(tmp_path / "nowhere")):
        with pytest.raises(BadInput, match="does not fit base"):
            generator.add_adapter("one", folder)
        assert generator.generate([ask("a")]) == before


def test_one_that_does_not_fit_leaves_the_others_alone(tmp_path: Path, pebble: Path, adapters: dict[str, str]) -> None:
    import shutil

    generator = load(str(pebble), adapters=adapters)
    before = generator.generate([ask("a", "one"), ask("a")])
    torn = Path(shutil.copytree(adapters["two"], tmp_path / "torn"))
    (torn / "adapter_model.safetensors").write_bytes(b"torn")
    with pytest.raises(BadInput, match="does not fit base"):
        generator.add_adapter("torn", str(torn))
    assert generator.generate([ask("a", "one"), ask("a")]) == before
