"""The dataset formats that are understood: one file and one line each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pkgutil import resolve_name
from typing import Any, Literal, Protocol

from trainer.data.findings import Problem
from trainer.data.view import View
from trainer.errors import BadInput

# In the order in which a row is tried: the first that `matches` names it.
FORMATS: dict[str, str] = {
    "openai-reinforcement": "trainer.data.formats.openai_reinforcement:OpenAIReinforcement",
    "openai-preference": "trainer.data.formats.openai_preference:OpenAIPreference",
    "trl-preference": "trainer.data.formats.trl_preference:Preference",
    "mistral": "trainer.data.formats.mistral:Mistral",
    "openai-chat": "trainer.data.formats.openai_chat:OpenAIChat",
    "sharegpt": "trainer.data.formats.sharegpt:ShareGPT",
    "vertex": "trainer.data.formats.vertex:Vertex",
    "alpaca": "trainer.data.formats.alpaca:Alpaca",
    "trl-unpaired": "trainer.data.formats.trl_preference:Unpaired",
    "trl-prompt-completion": "trainer.data.formats.trl:PromptCompletion",
    "trl-text": "trainer.data.formats.trl:PlainText",
}
DEFAULT = "openai-chat"

# what a row can teach: answers to prompts, one answer over another, good or bad, plain text, or a graded goal
Kind = Literal["chat", "preference", "unpaired", "text", "reinforcement"]


class Format(Protocol):
    """What a row must look like. Rows are plain JSON values, or a shape of the format's own from `block`."""

    name: str
    title: str  # for people: "OpenAI chat"
    kind: Kind

    def matches(self, row: dict[str, Any]) -> bool:
        """Whether an object is meant to be this format, by its keys: cheap, and true for broken rows too."""
        ...

    def block(self, raw: bytes) -> list[Any] | None:
        """All rows of whole lines, when every line is *provably* without findings; None when `inspect` must
        look at them one by one, and always None where the format has no fast path."""
        ...

    def inspect(self, row: Any) -> Iterator[Problem]:
        """Everything wrong with a row as parsed, in reading order."""
        ...

    def plain(self, row: Any) -> dict[str, Any]:
        """An accepted row, from `block` or as parsed, as plain JSON values."""
        ...

    def view(self, row: Any) -> View:
        """An accepted row as text."""
        ...

    def chat(self, row: Any) -> dict[str, Any] | None:
        """An accepted row as OpenAI chat, nothing lost; None for kinds other than "chat"."""
        ...


def load_format(name: str | None = None) -> Format:
    """The format by its name; the default one without a name."""
    if (name or DEFAULT) not in FORMATS:
        known = ", ".join(FORMATS)
        raise BadInput(f"There is no dataset format {name!r}.", fix=f"Known: {known}.", param="format")
    return _load(name or DEFAULT)


@cache
def _load(name: str) -> Format:
    return resolve_name(FORMATS[name])()


def detect(row: Any) -> str:
    """The name of the format that a row is meant to be, "" for none."""
    if isinstance(row, dict):
        for name in FORMATS:
            if _load(name).matches(row):
                return name
    return ""
