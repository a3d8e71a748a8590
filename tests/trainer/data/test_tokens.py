"""Counters: the base's own tokenizer, or an honest rule of thumb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.tokens import load_counter
from trainer.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from tokenizers import ByteLevelBPETokenizer

    made = tmp_path / "base-1B"
    made.mkdir()
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(["night and day"] * 9, vocab_size=300, special_tokens=["<|x|>"])
    tokenizer.save(str(made / "tokenizer.json"))
    (made / "config.json").write_text('{"max_position_embeddings": 4096}')
    return made


def test_no_base_means_four_bytes_a_token() -> None:
    counter = load_counter(None, Settings())
    assert (counter.exact, counter.limit) == (False, None)
    assert counter.count(["", "abcd", "abcde", "é" * 4]) == [0, 1, 2, 2]
    assert "no base was named" in counter.how


def test_a_base_that_is_not_here_is_said_to_be(tmp_path: Path) -> None:
    counter = load_counter("gpt-4o-mini", Settings(cache=tmp_path))
    assert not counter.exact
    assert "the tokenizer of gpt-4o-mini is not here" in counter.how


def test_a_base_of_a_known_folder_is_counted_exactly(folder: Path) -> None:
    counter = load_counter("base-1B", Settings(base_folders=(str(folder.parent),)))
    assert counter.exact
    assert counter.limit == 2048  # a run's longest row, where the base could take more
    assert counter.count(["night and day", ""])[1] == 0


def test_a_folder_can_be_named_itself(folder: Path) -> None:
    assert load_counter(str(folder), Settings()).exact


def test_without_a_template_an_overhead_is_assumed(folder: Path) -> None:
    counter = load_counter(str(folder), Settings())
    assert counter.around(3) == 12
    assert counter.written({"messages": []}) is None
    assert "assumed" in counter.how


@pytest.mark.parametrize(
    ("template", "around"),
    [
        ("{% for m in messages %}<|x|>{{ m.content }}<|x|>{% endfor %}", 2 * 2),
        ("<|x|>{% for m in messages %}{% generation %}<|x|>{{ m.content }}{% endgeneration %}{% endfor %}", 1 + 2),
    ],
)
def test_the_template_is_measured(folder: Path, template: str, around: float) -> None:
    (folder / "chat_template.jinja").write_text(template)
    counter = load_counter(str(folder), Settings())
    assert counter.around(2) == around
    chat = {"messages": [{"role": "user", "content": "night"}, {"role": "assistant", "content": "day"}]}
    [tokens] = counter.count([counter.written(chat) or ""])
    assert tokens == sum(counter.count(["night", "day"])) + around


def test_a_template_sees_calls_as_values_and_parts_as_text(folder: Path) -> None:
    calls = "{% for c in m.tool_calls %}{{ c.function.arguments.n }}{% endfor %}"
    template = "{% for m in messages %}{{ m.content }}" + calls + "{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"n": 7}'}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "tool_calls": [call]},
    ]
    assert load_counter(str(folder), Settings()).written({"messages": messages}) == "a7"


@pytest.mark.parametrize(
    "template", ["{{ raise_exception('no') }}", "{% if %}", "{{ messages.pop() }}", 5, "{{ 1 / 0 }}"]
)
def test_a_broken_template_is_no_trouble(folder: Path, template: object) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    counter = load_counter(str(folder), Settings())
    assert (counter.exact, counter.around(1)) == (True, 4)


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"version": 9}', "\x00"])
def test_a_broken_tokenizer_is_estimated(folder: Path, broken: str) -> None:
    (folder / "tokenizer.json").write_text(broken)
    assert not load_counter(str(folder), Settings()).exact


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"max_position_embeddings": "x"}', '{"text_config": {}}'])
def test_a_config_without_a_context_gives_the_default_limit(folder: Path, config: str) -> None:
    (folder / "config.json").write_text(config)
    assert load_counter(str(folder), Settings()).limit == 2048


@given(st.text())
def test_any_name_and_any_text_are_survived(text: str) -> None:
    counter = load_counter(text, Settings())
    assert counter.count([text])[0] >= 0


def test_a_plan_counts_as_the_check_does(tmp_path: Path) -> None:
    from trainer.data.check import check
    from trainer.data.quality.counting import count_tokens

    path = tmp_path / "f.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"q {i}"}, {"role": "assistant", "content": "x" * i}]}
        for i in range(1, 31)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = count_tokens(path, None, Settings.model_construct())
    told = check(path).stats["tokens"]
    assert (found.total, found.error, found.how) == (told["total"], told["error"], told["how"])
    assert found.rows == 30 and str(found).startswith("about ")
