"""Shared files come as a message too, and that one has words and thread: here there is nothing to do."""

from __future__ import annotations

from slack_bolt import App

from bot.door import Door

SILENT = (
    "file_shared",
    "file_created",
    "file_change",
    "reaction_added",
    "member_joined_channel",
    "app_home_opened",
)


def register(app: App, door: Door) -> None:
    for name in SILENT:
        app.event(name)(_nothing)


def _nothing() -> None:
    """Known, and answered elsewhere."""
