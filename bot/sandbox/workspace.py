"""The workspace: everything the sandbox remembers, in memory, as Slack's cloud would."""

from __future__ import annotations

import secrets
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.sandbox import cast
from bot.sandbox.channel import Channel, Json
from bot.sandbox.errors import SlackError
from bot.sandbox.faults import Faults
from bot.sandbox.live import LiveFeed
from bot.sandbox.rates import RateLimiter
from bot.sandbox.settings import Settings
from bot.sandbox.shelf import FileShelf
from bot.sandbox.sockets import SocketHub


@dataclass
class Trigger:
    """The right to open one view, for three seconds."""

    user: str
    born: float = field(default_factory=time.monotonic)
    used: bool = False
    view_id: str | None = None  # pressed inside this view: views.push may stack on it


@dataclass
class ResponseUrl:
    """Where an app may answer an interaction later."""

    user: str
    channel: str
    message_ts: str | None = None
    thread_ts: str | None = None
    is_ephemeral: bool = False
    uses: int = 0
    born: float = field(default_factory=time.monotonic)


class Workspace:
    def __init__(self, settings: Settings | None = None, folder: Path | None = None):
        self.settings = settings or Settings()
        self.base_url = "http://127.0.0.1:8901"
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="sandbox-files-")
        self.files = FileShelf(folder or Path(self._temporary.name if self._temporary else ""))
        self.files.folder.mkdir(parents=True, exist_ok=True)
        self.live = LiveFeed()
        self.hub = SocketHub(self.settings)
        self.limiter = RateLimiter(self.settings)
        self.faults = Faults()
        self.calls: list[Json] = []  # the latest Web API calls, for tests and for the curious
        self.users: dict[str, Json] = {user["id"]: user for user in cast.default_users()}
        self.channels: dict[str, Channel] = {c["id"]: Channel(**c) for c in cast.default_channels()}
        for user in self.users.values():
            if not user["is_bot"]:
                self.open_dm(user["id"])
        self.ephemerals: list[Json] = []
        self.views: dict[str, Json] = {}
        self.modals: dict[str, list[str]] = {}  # person -> stack of view ids, top last
        self.homes: dict[str, str] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.entered: dict[tuple[str, str], Json] = {}  # (person, message or view) -> state.values
        self.streams: dict[tuple[str, str], Any] = {}
        self.statuses: dict[tuple[str, str], Json] = {}
        self._last_ts = 0

    def next_ts(self) -> str:
        """A message id: the time in microseconds, never twice."""
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def user(self, user_id: str) -> Json:
        if user_id not in self.users:
            raise SlackError("user_not_found")
        return self.users[user_id]

    def channel(self, channel_id: str) -> Channel:
        """By id, by #name, or by a person's id (the DM with the app)."""
        if channel_id in self.channels:
            return self.channels[channel_id]
        if channel_id in self.users and not self.users[channel_id]["is_bot"]:
            return self.open_dm(channel_id)
        named = [c for c in self.channels.values() if c.name and c.name == channel_id.removeprefix("#")]
        if not named:
            raise SlackError("channel_not_found")
        return named[0]

    def channel_for_bot(self, channel_id: str) -> Channel:
        """The channel if the app may know that it exists."""
        channel = self.channel(channel_id)
        if channel.kind != "channel" and cast.BOT_USER_ID not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def channel_of_bot(self, channel_id: str) -> Channel:
        """The channel if the app is a member; not_in_channel otherwise."""
        channel = self.channel_for_bot(channel_id)
        if cast.BOT_USER_ID not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def channel_of_person(self, channel_id: str, person: str) -> Channel:
        self.user(person)
        channel = self.open_dm(person) if channel_id == cast.BOT_USER_ID else self.channel(channel_id)
        if person not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def open_dm(self, user_id: str) -> Channel:
        dm = cast.dm_id(user_id)
        if dm not in self.channels:
            self.channels[dm] = Channel(dm, members=[user_id, cast.BOT_USER_ID], is_im=True)
        return self.channels[dm]

    def issue_trigger(self, user: str, view_id: str | None = None) -> str:
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user, view_id=view_id)
        return trigger_id

    def redeem_trigger(self, trigger_id: str) -> Trigger:
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if time.monotonic() - trigger.born > self.settings.trigger_seconds:
            raise SlackError("expired_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        trigger.used = True
        return trigger

    def issue_response_url(self, target: ResponseUrl) -> str:
        key = f"{cast.TEAM_ID}/{secrets.randbelow(10**12)}/{secrets.token_urlsafe(18)}"
        self.response_urls[key] = target
        return f"{self.base_url}/actions/{key}"

    def close(self) -> None:
        self.live.close()
        if self._temporary:
            self._temporary.cleanup()
