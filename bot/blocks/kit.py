"""Block Kit's pieces, each within Slack's limits by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.blocks.mrkdwn import clip

Json = dict[str, Any]
BLOCKS, CHARACTERS, TEXT = 45, 12_000, 3_500
LEFT_OUT = "… the rest was left out here."


@dataclass(frozen=True, slots=True)
class Card:
    """A message: what notifications read aloud, and its blocks."""

    text: str
    blocks: list[Json] = field(default_factory=list)


def card(text: str, *blocks: Json | None) -> Card:
    """A card that Slack takes whatever its parts hold; buttons are kept before anything else."""
    return Card(clip(text, TEXT), fit([b for b in blocks if b]))


def fit(blocks: Sequence[Json]) -> list[Json]:
    """The blocks that fit into one message, in order, with a note where some did not."""
    kept_aside = [b for b in blocks if b["type"] in ("actions", "image")]
    count, room = BLOCKS - len(kept_aside), CHARACTERS - sum(map(characters, kept_aside))
    chosen: list[Json] = []
    cut = False
    for block in blocks:
        if block["type"] in ("actions", "image"):
            chosen.append(block)
            continue
        room -= characters(block)
        count -= 1
        if room < 0 or count < 0:
            cut = True
            continue
        chosen.append(block)
    return [*chosen, context(LEFT_OUT)] if cut else chosen


def characters(node: Any) -> int:
    if isinstance(node, list):
        return sum(map(characters, node))
    if not isinstance(node, dict):
        return 0
    own = len(node["text"]) if isinstance(node.get("text"), str) else 0
    return own + sum(characters(value) for value in node.values())


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": clip(text, 2900) or "—", "verbatim": True}}


def sections(text: str, most: int = 4) -> list[Json]:
    """A long text as a few sections, split at line ends where that is possible."""
    parts: list[Json] = []
    rest = text.strip()
    while rest and len(parts) < most:
        cut = len(rest) if len(rest) <= 2800 else max(rest.rfind("\n", 0, 2800), 1400)
        parts.append(section(rest[:cut]))
        rest = rest[cut:].lstrip("\n")
    return [*parts, context(LEFT_OUT)] if rest else parts


def fields(*pairs: tuple[str, str]) -> Json:
    """Up to ten (label, value) pairs in two columns; both are mrkdwn already."""
    made = [
        {"type": "mrkdwn", "text": clip(f"*{label}*\n{value or '—'}", 1900), "verbatim": True}
        for label, value in pairs[:10]
    ]
    return {"type": "section", "fields": made}


def context(*texts: str) -> Json:
    made = [{"type": "mrkdwn", "text": clip(t, 1900) or "—", "verbatim": True} for t in texts[:10]]
    return {"type": "context", "elements": made}


def preformatted(text: str) -> Json:
    """Text that Slack shows letter by letter: the only way that words of a dataset are shown."""
    inner = [{"type": "text", "text": clip(text, 2900) or "—"}]
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": inner}]}


def table(rows: Sequence[Sequence[object]]) -> Json:
    """A table of plain texts, the first row its head: at most 20 × 8 cells of 120 characters."""
    made = [[{"type": "raw_text", "text": clip(str(c), 120) or "—"} for c in row[:8]] for row in rows[:20]]
    return {"type": "table", "rows": made}


def actions(*buttons: Json | None) -> Json | None:
    shown = [b for b in buttons if b]
    return {"type": "actions", "elements": shown} if shown else None


def button(text: str, action_id: str, value: str, *, style: str = "", confirm: Json | None = None) -> Json:
    made: Json = {
        "type": "button",
        "text": {"type": "plain_text", "text": clip(text, 75)},
        "action_id": action_id,
        "value": value,
    }
    return made | ({"style": style} if style else {}) | ({"confirm": confirm} if confirm else {})


def confirmation(title: str, text: str, yes: str, no: str) -> Json:
    return {
        "title": {"type": "plain_text", "text": clip(title, 100)},
        "text": {"type": "plain_text", "text": clip(text, 300)},
        "confirm": {"type": "plain_text", "text": clip(yes, 30)},
        "deny": {"type": "plain_text", "text": clip(no, 30)},
    }


def picture(file_id: str, alt: str, title: str = "") -> Json:
    """An uploaded picture by its Slack file id; `alt` says in words what it shows."""
    made: Json = {"type": "image", "slack_file": {"id": file_id}, "alt_text": clip(alt, 1900)}
    return made | ({"title": {"type": "plain_text", "text": clip(title, 150)}} if title else {})
