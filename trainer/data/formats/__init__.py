"""The dataset formats that are understood: one file and one line each."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

from trainer.data.findings import Problem
from trainer.errors import BadInput

FORMATS: dict[str, str] = {
    "openai-chat": "trainer.data.formats.openai_chat:OpenAIChat",
}
DEFAULT = "openai-chat"


class Format(Protocol):
    """What a row must look like."""

    name: str

    def clean(self, raw: bytes) -> Any | None:
        """The row, in a shape of the format's own, when it is *provably* without findings; None when
        `inspect` must look. This is the fast path."""
        ...

    def inspect(self, row: Any) -> Iterator[Problem]:
        """Everything wrong with a row as parsed, in reading order."""
        ...

    def plain(self, row: Any) -> dict[str, Any]:
        """An accepted row, from `clean` or as parsed, as plain JSON values."""
        ...

    def canonical(self, row: Any) -> bytes:
        """An accepted row as compact UTF-8 JSON with sorted keys: equal content, equal bytes."""
        ...

    def prompt(self, row: Any) -> bytes:
        """The same of what the model is given: everything before the last answer."""
        ...

    def turns(self, row: Any) -> tuple[list[str], str]:
        """Who speaks, in order, and the text that the model shall learn to say last."""
        ...


def load_format(name: str | None = None) -> Format:
    """The format by its name; the default one without a name."""
    target = FORMATS.get(name or DEFAULT)
    if target is None:
        known = ", ".join(FORMATS)
        raise BadInput(f"There is no dataset format {name!r}.", fix=f"Known: {known}.", param="format")
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)()
