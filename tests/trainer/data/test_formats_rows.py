"""Every format: its sample is told apart and clean, and each fault is named at its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainer.data.formats import FORMATS, detect, load_format
from trainer.types import Severity

USER, ASSISTANT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
CALL = '{"name": "find", "arguments": {"q": "x"}}'
SAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("openai-chat", {"messages": [USER, ASSISTANT]}),
    (
        "openai-preference",
        {
            "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
            "preferred_output": [ASSISTANT],
            "non_preferred_output": [{"role": "assistant", "content": "Go"}],
        },
    ),
    ("openai-reinforcement", {"messages": [USER], "reference": {"answer": 3}}),
    ("mistral", {"messages": [USER, ASSISTANT | {"prefix": True}]}),
    ("trl-prompt-completion", {"prompt": "The sky is", "completion": " blue."}),
    ("trl-prompt-completion", {"prompt": [USER], "completion": [ASSISTANT]}),
    ("trl-text", {"text": "The sky is blue."}),
    ("trl-text", {"text": "The sky is blue.", "url": "example.org", "id": 3}),
    ("trl-preference", {"prompt": "The sky is", "chosen": " blue.", "rejected": " green."}),
    ("trl-preference", {"chosen": "The sky is blue.", "rejected": "The sky is green."}),
    ("trl-preference", {"chosen": [USER, ASSISTANT], "rejected": [USER, ASSISTANT | {"content": "Go"}]}),
    ("trl-preference", {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [ASSISTANT | {"content": "Go"}]}),
    ("trl-unpaired", {"prompt": "The sky is", "completion": " blue.", "label": True}),
    ("alpaca", {"instruction": "Add", "input": "1 2", "output": "3", "system": "Maths", "history": [["a", "b"]]}),
    ("alpaca", {"instruction": "Add", "output": "3"}),
    ("sharegpt", {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}], "id": "1"}),
    (
        "sharegpt",
        {
            "conversations": [
                {"from": "human", "value": "Hi"},
                {"from": "function_call", "value": CALL},
                {"from": "observation", "value": "found"},
                {"from": "gpt", "value": "Hello"},
            ],
            "system": "Be kind",
            "tools": '[{"name": "find", "parameters": {}}]',
        },
    ),
    (
        "vertex",
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Hi"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "find", "args": {"q": 1}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "find", "response": {"n": 1}}}]},
                {"role": "model", "parts": [{"text": "Hello"}, {"text": "you"}]},
            ],
            "systemInstruction": {"role": "system", "parts": [{"text": "Be kind"}]},
            "tools": [{"functionDeclarations": [{"name": "find"}]}],
        },
    ),
]


@pytest.mark.parametrize(("name", "row"), SAMPLES)
def test_a_sample_is_told_apart_and_clean(name: str, row: dict[str, Any]) -> None:
    assert detect(row) == name
    format = load_format(name)
    assert list(format.inspect(row)) == []
    view = format.view(row)
    assert view.answer or format.kind == "reinforcement"
    assert (format.chat(row) is not None) == (format.kind == "chat")
    for other in FORMATS:
        list(load_format(other).inspect(row))


@pytest.mark.parametrize(("name", "row"), SAMPLES)
def test_every_key_taken_away_or_made_null_never_raises(name: str, row: dict[str, Any]) -> None:
    for key in row:
        for other in FORMATS:
            list(load_format(other).inspect({k: v for k, v in row.items() if k != key}))
            list(load_format(other).inspect(row | {key: None}))


FAULTS: list[tuple[str, str, str, str]] = [
    # format, row, code, path
    ("alpaca", '{"instruction": "a"}', "missing_key", ""),
    ("alpaca", '{"instruction": "a", "output": 3}', "content_not_text", "output"),
    ("alpaca", '{"instruction": "a", "output": " "}', "empty_content", "output"),
    ("alpaca", '{"instruction": " ", "input": "", "output": "b"}', "empty_content", "instruction"),
    ("alpaca", '{"instruction": "a", "output": "b", "input": []}', "content_not_text", "input"),
    ("alpaca", '{"instruction": "a", "output": "b", "history": {}}', "bad_history", "history"),
    ("alpaca", '{"instruction": "a", "output": "b", "history": [["q"]]}', "bad_history", "history[0]"),
    ("alpaca", '{"instruction": "a", "output": "b", "history": [["q", 1]]}', "content_not_text", "history[0][1]"),
    ("alpaca", '{"instruction": "a", "output": "b", "history": [["q", ""]]}', "empty_content", "history[0][1]"),
    ("alpaca", '{"instruction": "a", "output": "b", "score": 3}', "extra_key", ""),
    ("alpaca", "[]", "not_an_object", ""),
    ("alpaca", '"{}"', "not_an_object", ""),
    ("sharegpt", '{"conversations": []}', "empty_messages", "conversations"),
    ("sharegpt", '{"conversations": "x"}', "messages_not_a_list", "conversations"),
    ("sharegpt", '{"conversations": [3]}', "message_not_an_object", "conversations[0]"),
    ("sharegpt", '{"conversations": [{"value": "x"}]}', "missing_role", "conversations[0]"),
    ("sharegpt", '{"conversations": [{"from": "alien", "value": "x"}]}', "unknown_role", "conversations[0].from"),
    ("sharegpt", '{"conversations": [{"from": "gpt"}]}', "missing_content", "conversations[0]"),
    ("sharegpt", '{"conversations": [{"from": "gpt", "value": null}]}', "content_not_text", "conversations[0].value"),
    ("sharegpt", '{"conversations": [{"from": "human", "value": "x"}]}', "no_assistant", "conversations"),
    (
        "sharegpt",
        '{"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": ""}]}',
        "empty_content",
        "conversations[1].value",
    ),
    (
        "sharegpt",
        '{"conversations": [{"from": "gpt", "value": "x"}, {"from": "human", "value": "x"}]}',
        "last_not_assistant",
        "conversations[1]",
    ),
    (
        "sharegpt",
        '{"conversations": [{"from": "function_call", "value": "run it"}]}',
        "bad_tool_call",
        "conversations[0].value",
    ),
    (
        "sharegpt",
        '{"conversations": [{"from": "human", "value": "x"}, {"from": "tool", "value": "r"}, '
        '{"from": "gpt", "value": "y"}]}',
        "tool_without_call",
        "conversations[1]",
    ),
    ("sharegpt", '{"conversations": [{"from": "gpt", "value": "x"}], "tools": "no"}', "bad_tools", "tools"),
    ("sharegpt", '{"conversations": [], "chosen": {}, "rejected": {}}', "unknown_key", "chosen"),
    (
        "sharegpt",
        '{"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y", "weight": true}]}',
        "bad_weight",
        "conversations[1].weight",
    ),
    ("vertex", '{"contents": []}', "empty_messages", "contents"),
    ("vertex", '{"contents": [{"parts": [{"text": "x"}]}]}', "missing_role", "contents[0]"),
    ("vertex", '{"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}', "unknown_role", "contents[0].role"),
    ("vertex", '{"contents": [{"role": "user", "parts": []}]}', "missing_content", "contents[0]"),
    ("vertex", '{"contents": [{"role": "user", "parts": "x"}]}', "content_not_text", "contents[0].parts"),
    (
        "vertex",
        '{"contents": [{"role": "user", "parts": [{"fileData": {}}]}]}',
        "content_not_text",
        "contents[0].parts[0]",
    ),
    (
        "vertex",
        '{"contents": [{"role": "user", "parts": [{"functionCall": {"name": "f"}}]}]}',
        "bad_tool_call",
        "contents[0].parts[0].functionCall",
    ),
    (
        "vertex",
        '{"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": "{}"}}]}]}',
        "tool_arguments_not_json",
        "contents[0].parts[0].functionCall.args",
    ),
    ("vertex", '{"contents": [{"role": "user", "parts": [{"text": "x"}]}]}', "no_assistant", "contents"),
    ("vertex", '{"contents": [], "systemInstruction": 3}', "content_not_text", "systemInstruction"),
    ("vertex", '{"contents": [], "tools": [{"googleSearch": {}}]}', "bad_tools", "tools[0]"),
    ("trl-prompt-completion", '{"prompt": "x"}', "missing_key", ""),
    ("trl-prompt-completion", '{"prompt": "x", "completion": ""}', "empty_content", "completion"),
    ("trl-prompt-completion", '{"prompt": "x", "completion": [{"role": "assistant", "content": "y"}]}',
     "mixed_shapes", "completion"),
    ("trl-prompt-completion", '{"prompt": [], "completion": "y"}', "empty_messages", "prompt"),
    ("trl-prompt-completion", '{"prompt": [{"role": "user", "content": "x"}], "completion": [{"role": "assistant"}]}',
     "missing_content", "completion[0]"),
    ("trl-prompt-completion", '{"prompt": [{"role": "alien", "content": "x"}], '
     '"completion": [{"role": "assistant", "content": "x"}]}', "unknown_role", "prompt[0].role"),
    ("trl-text", '{"text": ""}', "empty_content", "text"),
    ("trl-text", '{"text": 3}', "content_not_text", "text"),
    ("trl-preference", '{"prompt": "x", "chosen": "y"}', "missing_key", ""),
    ("trl-preference", '{"prompt": "x", "chosen": "y", "rejected": "y"}', "same_answers", "rejected"),
    ("trl-preference", '{"prompt": "x", "chosen": "y", "rejected": " "}', "empty_content", "rejected"),
    ("trl-preference", '{"chosen": "y", "rejected": [{"role": "assistant", "content": "x"}]}',
     "mixed_shapes", "rejected"),
    ("trl-preference", '{"prompt": "other", "chosen": [{"role": "user", "content": "a"}], '
     '"rejected": [{"role": "user", "content": "a"}]}', "mixed_shapes", "chosen"),
    ("trl-preference", '{"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], '
     '"rejected": [{"role": "user", "content": "a"}, {"role": "assistant"}]}', "missing_content", "rejected[1]"),
    ("trl-unpaired", '{"prompt": "x", "completion": "y", "label": 1}', "bad_label", "label"),
    ("openai-preference", '{"input": {"messages": [{"role": "user", "content": "x"}]}, "preferred_output": '
     '[{"role": "assistant", "content": "y"}]}', "missing_key", ""),
    ("openai-preference", '{"input": {"messages": []}, "preferred_output": []}', "empty_messages", "input.messages"),
    ("openai-preference", '{"input": {"messages": [{"role": "user", "content": "x"}], "n": 1}, "preferred_output": '
     '[{"role": "user", "content": "y"}]}', "output_not_assistant", "preferred_output[0].role"),
    ("openai-preference", '{"input": {"messages": [{"role": "user"}]}, "preferred_output": '
     '[{"role": "assistant", "content": "y"}]}', "missing_content", "input.messages[0]"),
    ("openai-preference", '{"input": {"messages": [{"role": "user", "content": "x"}], "tools": 3}, '
     '"preferred_output": [{"role": "assistant", "content": "y"}]}', "bad_tools", "input.tools"),
    ("openai-preference", '{"input": 3, "preferred_output": "x"}', "messages_not_a_list", "preferred_output"),
    ("openai-reinforcement", '{"messages": [{"role": "assistant", "content": "y"}], "k": 1}', "last_not_user",
     "messages[0].role"),
    ("openai-reinforcement", '{"messages": [{"role": "user"}], "k": 1}', "missing_content", "messages[0]"),
    ("openai-reinforcement", '{"k": 1}', "missing_messages", ""),
    ("mistral", '{"messages": [{"role": "user", "content": "x", "prefix": true}]}', "bad_prefix",
     "messages[0].prefix"),
    ("mistral", '{"messages": [{"role": "user", "content": "x", "prefix": 1}, {"role": "user"}]}', "missing_content",
     "messages[1]"),
    ("mistral", '{"messages": [{"role": "assistant", "content": "x", "prefix": true}], "x": 1}', "unknown_key", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "code", "path"), FAULTS)
def test_a_fault_is_named_at_its_place(name: str, row: str, code: str, path: str) -> None:
    problems = list(load_format(name).inspect(json.loads(row)))
    assert (code, path) in [(p.code, p.path) for p in problems]


def test_chat_with_an_unknown_key_stays_chat_when_it_ends_with_the_answer() -> None:
    assert detect({"messages": [USER, ASSISTANT], "score": 1}) == "openai-chat"
    assert detect({"messages": [USER, {"role": "assistant"}]}) == "openai-chat"
    assert detect({"messages": [USER]}) == "openai-chat"
    assert detect({"question": "a", "answer": "b"}) == detect([1]) == detect(None) == ""


def test_prompts_of_conversations_are_not_learnt() -> None:
    row = {"prompt": [USER, ASSISTANT, USER], "completion": [ASSISTANT]}
    chat = load_format("trl-prompt-completion").chat(row)
    assert chat and [m.get("weight") for m in chat["messages"]] == [None, 0, None, None]


def test_several_results_in_one_observation_answer_the_calls_in_order() -> None:
    calls = '[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]'
    turns = [("human", "x"), ("function_call", calls), ("observation", '["one", {"two": 2}]'), ("gpt", "y")]
    row = {"conversations": [{"from": who, "value": value} for who, value in turns]}
    format = load_format("sharegpt")
    assert list(format.inspect(row)) == []
    chat = format.chat(row)
    assert chat and [m["content"] for m in chat["messages"][2:4]] == ["one", '{"two": 2}']


def test_what_is_not_the_formats_travels_as_metadata() -> None:
    row = {"instruction": "a", "output": "b", "id": 7, "tags": ["x"], "metadata": {"who": "me"}}
    chat = load_format("alpaca").chat(row)
    assert chat and chat["metadata"] == {"id": "7", "tags": '["x"]', "who": "me"}


def test_a_flood_in_one_row_is_cut_and_extra_keys_alone_never_refuse_it() -> None:
    format = load_format("sharegpt")
    many = list(format.inspect({"conversations": [3] * 10_000}))
    assert len(many) == 101 and many[-1].code == "more_in_row"
    extra = list(
        format.inspect({"conversations": [{"from": "human", "value": "x"}], **{f"k{i}": i for i in range(500)}})
    )
    assert "more_in_row" not in [p.code for p in extra]


def test_common_beginnings_are_the_prompt() -> None:
    view = load_format("trl-preference").view({"chosen": "The sky is blue.", "rejected": "The sky is green."})
    assert (view.prompt, view.answer) == ("The sky is", " blue.")


def test_real_preferences_are_clean() -> None:
    path = Path(__file__).parents[4] / "shared/data/real/soup_dpo_sample.jsonl"
    if not path.exists():
        pytest.skip("the real data sets are not here")
    format = load_format("trl-preference")
    for line in path.read_text().splitlines():
        row = json.loads(line)
        assert detect(row) == "trl-preference"
        assert list(format.inspect(row)) == []
        assert format.view(row).answer != row["rejected"][-1]["content"]


def test_severities_are_known() -> None:
    problems = list(load_format("alpaca").inspect({"instruction": "a", "output": "b", "score": 1}))
    assert [p.severity for p in problems] == [Severity.INFO]
