"""Mentions. Each also arrives as a message, which carries the files: that one is preferred, this one is a net."""

from __future__ import annotations

import threading
from typing import Any

from slack_bolt import App

from bot.door import Door
from bot.listeners.events.messages import receive

GRACE_S = 2.0  # for the message event; where the app may not read the channel, only the mention comes


def register(app: App, door: Door) -> None:
    @app.event("app_mention")
    def on_mention(event: dict[str, Any]) -> None:
        timer = threading.Timer(GRACE_S, receive, (door, event))
        timer.daemon = True
        timer.start()
