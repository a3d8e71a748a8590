"""A row's own words: its turns without the system message that every row shares."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import Format
from trainer.data.formats.openai_chat import text_of
from trainer.data.formats.typed_chat import Row
from trainer.data.view import View

_ABOVE = frozenset({"system", "developer"})


class Texts(NamedTuple):
    """Of each row: its prompt without a system or developer message at the head, a hash of that message (0 for
    none), and its answer."""

    prompts: list[str]
    heads: NDArray[np.uint64]
    answers: list[str]

    def whole(self) -> list[str]:
        """Prompt and answer of each row."""
        return [f"{prompt}\n{answer}" for prompt, answer in zip(self.prompts, self.answers, strict=True)]


def own_texts(format: Format, rows: Sequence[Any], views: Sequence[View]) -> Texts:
    """The own words of some rows, in order."""
    prompts: list[str] = []
    heads: list[int] = []
    seen: dict[str, int] = {}
    for row, (given, _, roles) in zip(rows, views, strict=True):
        prompt, known = given, 0
        if roles and roles[0] in _ABOVE:
            messages = row.messages if type(row) is Row else ()
            head = messages[0].content if messages else _head(format, row)
            if len(messages) == 3:  # the usual: system, user, assistant
                prompt = messages[1].content
                known = seen.get(head) or seen.setdefault(head, _known(head))
            elif given.startswith(head):
                prompt, known = given[len(head) + 1 :], seen.get(head) or seen.setdefault(head, _known(head))
        prompts.append(prompt)
        heads.append(known)
    return Texts(prompts, np.array(heads, np.uint64), [view.answer for view in views])


def _head(format: Format, row: Any) -> str:
    chat = format.chat(row)
    return text_of(chat["messages"][0]) if chat else ""


@lru_cache(maxsize=256)
def _known(head: str) -> int:
    said = " ".join(head.casefold().split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "little")
