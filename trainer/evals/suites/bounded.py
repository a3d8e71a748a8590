"""YAML that may be hostile: its size, depth and repetitions are measured before anything is built of it.

Only what JSON knows is read: `yes`, `on`, dates and octal numbers stay the texts that they are. A key that stands twice
is an error, not a silent loss.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from trainer.errors import BadInput

BYTES, DEPTH, NODES = 1_000_000, 16, 200_000  # nodes with every alias written out

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _Plain(_Loader):
    """Resolves null, true, false, whole numbers and decimals; every other plain scalar is text."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key_node.start_mark)
            if key in made:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", key_node.start_mark)
            made[key] = self.construct_object(value_node, deep=deep)
        return made


_NUMBER = list("-0123456789")
for _kind, _pattern, _first in (
    ("null", r"^(?:~|null)?$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("int", r"^-?(?:0|[1-9]\d{0,14})$", _NUMBER),
    ("float", r"^-?(?:0|[1-9]\d{0,14})\.\d{1,15}(?:[eE][-+]?\d{1,2})?$", _NUMBER),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _first)


def read_yaml(data: bytes, what: str) -> Any:
    """The one document in `data` as plain values. Raises BadInput, which names the line where there is one."""
    if len(data) > BYTES:
        said = f"{what} has {len(data):,} bytes; at most {BYTES:,} are read."
        raise BadInput(said, fix="Split it into several suites, or keep its cases as rows in JSONL.", code="too_large")
    try:
        text = data.decode("utf-8-sig")
        _measure(text, what)
        return yaml.load(text, Loader=_Plain)  # noqa: S506 (a SafeLoader)
    except UnicodeDecodeError:
        raise BadInput(f"{what} is not UTF-8 text.", fix="Save it as UTF-8.", code="bad_yaml") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{what} is no YAML: {_where(error)}.", fix="Correct that line.", code="bad_yaml") from None
    except (ValueError, RecursionError) as error:
        said = f"{what} cannot be read ({type(error).__name__})."
        raise BadInput(said, fix="Write plain YAML.", code="bad_yaml") from None


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", "") or "it cannot be parsed")[:200]
    return f"line {mark.line + 1}, {problem}" if mark else problem


def _measure(text: str, what: str) -> None:
    """Stop at the first event that goes too deep, or at which the document would be too large when written out."""
    sizes: dict[str, int] = {}  # of anchors that are closed
    opened: list[tuple[str | None, int]] = []  # anchor and count before it
    count = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                said = f"{what} has an alias, *{str(event.anchor)[:40]}, that stands within itself or for nothing."
                raise BadInput(said, fix="Write the part out.", code="bad_yaml")
            count += sizes[event.anchor]
        elif isinstance(event, _OPENS):
            opened.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, _CLOSES):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = count - before
        if len(opened) > DEPTH:
            said = f"{what} is nested more than {DEPTH} levels deep."
            raise BadInput(said, fix="A suite needs six.", code="too_deep")
        if count > NODES:
            said = f"{what} has more than {NODES:,} values when its aliases are written out."
            raise BadInput(said, fix="Leave the aliases out, or split the suite.", code="too_large")
