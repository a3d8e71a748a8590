"""What a suite's keys hold, read as what they are meant to be; whatever else they hold is a mistake with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import Check
from trainer.evals.suites.mistakes import Mistakes
from trainer.evals.suites.named import read_check

CHARACTERS = 100_000


@dataclass
class Reader:
    """A suite's document, with what is wrong with it and the files that it may name."""

    mistakes: Mistakes
    folder: Path | None  # where a suite of the terminal may name files; None: nowhere
    document: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # code that was kept with the suite, name → sha256

    def text(self, place: str, value: Any, most: int = CHARACTERS) -> str:
        if isinstance(value, bool | float):
            written = str(value).lower() if isinstance(value, bool) else value
            self.mistakes.add(place, f"{written} is no text; put it in quotes.")
        elif value is not None and not isinstance(value, str | int):
            self.mistakes.add(place, f"is {kind_of(value)}, and a text is expected.")
        elif isinstance(value, str) and len(value) > most:
            self.mistakes.add(place, f"has {len(value):,} characters; at most {most:,} are read.")
        else:
            return "" if value is None else str(value)
        return ""

    def share(self, key: str) -> dict[str, float]:
        value = self.document.get(key)
        if value is None:
            return {}
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            self.mistakes.add(key, f"is {str(value)[:40]!r}, and a share between 0 and 1 is expected, such as 0.1.")
            return {}
        return {key: float(value)}

    def items(self, place: str, value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.mistakes.add(place, f"is {kind_of(value)}, and a list is expected.")
            return []
        return value

    def checks(self, place: str, value: Any, *, bounded: bool = True) -> tuple[Check, ...]:
        items = enumerate(self.items(place, value))
        read = (self.check(f"{place}[{number}]", item, bounded=bounded) for number, item in items)
        return tuple(check for check in read if check)

    def check(self, place: str, item: Any, *, bounded: bool = True) -> Check | None:
        try:
            return read_check(item, self.folder, self.files, bounded=bounded)
        except BadInput as error:
            self.mistakes.add(place, str(error))
            return None


def kind_of(value: Any) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number"}
    return "empty" if value is None else names.get(type(value), "a number")
