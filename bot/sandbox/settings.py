"""The workspace's knobs. Tests tighten or loosen them; the defaults are as close to Slack's as is known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bot.sandbox.cast import BOT_SCOPES


@dataclass
class Rate:
    """A token bucket: `burst` calls at once, refilled at `per_minute`."""

    per_minute: float
    burst: int


def default_rates() -> dict[str, Rate]:
    """By method; chat.postMessage counts per channel, the rest per workspace. `*` is every other method."""
    return {
        "chat.postMessage": Rate(60, 10),
        "chat.postEphemeral": Rate(60, 10),
        "chat.update": Rate(50, 20),
        "chat.appendStream": Rate(100, 100),
        "users.list": Rate(20, 20),
        "users.conversations": Rate(50, 50),
        "conversations.list": Rate(20, 20),
        "conversations.history": Rate(50, 50),
        "conversations.replies": Rate(50, 50),
        "files.completeUploadExternal": Rate(100, 50),
        "views.publish": Rate(100, 50),
        "auth.test": Rate(600, 200),
        "*": Rate(100, 100),
    }


@dataclass
class Settings:
    scopes: set[str] = field(default_factory=lambda: set(BOT_SCOPES))
    rates: dict[str, Rate] = field(default_factory=default_rates)
    ack_seconds: float = 3.0  # an interaction not acked by then is lost
    trigger_seconds: float = 3.0  # a trigger_id is good for this long
    event_retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)  # after an event went un-acked
    event_window_seconds: float = 300.0  # how long an event waits for a connection
    stream_seconds: float = 300.0  # a message stops streaming after this
    response_url_seconds: float = 1800.0
    response_url_uses: int = 5
    message_characters: int = 40_000  # chat.postMessage cuts here
    update_characters: int = 4_000  # chat.update answers msg_too_long past here
    block_characters: int = 13_200  # msg_blocks_too_long
    people_upload_bytes: int = 1 << 30
    mention_carries_files: bool = False  # app_mention may lack `files`: believe message/file_share
    refused_blocks: set[str] = field(default_factory=set)  # block types to answer invalid_blocks to

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"scopes": sorted(self.scopes), "refused_blocks": sorted(self.refused_blocks)}

    def change(self, changes: dict[str, Any]) -> None:
        """Apply changes given as JSON; `rates` is merged by method, as {method: [per_minute, burst]}."""
        for name, value in changes.items():
            if name == "rates":
                self.rates |= {method: Rate(*pair) for method, pair in value.items()}
            elif name in ("scopes", "refused_blocks"):
                setattr(self, name, set(value))
            elif name == "event_retry_delays":
                self.event_retry_delays = tuple(float(delay) for delay in value)
            elif name in self.__dataclass_fields__:
                setattr(self, name, value)
            else:
                raise ValueError(f"no setting {name!r}; there are {sorted(self.__dataclass_fields__)}")
