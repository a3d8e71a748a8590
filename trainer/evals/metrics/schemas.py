"""JSON schemas from people: nothing is fetched, patterns run in linear time, references have an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from trainer.errors import BadInput
from trainer.evals.metrics.patterns import pattern

REFERENCES = 10_000  # that one validation may follow: a schema may refer to itself, not double itself for ever
NODES = 20_000  # of a schema
LINKS = ("$ref", "$dynamicRef", "$recursiveRef")
PATTERNED = {"patternProperties", "additionalProperties"}


def compiled(schema: dict[str, Any]) -> Callable[[Any], bool]:
    """Whether a value meets the schema. Raises BadInput (code bad_metric) for a schema that cannot be used."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import extend, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    _look_through(schema)
    cls: Any = validator_for(schema, default=Draft202012Validator)
    try:
        cls.check_schema(schema)
    except SchemaError as error:
        raise _bad(f"The JSON schema is wrong at {error.json_path}: {error.message[:200]}.") from None
    followed = [0]
    words = _patterns(schema) | {
        word: _counted(followed, cls.VALIDATORS[word]) for word in LINKS if word in cls.VALIDATORS
    }
    validator: Any = extend(cls, words)(schema, registry=Registry())

    def meets(value: Any) -> bool:
        followed[0] = 0
        try:
            return validator.is_valid(value)
        except Unresolvable as error:
            raise _bad(f"The JSON schema refers to {str(error.ref)[:100]!r}, which it does not hold.") from None

    return meets


def _look_through(schema: Any) -> None:
    """Refuses what would leave the schema, is too large, or is no linear-time pattern."""
    left, nodes = [schema], 0
    while left:
        here = left.pop()
        nodes += 1
        if nodes > NODES:
            raise _bad(f"The JSON schema has more than {NODES:,} parts.")
        if isinstance(here, dict):
            _look_at(here)
            left += here.values()
        elif isinstance(here, list):
            left += here


def _look_at(here: dict[Any, Any]) -> None:
    for link in LINKS:
        target = here.get(link)
        if isinstance(target, str) and not target.startswith("#"):
            raise _bad(f"The JSON schema refers to {target[:100]!r}, outside of itself; nothing is fetched.")
    if isinstance(here.get("pattern"), str):
        pattern(here["pattern"], "json_schema")
    if isinstance(here.get("patternProperties"), dict):
        for each in here["patternProperties"]:
            pattern(str(each), "json_schema")
        if "unevaluatedProperties" in here:
            raise _bad("The JSON schema has patternProperties beside unevaluatedProperties.")


def _patterns(schema: Any) -> dict[str, Any]:
    """The words of JSON Schema in which patterns take part, by re2."""

    def text(validator: Any, wanted: str, value: Any, schema: Any) -> Iterator[Any]:
        if validator.is_type(value, "string") and not _holds(wanted, value):
            yield _error("pattern")

    def keys(validator: Any, wanted: dict[str, Any], value: Any, schema: Any) -> Iterator[Any]:
        for each, inner in wanted.items() if validator.is_type(value, "object") else ():
            for key, item in value.items():
                if _holds(each, key):
                    yield from validator.descend(item, inner, path=key, schema_path=each)

    def others(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
        known, like = schema.get("properties", {}), schema.get("patternProperties", {})
        for key, item in value.items() if validator.is_type(value, "object") else ():
            if key not in known and not any(_holds(each, key) for each in like):
                yield from validator.descend(item, wanted, path=key)

    return {"pattern": text, "patternProperties": keys, "additionalProperties": others}


def _holds(wanted: str, text: str) -> bool:
    return pattern(wanted, "json_schema").search(text.encode("utf-8", "replace")) is not None


def _counted(followed: list[int], rule: Any) -> Any:
    def follow(validator: Any, target: Any, value: Any, schema: Any) -> Iterator[Any]:
        followed[0] += 1
        if followed[0] > REFERENCES:
            raise _bad(f"To validate one answer, the JSON schema follows more than {REFERENCES:,} references.")
        yield from rule(validator, target, value, schema)

    return follow


def _error(said: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(said)


def _bad(said: str) -> BadInput:
    return BadInput(said, fix="Give a JSON schema that is whole in itself.", code="bad_metric", param="schema")
