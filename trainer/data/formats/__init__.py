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
        """The decoded row when it is *provably* without findings, fast; None when `inspect` must look."""
        ...

    def inspect(self, row: Any) -> Iterator[Problem]:
        """Everything wrong with a decoded row, in reading order."""
        ...

    def prompt(self, row: Any) -> Any:
        """The part of an accepted row that the model is given."""
        ...

    def answer(self, row: Any) -> str:
        """The text of an accepted row that the model shall learn to say last."""
        ...


def load_format(name: str | None = None) -> Format:
    """The format by its name; the default one without a name."""
    target = FORMATS.get(name or DEFAULT)
    if target is None:
        known = ", ".join(FORMATS)
        raise BadInput(f"There is no dataset format {name!r}.", fix=f"Known: {known}.", param="format")
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)()
