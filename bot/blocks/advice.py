"""Fine-tune, RAG or prompt: the verdict, why, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.kit import Card, card, sections
from bot.blocks.mrkdwn import clip, from_markdown

if TYPE_CHECKING:
    from trainer.advice.rules import Advice


def shown(made: Advice) -> Card:
    text = made.text()
    return card(clip(text, 300), *sections(from_markdown(text)))
