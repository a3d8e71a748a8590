"""The plain messages: an answer of the agent, an error, a line of news."""

from __future__ import annotations

from bot.blocks.kit import Card, card, context, section, sections
from bot.blocks.mrkdwn import clip, esc, from_markdown
from trainer.errors import TunesmithError

SYMBOL = {"forbidden": "⛔", "conflict": "⚠️", "unavailable": "⌛"}


def answer(text: str, notice: str = "") -> Card:
    """What the agent said, escaped; `notice` is our own sentence above it."""
    made = from_markdown(text.strip()) or "I have nothing to add."
    head = [context(esc(notice))] if notice else []
    return card(clip(esc(text), 3000), *head, *sections(made))


def line(text: str) -> Card:
    """One sentence of our own, already mrkdwn."""
    return card(text, section(text))


def error(problem: TunesmithError) -> Card:
    """What went wrong and what to do, in the error's own words."""
    symbol = SYMBOL.get(problem.kind, "❌")
    what, fix = esc(problem.what), esc(problem.fix)
    return card(f"{what} {fix}".strip(), section(f"{symbol} *{what}*" + (f"\n{fix}" if fix else "")))


def trouble(error_id: str) -> Card:
    """Something unexpected: its number is in the log, nothing else is told."""
    text = f"Something failed on my side; it is in the log as {error_id}. Please try again, or show it to an admin."
    return card(text, section(f"❌ {text}"))
