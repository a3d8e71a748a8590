"""Events as Slack's Events API sends them to the app."""

from __future__ import annotations

import copy
import secrets
import time
from typing import TYPE_CHECKING, Any

from bot.sandbox import cast
from bot.sandbox.channel import Channel

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def send(workspace: Workspace, event: Json, channel: Channel | None, scope: str | None) -> None:
    """Send the event if the app holds the scope and is in the channel."""
    if scope and scope not in workspace.settings.scopes:
        return
    if channel and cast.BOT_USER_ID not in channel.members:
        return
    workspace.hub.send_event(envelope(event, shared=bool(channel and channel.is_ext_shared)))


def envelope(event: Json, *, shared: bool = False) -> Json:
    """The event_callback around an event."""
    return {
        "token": cast.VERIFICATION_TOKEN,
        "team_id": cast.TEAM_ID,
        "context_team_id": cast.TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": cast.APP_ID,
        "event": copy.deepcopy(event),
        "type": "event_callback",
        "event_id": "Ev" + secrets.token_hex(5).upper(),
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": cast.TEAM_ID,
                "user_id": cast.BOT_USER_ID,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
        "event_context": "4-" + secrets.token_urlsafe(24),
    }


def outward(message: Json) -> Json:
    """The message as events and history show it: without its metadata."""
    return {key: value for key, value in message.items() if key != "metadata"}


def message_posted(workspace: Workspace, channel: Channel, message: Json) -> None:
    """One post is a `message`, and an `app_mention` if it names the app; files are `file_shared` too."""
    event = outward(message) | {
        "channel": channel.id,
        "event_ts": message["ts"],
        "channel_type": channel.kind,
    }
    send(workspace, event, channel, f"{channel.scope_family}:history")
    if f"<@{cast.BOT_USER_ID}>" in message.get("text", "") and message.get("user") != cast.BOT_USER_ID:
        _mention(workspace, channel, message)
    for file in message.get("files", []):
        shared = {
            "type": "file_shared",
            "file_id": file["id"],
            "user_id": message.get("user"),
            "file": {"id": file["id"]},
            "channel_id": channel.id,
            "event_ts": message["ts"],
        }
        send(workspace, shared, channel, "files:read")


def _mention(workspace: Workspace, channel: Channel, message: Json) -> None:
    if channel.is_im:
        return
    left_out = {"subtype", "upload", "display_as_bot"}
    if not workspace.settings.mention_carries_files:
        left_out.add("files")
    event = {k: v for k, v in outward(message).items() if k not in left_out}
    event |= {"type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}
    send(workspace, event, channel, "app_mentions:read")


def message_changed(workspace: Workspace, channel: Channel, before: Json, after: Json) -> None:
    event = {
        "type": "message",
        "subtype": "message_changed",
        "message": outward(after),
        "previous_message": outward(before),
        "channel": channel.id,
        "hidden": True,
        "ts": workspace.next_ts(),
        "channel_type": channel.kind,
    }
    send(workspace, event | {"event_ts": event["ts"]}, channel, f"{channel.scope_family}:history")


def message_deleted(workspace: Workspace, channel: Channel, before: Json) -> None:
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": outward(before),
        "channel": channel.id,
        "hidden": True,
        "deleted_ts": before["ts"],
        "ts": workspace.next_ts(),
        "channel_type": channel.kind,
    }
    send(workspace, event | {"event_ts": event["ts"]}, channel, f"{channel.scope_family}:history")


def reaction(workspace: Workspace, channel: Channel, message: Json, name: str, user: str, *, added: bool) -> None:
    event = {
        "type": "reaction_added" if added else "reaction_removed",
        "user": user,
        "reaction": name,
        "item_user": message.get("user"),
        "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
        "event_ts": workspace.next_ts(),
    }
    send(workspace, event, channel, "reactions:read")


def joined(workspace: Workspace, channel: Channel, user: str, inviter: str | None) -> None:
    event = {
        "type": "member_joined_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "G" if channel.is_private else "C",
        "team": cast.TEAM_ID,
        "inviter": inviter,
        "event_ts": workspace.next_ts(),
    }
    send(workspace, event, channel, "channels:read")


def session_stopped(workspace: Workspace, channel: Channel, thread_ts: str, user: str, streams: list[str]) -> None:
    """A person pressed the native Stop button of an agent's session."""
    event = {
        "type": "agent_session_stopped",
        "user": user,
        "channel": channel.id,
        "thread_ts": thread_ts,
        "streaming_message_ts": streams,
        "event_ts": workspace.next_ts(),
    }
    send(workspace, event, channel, "assistant:write")


def home_opened(workspace: Workspace, user: str, channel: Channel, tab: str, view: Json | None) -> None:
    event: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": channel.id,
        "tab": tab,
        "event_ts": workspace.next_ts(),
    }
    send(workspace, event | ({"view": view} if view else {}), channel, None)
