"""promptfoo's configuration: prompts × tests → cases. Assertions are read by `asserts`."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import Case, Check, Role, Suite
from trainer.evals.suites.bounded import read_yaml
from trainer.evals.suites.foreign.asserts import read_assert
from trainer.evals.suites.foreign.taken import Taken, messages_of, taken
from trainer.evals.suites.written import CASES
from trainer.types import ChatMessage

VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)\s*-?\}\}")
TEMPLATE = re.compile(r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)", re.DOTALL)
READ = ("description", "prompts", "providers", "targets", "tests", "defaultTest", "$schema")
OF_TEST = ("vars", "assert", "description", "metadata")
Json = dict[str, Any]


def take(data: bytes, name: str, filename: str) -> Taken:
    document = read_yaml(data, filename)
    if not isinstance(document, dict) or "prompts" not in document:
        said = f"{filename} is no configuration of promptfoo: it has no `prompts`."
        raise BadInput(said, fix="Give a promptfooconfig.yaml.", code="bad_promptfoo")
    return _Reader(document, filename).taken(name)


class _Reader:
    def __init__(self, document: Json, filename: str) -> None:
        self.document = document
        self.filename = filename
        self.left: list[str] = []

    def taken(self, name: str) -> Taken:
        for key in self.document:
            if key not in READ:
                self.drop(str(key)[:60], "not imported.")
        usual = self._default()
        prompts = list(self._prompts())
        tests = list(self._tests())
        cases: list[Case] = []
        for (place, prompt), (where, test) in itertools.product(prompts, tests):
            cases += self._cases(f"{place} with {where}" if len(prompts) > 1 else where, prompt, test, usual, where)
        self.left = list(dict.fromkeys(self.left))
        about = " ".join(str(self.document.get("description") or "Imported from promptfoo.").split())[:2000]
        suite = Suite(name, "", tuple(cases), Role.BEHAVIOUR, "checks", (Check("checks"),), about)
        return taken(suite, self.left, self.filename)

    def drop(self, place: str, words: str) -> None:
        self.left.append(f"{place}: {words}")

    def _default(self) -> Json:
        usual = self.document.get("defaultTest") or {}
        if not isinstance(usual, dict):
            self.drop("defaultTest", "not imported: it lies in another file.")
            return {}
        self._unread("defaultTest", usual)
        return usual

    def _prompts(self) -> Iterator[tuple[str, str]]:
        given = self.document["prompts"]
        for number, item in enumerate(given if isinstance(given, list) else [given]):
            place = f"prompts[{number}]"
            text = (item.get("raw") or item.get("id")) if isinstance(item, dict) else item
            if not isinstance(text, str) or not text.strip():
                self.drop(place, "not imported: it is no text.")
            elif text.startswith("file://") or re.fullmatch(r"\S+\.(?:txt|json|md|js|py|ya?ml|csv|j2)", text):
                self.drop(place, f"not imported: it lies in another file ({text[:100]}); paste it in its place.")
            else:
                yield place, text

    def _tests(self) -> Iterator[tuple[str, Json]]:
        given = self.document.get("tests")
        if not isinstance(given, list):
            why = "they lie in another file" if isinstance(given, str) else "there are none"
            self.drop("tests", f"not imported: {why}.")
            return
        for number, test in enumerate(given):
            place = f"tests[{number}]"
            if not isinstance(test, dict):
                self.drop(place, "not imported: it lies in another file.")
                continue
            self._unread(place, test)
            yield place, test

    def _unread(self, place: str, test: Json) -> None:
        for key in test:
            if key not in OF_TEST:
                self.drop(f"{place}.{str(key)[:60]}", "not imported.")

    def _cases(self, place: str, prompt: str, test: Json, usual: Json, where: str) -> Iterator[Case]:
        """One for each combination, where variables are lists."""
        names = {**_object(usual.get("vars")), **_object(test.get("vars"))}
        lists = [value if isinstance(value, list) else [value] for value in names.values()]
        asserts = {
            f"{whose}.assert[{number}]": item
            for whose, by in (("defaultTest", usual), (where, test))
            for number, item in enumerate(_list(by.get("assert")))
        }
        for values in itertools.islice(itertools.product(*lists), CASES):
            case = self._case(place, prompt, dict(zip(names, values, strict=True)), asserts)
            if case is not None:
                yield case

    def _case(self, place: str, prompt: str, values: Json, asserts: Json) -> Case | None:
        for key, value in values.items():
            if isinstance(value, str) and value.startswith("file://"):
                self.drop(place, f"not imported: the variable {key[:60]} lies in another file.")
                return None
        text, unknown = _filled(prompt, values)
        if unknown:
            self.drop(place, f"not imported: the prompt has a template that is not a plain variable: {unknown[:100]}")
            return None
        messages = _messages(text)
        if messages is None:
            self.drop(place, "not imported: its prompt does not end with a user's message.")
            return None
        expected, checks = "", []
        for which, item in asserts.items():
            read = read_assert(_filled_in(item, values), expected)
            if isinstance(read, str):
                self.drop(which, f"not imported: {read}")
                continue
            expected = read.expected or expected
            checks.append(read.check)
        if not checks:
            self.drop(place, "not imported: no assertion is left that says what is right.")
            return None
        return Case("", messages, expected, {}, tuple(checks))


def _messages(text: str) -> tuple[ChatMessage, ...] | None:
    """A prompt that is a JSON list is a chat."""
    if text.lstrip().startswith("["):
        try:
            return messages_of(json.loads(text))
        except (ValueError, RecursionError):
            pass
    return messages_of(text)


def _filled(text: str, values: Json) -> tuple[str, str]:
    """The text with its variables, and the first template that is left in it."""

    def value(match: re.Match[str]) -> str:
        found: Any = values
        for part in match[1].split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return match[0] if found is None else found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    filled = VARIABLE.sub(value, text)
    unknown = TEMPLATE.search(filled)
    return filled, unknown[0] if unknown else ""


def _filled_in(item: Any, values: Json) -> Any:
    if isinstance(item, str):
        return _filled(item, values)[0]
    if isinstance(item, list):
        return [_filled_in(part, values) for part in item]
    return {key: _filled_in(part, values) for key, part in item.items()} if isinstance(item, dict) else item


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
