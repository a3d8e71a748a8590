"""Examples one by one, and from chat logs: nothing flattened, nothing lost in silence, every row checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.builder import DatasetBuilder, exchange
from trainer.data.chat_logs import transcript
from trainer.data.check import check, rows
from trainer.data.logs_import import import_logs
from trainer.errors import BadInput
from trainer.types import Verdict

TALK = [
    {"role": "user", "content": "My printer jams."},
    {"role": "assistant", "content": "Which model is it?"},
    {"role": "user", "content": "The grey one."},
    {"role": "assistant", "content": "Open the flap at the back."},
]


def test_what_is_built_passes_the_check_and_says_where_it_came_from(tmp_path: Path) -> None:
    builder = DatasetBuilder()
    for n in range(12):
        assert builder.add_example(f"Question {n}?", f"The answer is {n}.", system="Be brief.", source="manual")
    assert builder.write(tmp_path / "made.jsonl") == 12
    report = check(tmp_path / "made.jsonl", structure_only=True)
    assert (report.verdict, report.accepted) == (Verdict.GOOD, 12)
    assert builder.validate() == []
    _, first = next(rows(tmp_path / "made.jsonl"))
    assert first["metadata"] == {"source": "manual"}
    assert [m["role"] for m in first["messages"]] == ["system", "user", "assistant"]


def test_conversations_keep_every_turn() -> None:
    builder = DatasetBuilder()
    done = builder.add_from_conversations([TALK, TALK, TALK[:1], [{"role": "user"}]], source="logs")
    assert builder.rows[0]["messages"] == TALK
    assert (done.added, done.duplicates, {f.line for f in done.refused}) == (1, 1, {3, 4})
    assert done.given == 4


def test_copies_are_told_apart_by_content_not_by_origin() -> None:
    builder = DatasetBuilder()
    assert builder.add_example("Why is it so?", "Because of this.", source="a")
    assert not builder.add_example("Why is it so?", "Because of this.", source="b")
    assert builder.duplicates == 1 and len(builder) == 1


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (TALK[:3], "last_not_assistant"),
        ([{"role": "assistant", "content": "Hello there, friend."}], "too_few_messages"),
        ([], "empty_messages"),
        (exchange("Hello?", "   "), "empty_content"),
    ],
)
def test_what_the_check_would_refuse_is_refused_here(messages: list, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        DatasetBuilder().add_example(messages=messages)
    assert refused.value.code == code


def test_lengths_are_advice_with_a_line() -> None:
    builder = DatasetBuilder()
    builder.add_example("Is it so?", "yes")
    builder.add_example("Tell me all of it.", "word " * 1000)
    assert [(f.line, f.code) for f in builder.validate()] == [
        (0, "too_few_rows"),
        (1, "answer_short"),
        (2, "answer_long"),
    ]


def test_training_reads_no_metadata(tmp_path: Path) -> None:
    import inspect

    from trainer.methods import rows as training

    assert "metadata" not in inspect.getsource(training)


def put(path: Path, value: object) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_a_slack_export_becomes_threads(tmp_path: Path) -> None:
    messages = [
        {
            "type": "message",
            "user": "U0ADA",
            "text": "<@U0BOT> the &lt;printer&gt; jams",
            "ts": "1.1",
            "thread_ts": "1.1",
        },
        {
            "type": "message",
            "user": "U0ADA",
            "text": "see <https://a.example|the photo>",
            "ts": "1.2",
            "thread_ts": "1.1",
        },
        {"type": "message", "bot_id": "B1", "text": "Open the flap, <@U0ADA>.", "ts": "1.3", "thread_ts": "1.1"},
        {"type": "message", "user": "U0ADA", "text": "thanks!", "ts": "1.4", "thread_ts": "1.1"},
        {"type": "message", "user": "U0ADA", "text": "lunch?", "ts": "2.0"},
        {"type": "message", "subtype": "channel_join", "user": "U0ADA", "text": "joined", "ts": "3.0"},
    ]
    done = import_logs(put(tmp_path / "day.json", {"messages": messages}))
    assert [m["content"] for m in done.rows[0]["messages"]] == [
        "the <printer> jams\nsee the photo",
        "Open the flap, @someone.",
    ]
    assert done.shape == "Slack export" and "marked as a bot" in done.how
    assert (done.conversations, done.left_out, done.turns_cut) == (2, {"nobody answers": 1}, 1)


def test_a_slack_export_is_a_folder_of_days(tmp_path: Path) -> None:
    (tmp_path / "help").mkdir()
    first = {"user": "U0ADA", "text": "why?", "ts": "1.0", "thread_ts": "1.0"}
    put(tmp_path / "help" / "2024-01-01.json", [first])
    put(tmp_path / "help" / "2024-01-02.json", [first | {"user": "U0GRACE", "text": "because", "ts": "9.0"}])
    done = import_logs(tmp_path, assistants=["U0GRACE"])
    assert [m["content"] for m in done.rows[0]["messages"]] == ["why?", "because"]


@pytest.mark.parametrize(
    "log",
    [
        [{"messages": [{"sender": "customer", "text": "why?"}, {"sender": "agent", "text": "because"}]}],
        [[{"author": {"role": "user"}, "body": "why?"}, {"author": {"role": "assistant"}, "body": "because"}]],
        [
            {"conversation_id": 7, "from": "human", "value": "why?"},
            {"conversation_id": 7, "from": "gpt", "value": "because"},
        ],
        '{"turns": [{"speaker": "Customer", "utterance": "why?"}, {"speaker": "Support", "utterance": "because"}]}\n',
        "[10:01] User: why?\n[10:02] Agent: because\n",
        "**Customer:** why?\n\n**Support:** because",
        "Mia (09:00): why?\nTom (09:01): because\n---\nMia: why?\nTom: because\n",
    ],
)
def test_logs_of_many_shapes_say_the_same(tmp_path: Path, log: object) -> None:
    done = import_logs(put(tmp_path / "log", log))
    assert done.rows[0]["messages"] == exchange("why?", "because")
    assert done.how


def test_a_system_message_stays_and_another_may_be_given(tmp_path: Path) -> None:
    log = put(tmp_path / "log.json", [{"messages": [{"role": "system", "content": "Be kind."}, *TALK]}])
    assert import_logs(log).rows[0]["messages"][0] == {"role": "system", "content": "Be kind."}
    assert import_logs(log, system="Be short.").rows[0]["messages"][0]["content"] == "Be short."


def test_who_answers_is_asked_where_nobody_can_tell(tmp_path: Path) -> None:
    log = put(tmp_path / "log.txt", "Mia: why?\nTom: because\nZoe: no\nMia: yes\nTom: hm\nZoe: ok\n")
    with pytest.raises(BadInput, match="Mia, Tom, Zoe"):
        import_logs(log)
    with pytest.raises(BadInput, match="Nobody called Max"):
        import_logs(log, assistants=["Max"])
    done = import_logs(log, assistants=["tom"])
    assert [m["content"] for m in done.rows[0]["messages"]] == ["why?", "because", "no\nyes", "hm"]


def test_a_colon_makes_no_speaker() -> None:
    (talk,) = transcript("User: it says\nNote: paper jam\nAgent: then: open it\n  and close it\n")
    assert [tuple(turn[:2]) for turn in talk] == [
        ("User", "it says\nNote: paper jam"),
        ("Agent", "then: open it\n  and close it"),
    ]


@pytest.mark.parametrize("text", ["", "just prose, nothing more.", "{}", "[1, 2]", '{"a": "b"}', "[" * 100_000, "\x00"])
def test_what_is_no_log_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput):
        import_logs(put(tmp_path / "no.log", text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["messages", "role", "text", "ts", "user", "content", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(JSON | st.text(max_size=200))
def test_any_file_is_rows_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = put(tmp_path_factory.getbasetemp() / "fuzz.log", value)
    try:
        done = import_logs(path)
    except BadInput as refused:
        assert str(refused)
        return
    builder = DatasetBuilder()
    builder.add_rows(done.rows)
    assert len(done.rows) + sum(done.left_out.values()) == done.conversations
