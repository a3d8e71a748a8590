"""A channel: who is in it and what was said, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.cast import BOT_USER_ID, TEAM_ID
from bot.sandbox.errors import SlackError

Json = dict[str, Any]


@dataclass
class Channel:
    id: str
    name: str = ""
    topic: str = ""
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_ext_shared: bool = False
    created: int = 1_700_000_000
    messages: dict[str, Json] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Slack's channel_type in message events."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"

    @property
    def scope_family(self) -> str:
        """The first word of the scopes that open this kind: channels, groups, im, mpim."""
        return {"im": "im", "mpim": "mpim", "group": "groups"}.get(self.kind, "channels")

    def find(self, ts: str) -> Json:
        message = self.messages.get(ts)
        if message is None:
            raise SlackError("message_not_found")
        return message

    def timeline(self) -> Iterator[Json]:
        """Messages of the channel itself: replies only where they were broadcast."""
        for message in self.messages.values():
            if message.get("thread_ts") in (None, message["ts"]) or message.get("subtype") == "thread_broadcast":
                yield message

    def thread(self, ts: str) -> list[Json]:
        """The parent and its replies; thread_not_found when there is no such message."""
        parent = self.messages.get(ts)
        if parent is None:
            raise SlackError("thread_not_found")
        root = parent.get("thread_ts") or ts
        return [m for m in self.messages.values() if m["ts"] == root or m.get("thread_ts") == root]

    def as_json(self, viewer: str = BOT_USER_ID) -> Json:
        """The channel object of conversations.info, as `viewer` sees it."""
        common: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": False,
            "is_im": self.is_im,
            "is_mpim": self.is_mpim,
            "is_org_shared": False,
            "context_team_id": TEAM_ID,
            "updated": self.created * 1000,
        }
        if self.is_im:
            other = next((m for m in self.members if m != viewer), viewer)
            return common | {"user": other, "is_user_deleted": False, "priority": 0, "is_open": True}
        return common | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private and not self.is_mpim,
            "is_private": self.is_private or self.is_mpim,
            "is_general": self.name == "general",
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_member": viewer in self.members,
            "creator": self.members[0] if self.members else "",
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.topic, "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }
