"""What a card says of memory: a warning where a run will probably not fit."""

from __future__ import annotations

from typing import Any

from bot.blocks.kit import Json, section
from bot.blocks.mrkdwn import esc


def no_room(made: dict[str, Any]) -> list[Json]:
    """`made` is an estimate as its request keeps it."""
    return [section(f"⚠️ {esc(made.get('room', ''))}")] if made.get("fits") is False and made.get("room") else []
