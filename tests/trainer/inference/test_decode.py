from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from trainer.inference.chat import load_tokenizer
from trainer.inference.decode import Row, sample
from trainer.types import ChatMessage, GenerateRequest

ENDS = frozenset({1})


@pytest.fixture(scope="module")
def tokenizer(pebble: Path) -> Any:
    return load_tokenizer(str(pebble))


def grow(tokenizer: Any, text: str, *, stop: tuple[str, ...] = (), limit: int = 99) -> tuple[Row, list[str]]:
    heard: list[str] = []
    request = GenerateRequest((ChatMessage("user", "x"),), stop=stop)
    row = Row(request, [5, 6], limit, on_text=heard.append)
    for token in [*tokenizer(text, add_special_tokens=False)["input_ids"], 1]:
        if not row.done:
            row.take(token, ENDS, tokenizer)
    return row, heard


@pytest.mark.parametrize("text", ["plain words here", "émigré — 日本語 🙂 done", "a\nb\tc  d"])
def test_streamed_pieces_add_up_to_the_answer(tokenizer: Any, text: str) -> None:
    row, heard = grow(tokenizer, text)
    assert "".join(heard) == text == row.result(tokenizer).text
    assert "\ufffd" not in "".join(heard)
    assert row.result(tokenizer).finish_reason == "stop"


def test_a_stop_string_ends_the_answer_and_is_never_sent(tokenizer: Any) -> None:
    row, heard = grow(tokenizer, "one two END three", stop=("END", "zzz"))
    assert "".join(heard) == "one two " == row.result(tokenizer).text
    assert row.reason == "stop"


def test_what_only_looked_like_a_stop_string_is_sent_after_all(tokenizer: Any) -> None:
    _, heard = grow(tokenizer, "one EN", stop=("END",))
    assert "".join(heard) == "one EN"


def test_the_limit_is_told_as_length(tokenizer: Any) -> None:
    row, _ = grow(tokenizer, "one two three four five", limit=2)
    result = row.result(tokenizer)
    assert (result.completion_tokens, result.finish_reason, result.prompt_tokens) == (2, "length", 2)


def test_a_cancelled_row_takes_nothing_more(tokenizer: Any) -> None:
    row = Row(GenerateRequest(()), [5], 10)
    row.cancelled = True
    row.take(9, ENDS, tokenizer)
    assert row.done and row.tokens == []


def test_sampling_follows_seed_temperature_and_top_p() -> None:
    logits = torch.tensor([2.0, 1.9, 0.0, -5.0])

    def draw(temperature: float, top_p: float, seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        request = GenerateRequest((), temperature=temperature, top_p=top_p)
        return [sample(logits, request, generator) for _ in range(200)]

    assert draw(1.0, 1.0, 7) == draw(1.0, 1.0, 7) != draw(1.0, 1.0, 8)
    assert set(draw(1.0, 0.5, 7)) == {0, 1}
    assert set(draw(1.0, 0.0, 7)) == {0}
    assert set(draw(0.01, 1.0, 7)) == {0}
