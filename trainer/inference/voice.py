"""How adapters are asked that were trained with another chat template than their base's own."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.inference import chat, template


@dataclass(frozen=True, slots=True)
class Voice:
    """A tokenizer that writes conversations as the adapter was taught to read them, and the tokens that end its
    answers."""

    tokenizer: Any
    ends: list[int]


def voice(base_tokenizer: Any, adapter: str | Path) -> Voice | None:
    """The adapter's own way, or None where its folder names no other template than the base's."""
    theirs = template.saved_with(adapter)
    if theirs is None or theirs == base_tokenizer.chat_template:
        return None
    own = copy.copy(base_tokenizer)  # one vocabulary, two templates
    own.chat_template = theirs
    return Voice(own, chat.end_of_turn_ids(own))
