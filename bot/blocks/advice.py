"""Fine-tune, RAG or prompt: the verdict, why and against, the three ways side by side, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.blocks.kit import Card, card, context, section, table
from bot.blocks.mrkdwn import esc

if TYPE_CHECKING:
    from trainer.advice.rules import Advice, Reason


def shown(made: Advice) -> Card:
    return card(
        f"{esc(made.headline)}",
        section(f"🧭 *{esc(made.headline)}*"),
        _reasons("For it", made.reasons_for),
        _reasons("Against it", made.reasons_against),
        section(_how(made)) if made.method or made.data_band else None,
        _bullets("What next", made.next_steps),
        _bullets("Tell me, and I can be surer", made.questions),
        _side_by_side(made),
        _small("Assumed", made.assumed),
        _small("Note", [*made.notes, *made.notices]),
    )


def _side_by_side(made: Advice) -> dict:
    rows = [[m.aspect, m.prompt, m.rag, m.fine_tune] for m in made.matrix]
    return table([["Aspect", "Prompt", "RAG", "Fine-tune"], *rows])


def _reasons(title: str, reasons: Sequence[Reason]) -> dict | None:
    return _bullets(title, [f"{r.text} ({r.source})" for r in reasons])


def _bullets(title: str, lines: Sequence[str]) -> dict | None:
    if not lines:
        return None
    return section(f"*{title}*\n" + "\n".join(f"• {esc(line)}" for line in lines[:8]))


def _small(title: str, lines: Sequence[str]) -> dict | None:
    return context(*(f"{title}: {esc(line)}" for line in lines[:6])) if lines else None


def _how(made: Advice) -> str:
    parts = []
    if made.method:
        parts.append(f"*Method: {esc(made.method.name)}.* {esc(made.method.why)} ({esc(made.method.source)})")
    if made.data_band:
        parts.append(f"*Your data: {esc(made.data_band.name)}.* {esc(made.data_band.expect)}")
    return "\n".join(parts)
