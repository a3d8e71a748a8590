"""Read the thread in which somebody speaks to us: who said what, within bounds, without our own cards."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient

from bot.outbox import EVENT_TYPE
from bot.slack import AWAY, code_of, may_pass
from tools.context import Said
from trainer.data.chat_logs import slack_text
from trainer.errors import BadInput, LimitExceeded, Unavailable

Json = dict[str, Any]
PAGE, MOST_MESSAGES, MOST_CHARACTERS = 200, 400, 200_000
SPOKEN = (None, "thread_broadcast", "bot_message", "file_share")


def read_thread(client: WebClient, us: str, name_of: Callable[[str], str], origin: dict[str, str]) -> list[Said]:
    """The thread's messages, oldest first; what was said to `us` and what we said ourselves is left out.

    Raises LimitExceeded for a very long thread, Unavailable or BadInput where Slack does not show it."""
    said = [m for m in _messages(client, origin) if m.get("subtype") in SPOKEN and not _ours(us, m)]
    if sum(len(str(m.get("text") or "")) for m in said) > MOST_CHARACTERS:
        raise _too_long()
    return [_said(name_of, m) for m in said]


def _messages(client: WebClient, origin: dict[str, str]) -> list[Json]:
    found: list[Json] = []
    more: Json = {"channel": origin["channel"], "ts": origin["thread_ts"], "limit": PAGE, "include_all_metadata": True}
    while True:
        try:
            page: Any = client.conversations_replies(**more)
        except AWAY as error:
            if may_pass(error):
                raise Unavailable("Slack does not show me this thread just now.", fix="Try again.") from None
            raise BadInput(
                f"Slack does not let me read this thread ({code_of(error)}).",
                fix="Invite me with: /invite @Tunesmith",
                code="no_thread",
            ) from None
        found += page.get("messages") or []
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return found
        if len(found) >= MOST_MESSAGES:
            raise _too_long()
        more["cursor"] = cursor


def _too_long() -> LimitExceeded:
    return LimitExceeded(
        f"This thread is too long for one example (more than {MOST_MESSAGES} messages, or very long ones).",
        fix="Export it and import the file: tunesmith data import FILE.",
        code="thread_too_long",
    )


def _ours(us: str, message: Json) -> bool:
    """Our cards and answers, and words that are spoken to us."""
    if (message.get("metadata") or {}).get("event_type") == EVENT_TYPE or message.get("user") == us:
        return True
    text = str(message.get("text") or "")
    return bool(re.match(rf"\s*<@{us}(?:\|[^>]*)?>", text))


def _said(name_of: Callable[[str], str], message: Json) -> Said:
    user = str(message.get("user") or message.get("bot_id") or message.get("username") or "somebody")
    profile = message.get("bot_profile") or {}
    name = str(profile.get("name") or message.get("username") or "") or name_of(user)
    return Said(user, name, slack_text(str(message.get("text") or "")), bot=bool(message.get("bot_id")))
