"""JSON schemas: right as jsonschema is, and harmless whatever they hold."""

from __future__ import annotations

import json
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case
from trainer.evals.metrics import load_metric, scored


def meets(schema: dict[str, Any], text: str) -> bool:
    return scored(load_metric("json_schema", schema=schema), Case("c", ()), Answer(text)) == 1


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "next": {"$ref": "#"}},
    "patternProperties": {"^x-": {"type": "integer"}},
    "additionalProperties": False,
    "required": ["name"],
}
PEOPLE = [
    {"name": "Ada"},
    {"name": "ada"},
    {"name": 1},
    {},
    [],
    {"name": "Ada", "x-a": 1},
    {"name": "Ada", "x-a": "1"},
    {"name": "Ada", "y": 1},
    {"name": "Ada", "next": {"name": "Bob", "next": {"name": "Eve"}}},
    {"name": "Ada", "next": {"name": "Bob", "next": {"nome": "Eve"}}},
]


@pytest.mark.parametrize("person", PEOPLE)
def test_it_agrees_with_jsonschema(person: Any) -> None:
    assert meets(PERSON, json.dumps(person)) == jsonschema.Draft202012Validator(PERSON).is_valid(person)


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "x-1", "y"]), st.sampled_from(["Ada", "ada", 1, None, {"name": "B"}])))
def test_extra_keys_are_judged_as_jsonschema_judges_them(value: dict[str, Any]) -> None:
    for extra in (False, {"type": "integer"}, True):
        schema = PERSON | {"additionalProperties": extra}
        assert meets(schema, json.dumps(value)) == jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("text", ["", "Ada", '{"name": "Ada"', '{"name": "Ada"} or so', "NaN", "[" * 3000])
def test_what_is_no_json_meets_nothing(text: str) -> None:
    assert not meets({}, text)


def test_any_json_value_can_be_asked_for() -> None:
    assert meets({"type": "integer"}, " 42 ") and not meets({"type": "integer"}, '"42"')


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "strange"}, "wrong at"),
        ({"$ref": "https://example.com/schema.json"}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "nothing is fetched"),
        ({"pattern": "(?=a)"}, "cannot use the pattern"),
        ({"patternProperties": {"(": {}}}, "cannot use the pattern"),
        ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, "beside unevaluatedProperties"),
        ({"enum": list(range(30_000))}, "parts"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as told:
        load_metric("json_schema", schema=schema)
    assert told.value.code == "bad_metric"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/gone"},
        {"$ref": "#"},
        {"$defs": {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(60)} | {"a60": {}}}
        | {"$ref": "#/$defs/a0"},
    ],
)
def test_references_that_lead_nowhere_or_everywhere_are_named(schema: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="case c") as told:
        meets(schema, '{"a": 1}')
    assert told.value.code == "metric_failed"


def test_patterns_take_linear_time() -> None:
    schema = {"pattern": "^(a+)+$", "patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}
    began = time.process_time()
    assert not meets(schema, json.dumps("a" * 5000 + "b"))
    assert not meets(schema, json.dumps({"a" * 5000 + "b": 1}))
    assert time.process_time() - began < 1
