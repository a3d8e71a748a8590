from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainer.methods.conftest import row
from trainer.errors import BadInput
from trainer.inference.chat import end_of_turn_ids, load_tokenizer, render
from trainer.methods.rows import IGNORED, encode, encode_row, with_replay

PLAIN = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FORGETFUL = (  # writes only the last answer, as templates that drop earlier reasoning do
    "{% for m in messages %}<|{{ m['role'] }}|>"
    "{% if m['role'] != 'assistant' or loop.last %}{{ m['content'] }}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TALK = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first word of ab cd"},
        {"role": "assistant", "content": "ab"},
        {"role": "user", "content": "and the last"},
        {"role": "assistant", "content": "cd"},
    ]
}


@pytest.fixture
def tokenizer(pebble: Path) -> Any:
    return load_tokenizer(str(pebble))


def supervised_text(tokenizer: Any, one: Any) -> str:
    return tokenizer.decode([label for label in one.labels if label != IGNORED])


def test_loss_is_on_answers_and_their_ends_only(tokenizer: Any) -> None:
    one = encode_row(tokenizer, TALK)
    assert supervised_text(tokenizer, one) == "ab<|end|>cd<|end|>"
    assert tokenizer.decode(one.ids) == render(tokenizer, TALK["messages"])


def test_a_turn_of_weight_zero_carries_no_loss(tokenizer: Any) -> None:
    talk = {"messages": [dict(m) for m in TALK["messages"]]}
    talk["messages"][2]["weight"] = 0
    assert supervised_text(tokenizer, encode_row(tokenizer, talk)) == "cd<|end|>"


def test_a_template_without_marks_gives_the_same_labels(tokenizer: Any) -> None:
    marked = encode_row(tokenizer, TALK)
    tokenizer.chat_template = PLAIN
    assert encode_row(tokenizer, TALK) == marked


def test_marks_that_leave_out_the_end_are_not_trusted(tokenizer: Any) -> None:
    tokenizer.chat_template = PLAIN.replace(
        "{{ m['content'] }}", "{% generation %}{{ m['content'] }}{% endgeneration %}"
    )
    assert supervised_text(tokenizer, encode_row(tokenizer, row("x", "ab"))) == "ab<|end|>"


def test_a_template_that_rewrites_earlier_turns_is_refused(tokenizer: Any) -> None:
    tokenizer.chat_template = FORGETFUL
    with pytest.raises(BadInput, match="rewrites earlier turns") as caught:
        encode_row(tokenizer, TALK)
    assert caught.value.code == "no_assistant_mask"
    assert supervised_text(tokenizer, encode_row(tokenizer, row("x", "ab"))) == "ab<|end|>"


def test_roles_that_the_template_refuses_are_told(tokenizer: Any) -> None:
    with pytest.raises(BadInput, match="refuses this conversation"):
        encode_row(tokenizer, {"messages": [{"role": "narrator", "content": "x"}, *TALK["messages"]]})


def test_text_parts_are_joined(tokenizer: Any) -> None:
    parts = row("ask", "ab")
    parts["messages"][1]["content"] = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert encode_row(tokenizer, parts) == encode_row(tokenizer, row("ask", "ab"))


def test_cut_and_dropped_rows_are_counted(tokenizer: Any) -> None:
    rows = [row("a", "b"), row("a", "word " * 40), row("word " * 40, "b")]
    encoded = encode(tokenizer, rows, max_length=24)
    counts = encoded.counts
    assert (counts.rows, counts.truncated_rows, counts.dropped_rows) == (3, 1, 1)
    assert len(encoded.rows) == 2
    assert counts.tokens == sum(len(r.ids) for r in encoded.rows)


def test_replay_adds_the_share_that_was_asked_for(tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text('{"messages": ["old"]}\n' * 4, encoding="utf-8")
    new = [{"messages": [n]} for n in range(10)]
    mixed, replayed = with_replay(new, old, 0.5, seed=3)
    assert (len(mixed), replayed) == (15, 5)
    assert mixed == with_replay(new, old, 0.5, seed=3)[0]
    assert with_replay(new, None, 0.0, seed=3) == (new, 0)


def test_replay_without_old_rows_is_refused() -> None:
    with pytest.raises(BadInput, match="the base brings none"):
        with_replay([{"messages": []}], None, 1.0, seed=3)


def test_end_of_turn_is_what_the_template_writes(tokenizer: Any) -> None:
    assert end_of_turn_ids(tokenizer) == [tokenizer.convert_tokens_to_ids("<|end|>")]


CALL = {"id": "call_1", "type": "function", "function": {"name": "price", "arguments": '{"symbol": "BAC"}'}}
CALLING = {
    "messages": [{"role": "user", "content": "How high is BAC?"}, {"role": "assistant", "tool_calls": [CALL]}],
    "tools": [{"type": "function", "function": {"name": "price", "parameters": {}}}],
}


def test_a_template_that_drops_tool_calls_is_refused(tokenizer: Any) -> None:
    with pytest.raises(BadInput, match="say nothing"):
        encode(tokenizer, [TALK, CALLING], 64)


def test_a_tool_call_is_learned_with_its_arguments_as_an_object(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}"
        "{% for c in m['tool_calls'] or [] %}{{ c['function'] | tojson }}{% endfor %}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    (one,) = encode(tokenizer, [CALLING], 400).rows
    assert supervised_text(tokenizer, one) == '{"name": "price", "arguments": {"symbol": "BAC"}}<|end|>'


def test_a_plain_text_is_learned_whole_with_its_end(tokenizer: Any) -> None:
    found = encode(tokenizer, [{"text": "ab cd ef"}], 64)
    assert found.rows[0].labels == [IGNORED, *found.rows[0].ids[1:]]
    assert found.rows[0].ids[-1] == tokenizer.eos_token_id and found.counts.truncated_rows == 0


def test_a_long_text_becomes_sequences_of_which_each_token_is_predicted_once(tokenizer: Any) -> None:
    text = " ".join(f"word{n}" for n in range(60))
    whole, cut = encode(tokenizer, [{"text": text}], 1000), encode(tokenizer, [{"text": text}], 32)
    taught = [label for one in cut.rows for label in one.labels if label != IGNORED]
    assert taught == whole.rows[0].ids[1:] and all(len(one.ids) <= 32 for one in cut.rows)
    assert (cut.counts.rows, cut.counts.dropped_rows, cut.counts.supervised_tokens) == (1, 0, len(taught))


def test_control_tokens_in_a_text_stay_text(tokenizer: Any) -> None:
    ids = encode(tokenizer, [{"text": "he said <|end|> and left"}], 64).rows[0].ids
    assert ids.count(end_of_turn_ids(tokenizer)[0]) == (tokenizer.eos_token_id == end_of_turn_ids(tokenizer)[0])
