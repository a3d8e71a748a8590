"""conversations.* and users.conversations."""

from __future__ import annotations

from typing import Any

from bot.sandbox import cast, events
from bot.sandbox.arguments import Arguments, page
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SlackError
from bot.sandbox.scopes import require
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]
TYPES = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}


def _readable(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = workspace.channel_of_bot(arguments.need("channel"))
    require(workspace, f"{channel.scope_family}:history")
    return channel


def history(workspace: Workspace, arguments: Arguments) -> Json:
    """Newest first, without thread replies."""
    channel = _readable(workspace, arguments)
    return _messages(list(_between(reversed(list(channel.timeline())), arguments)), arguments)


def replies(workspace: Workspace, arguments: Arguments) -> Json:
    """The parent, then its replies, oldest first."""
    channel = _readable(workspace, arguments)
    thread = channel.thread(arguments.need("ts"))
    return _messages([thread[0], *_between(thread[1:], arguments)], arguments)


def _between(messages: Any, arguments: Arguments) -> list[Json]:
    oldest, latest = arguments.text("oldest", "0"), arguments.text("latest", "99999999999")
    edge = arguments.flag("inclusive")

    def inside(ts: str) -> bool:
        return float(oldest) < float(ts) < float(latest) or (edge and ts in (oldest, latest))

    return [message for message in messages if inside(message["ts"])]


def _messages(found: list[Json], arguments: Arguments) -> Json:
    chosen, cursor = page(found, arguments, lambda message: message["ts"])
    if not arguments.flag("include_all_metadata"):
        chosen = [events.outward(message) for message in chosen]
    answer: Json = {"messages": chosen, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def info(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_for_bot(arguments.need("channel"))
    require(workspace, f"{channel.scope_family}:read")
    return {"channel": channel.as_json()}


def list_all(workspace: Workspace, arguments: Arguments) -> Json:
    return _channels(workspace, arguments, lambda channel: True)


def of_user(workspace: Workspace, arguments: Arguments) -> Json:
    user = arguments.text("user", cast.BOT_USER_ID)
    return _channels(workspace, arguments, lambda channel: user in channel.members)


def _channels(workspace: Workspace, arguments: Arguments, wanted: Any) -> Json:
    types = arguments.text("types", "public_channel").split(",")
    families = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
    for kind in types:
        if kind.strip() not in families:
            raise SlackError("invalid_types")
        require(workspace, f"{families[kind.strip()]}:read")
    found = [
        channel
        for channel in workspace.channels.values()
        if TYPES[channel.kind] in types and wanted(channel) and _visible(channel)
    ]
    chosen, cursor = page(found, arguments, lambda channel: channel.id)
    return {"channels": [c.as_json() for c in chosen], "response_metadata": {"next_cursor": cursor}}


def _visible(channel: Channel) -> bool:
    return channel.kind == "channel" or cast.BOT_USER_ID in channel.members


def members(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_for_bot(arguments.need("channel"))
    require(workspace, f"{channel.scope_family}:read")
    chosen, cursor = page(channel.members, arguments, lambda member: member)
    return {"members": chosen, "response_metadata": {"next_cursor": cursor}}


def open_dm(workspace: Workspace, arguments: Arguments) -> Json:
    if "channel" in arguments:
        return {"channel": workspace.channel_of_bot(arguments.text("channel")).as_json()}
    people = [user for user in arguments.need("users").split(",") if user]
    for user in people:
        if workspace.user(user)["is_bot"]:
            raise SlackError("cannot_dm_bot")
    channel = workspace.open_dm(people[0]) if len(people) == 1 else _open_group(workspace, people)
    return {"channel": {"id": channel.id, **({} if not arguments.flag("return_im") else channel.as_json())}}


def _open_group(workspace: Workspace, people: list[str]) -> Channel:
    together = sorted({*people, cast.BOT_USER_ID})
    for channel in workspace.channels.values():
        if channel.is_mpim and sorted(channel.members) == together:
            return channel
    names = "--".join(workspace.users[user]["name"] for user in people)
    channel = Channel(f"G{abs(hash(tuple(together))) % 10**9:09d}", f"mpdm-{names}-1", members=together, is_mpim=True)
    workspace.channels[channel.id] = channel
    workspace.live.publish("channels", channel=channel.id)
    return channel


def join(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_for_bot(arguments.need("channel"))
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if cast.BOT_USER_ID not in channel.members:
        channel.members.append(cast.BOT_USER_ID)
        events.joined(workspace, channel, cast.BOT_USER_ID, None)
        workspace.live.publish("channels", channel=channel.id)
    return {"channel": channel.as_json()}
