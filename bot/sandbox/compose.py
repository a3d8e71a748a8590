"""What a person types, turned into what Slack stores: escaped text with mention tokens, and its blocks."""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]
_TOKEN = re.compile(r"<@([UW][A-Z0-9]+)>|<#(C[A-Z0-9]+)(?:\|[^>]*)?>|(https?://[^\s<>|]+)")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def compose(typed: str, users: dict[str, Json]) -> tuple[str, list[Json]]:
    """The wire text and its blocks. `@name` and `<@U…>` become mentions, addresses become links."""
    typed = _name_mentions(typed, users)
    text, elements, at = "", [], 0
    for match in _TOKEN.finditer(typed):
        plain = typed[at : match.start()]
        text += escape(plain) + _wire(match)
        elements += [*_plain(plain), _element(match)]
        at = match.end()
    text += escape(typed[at:])
    elements += _plain(typed[at:])
    if not text:
        return "", []
    section = {"type": "rich_text_section", "elements": elements}
    return text, [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


def _name_mentions(typed: str, users: dict[str, Json]) -> str:
    names = {user["name"].lower(): user_id for user_id, user in users.items()}
    names |= {user["real_name"].lower(): user_id for user_id, user in users.items()}
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w<])@({pattern})\b", lambda m: f"<@{names[m.group(1).lower()]}>", typed, flags=re.IGNORECASE)


def _plain(text: str) -> list[Json]:
    return [{"type": "text", "text": text}] if text else []


def _wire(match: re.Match[str]) -> str:
    user, channel, url = match.groups()
    if user:
        return f"<@{user}>"
    return f"<#{channel}>" if channel else f"<{escape(url)}>"


def _element(match: re.Match[str]) -> Json:
    user, channel, url = match.groups()
    if user:
        return {"type": "user", "user_id": user}
    return {"type": "channel", "channel_id": channel} if channel else {"type": "link", "url": url}
