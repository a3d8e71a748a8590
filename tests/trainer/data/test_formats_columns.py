"""Columns of any name: guessed only where the guess is plain, and read through the mapping a person confirmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainer.data.formats.columns import load_columns, propose_mapping
from trainer.errors import BadInput

GUESSED: list[tuple[str, str]] = [
    # columns → prompt and completion
    ("question answer", "question answer"),
    ("id answer question", "question answer"),
    ("query response", "query response"),
    ("input output", "input output"),
    ("text label", "text label"),
    ("ticket category", "ticket category"),
    ("source target", "source target"),
    ("prompt response score", "prompt response"),
    ("question answer source", "question answer"),
    ("customer_question agent_answer", "customer_question agent_answer"),
    ("Frage Antwort", "Frage Antwort"),
    ("Réponse Question", "Question Réponse"),
    ("Entrée Sortie", "Entrée Sortie"),
    ("pregunta respuesta", "pregunta respuesta"),
    ("pergunta resposta", "pergunta resposta"),
    ("domanda risposta", "domanda risposta"),
    ("vraag antwoord", "vraag antwoord"),
    ("pytanie odpowiedź", "pytanie odpowiedź"),
    ("soru yanıt", "soru yanıt"),
    ("вопрос ответ", "вопрос ответ"),
    ("питання відповідь", "питання відповідь"),
    ("问题 答案", "问题 答案"),
    ("質問 回答", "質問 回答"),
    ("질문 답변", "질문 답변"),
    ("سؤال إجابة", "سؤال إجابة"),
    ("प्रश्न उत्तर", "प्रश्न उत्तर"),
    # no guess: nothing known, or two as good as each other
    ("a b", ""),
    ("question answer text label", ""),
    ("question answer_a answer_b", ""),
    ("question1 question2 answer", ""),
    ("question", ""),
    ("", ""),
]


@pytest.mark.parametrize(("columns", "pair"), GUESSED)
def test_names_are_guessed_and_equals_are_not(columns: str, pair: str) -> None:
    expected = dict(zip(("prompt", "completion"), pair.split(), strict=True)) if pair else None
    assert propose_mapping(columns.split(), []) == expected


def test_a_system_column_comes_along() -> None:
    mapping = propose_mapping(["systemPrompt", "userPrompt", "response"], [])
    assert mapping == {"system": "systemPrompt", "prompt": "userPrompt", "completion": "response"}


def test_values_tell_a_text_from_its_label() -> None:
    rows = [{"x": f"The thing with number {i} broke", "y": "spam" if i % 2 else "ham", "id": i} for i in range(9)]
    assert propose_mapping(["id", "x", "y"], rows) == {"prompt": "x", "completion": "y"}
    assert propose_mapping(["x", "y"], rows[:3]) is None
    assert propose_mapping(["x", "z"], [{"x": f"some words {i}", "z": f"other words {i}"} for i in range(9)]) is None


def test_columns_of_lists_or_of_nothing_are_not_guessed() -> None:
    assert propose_mapping(["question", "answer"], [{"question": "a", "answer": ["b"]}]) is None
    assert propose_mapping(["question", "answer"], [{"question": "a", "answer": ""}]) is None
    some = [{"question": "a", "answer": "b", "response": None}]
    assert propose_mapping(["question", "answer", "response"], some) == {"prompt": "question", "completion": "answer"}


def test_the_real_questions_and_answers_are_guessed() -> None:
    path = Path(__file__).parents[4] / "shared/data/real/msf_sarcasm_qa.jsonl"
    if not path.exists():
        pytest.skip("the real data sets are not here")
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    mapping = propose_mapping(rows[0], rows[:100])
    assert mapping == {"prompt": "question", "completion": "answer"}
    format = load_columns(mapping or {})
    assert [p for row in rows for p in format.inspect(row)] == []


def test_a_row_becomes_chat_and_its_other_columns_metadata() -> None:
    format = load_columns({"prompt": "q", "completion": "a", "system": "s"})
    row = {"q": "How many?", "a": 3, "s": "Count", "team": "x", "n": 1.5}
    assert list(format.inspect(row)) == [] and format.matches(row)
    chat = format.chat(row)
    assert chat and [m["content"] for m in chat["messages"]] == ["Count", "How many?", "3"]
    assert chat["metadata"] == {"team": "x", "n": "1.5"}
    assert format.view(row).answer == "3"


@pytest.mark.parametrize(
    ("row", "code", "path"),
    [
        ({"a": "x"}, "missing_key", "q"),
        ({"q": "x", "a": None}, "content_not_text", "a"),
        ({"q": "x", "a": ["x"]}, "content_not_text", "a"),
        ({"q": " ", "a": "x"}, "empty_content", "q"),
    ],
)
def test_a_missing_value_is_named_by_its_column(row: dict[str, Any], code: str, path: str) -> None:
    problems = list(load_columns({"prompt": "q", "completion": "a"}).inspect(row))
    assert [(p.code, p.path) for p in problems] == [(code, path)]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"prompt": "q"}, "no column for the completion"),
        ({"prompt": "q", "completion": "q"}, "one column twice"),
        ({"prompt": "q", "completion": "a", "role": "r"}, "no part 'role'"),
    ],
)
def test_a_mapping_that_says_too_little_or_too_much_is_refused(mapping: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load_columns(mapping)
