"""Posting, editing, deleting and reacting: every change to what a channel says goes through here."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

from bot.sandbox import cast, events
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SlackError

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def by_bot(text: str, **fields: Any) -> Json:
    """A message of the app's."""
    profile = {
        "id": cast.BOT_ID,
        "app_id": cast.APP_ID,
        "name": "Tunesmith",
        "deleted": False,
        "updated": 1_700_000_000,
    }
    return {
        "type": "message",
        "user": cast.BOT_USER_ID,
        "bot_id": cast.BOT_ID,
        "app_id": cast.APP_ID,
        "team": cast.TEAM_ID,
        "bot_profile": profile | {"team_id": cast.TEAM_ID, "icons": {}},
        "text": text,
        **{key: value for key, value in fields.items() if value not in (None, [], {})},
    }


def by_person(workspace: Workspace, user_id: str, text: str, blocks: list[Json], **fields: Any) -> Json:
    """A message of a person's: strangers carry their team, other bots their bot_id."""
    user = workspace.user(user_id)
    message: Json = {"type": "message", "user": user_id, "text": text, "team": user["team_id"]}
    if user["is_bot"]:
        profile = {
            "id": cast.BEEP_BOT_ID,
            "app_id": cast.BEEP_APP_ID,
            "name": user["real_name"],
            "deleted": False,
        }
        message |= {"bot_id": cast.BEEP_BOT_ID, "app_id": cast.BEEP_APP_ID, "bot_profile": profile}
    else:
        message["client_msg_id"] = str(uuid.uuid4())
    if user["team_id"] != cast.TEAM_ID:
        known = {
            "team": user["team_id"],
            "name": user["name"],
            "real_name": user["real_name"],
            "is_restricted": False,
        }
        message |= {"user_team": user["team_id"], "source_team": user["team_id"], "user_profile": known}
    if blocks:
        message["blocks"] = blocks
    return message | {key: value for key, value in fields.items() if value not in (None, [], {})}


def post(workspace: Workspace, channel: Channel, message: Json, thread_ts: str | None = None) -> Json:
    """Give the message its ts, count it in its thread, tell the page and the app."""
    parent = _parent(channel, thread_ts) if thread_ts else None
    message["ts"] = workspace.next_ts()
    channel.messages[message["ts"]] = message
    if parent is not None:
        message |= {"thread_ts": parent["ts"], "parent_user_id": parent.get("user")}
        _count_reply(parent, message)
        changed(workspace, channel, parent)
    _end_status(workspace, channel, message)
    workspace.live.publish("message", channel=channel.id, message=message)
    events.message_posted(workspace, channel, message)
    return message


def _parent(channel: Channel, thread_ts: str) -> Json:
    parent = channel.messages.get(thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.get("thread_ts", thread_ts) != thread_ts:
        raise SlackError("cannot_reply_to_message")
    return parent


def _end_status(workspace: Workspace, channel: Channel, message: Json) -> None:
    """The app's answer ends the “is thinking…” line of its thread."""
    thread_ts = message.get("thread_ts", "")
    session = workspace.statuses.get((channel.id, thread_ts), {})
    if message.get("bot_id") == cast.BOT_ID and session.get("text"):
        session["text"] = ""
        workspace.live.publish("status", channel=channel.id, thread_ts=thread_ts, session=session)


def _count_reply(parent: Json, reply: Json) -> None:
    users = parent.setdefault("reply_users", [])
    if reply.get("user") not in users:
        users.append(reply.get("user"))
    parent |= {
        "thread_ts": parent["ts"],
        "reply_count": parent.get("reply_count", 0) + 1,
        "reply_users_count": len(users),
        "latest_reply": reply["ts"],
        "is_locked": False,
        "subscribed": True,
    }


def changed(workspace: Workspace, channel: Channel, message: Json) -> None:
    """Tell the page, not the app: reply counts, reactions and streamed text make no event."""
    workspace.live.publish("changed", channel=channel.id, message=message)


def update(workspace: Workspace, channel: Channel, message: Json, fields: Json, *, quiet: bool = False) -> Json:
    """Replace fields of a message; an empty list or dict removes one."""
    before = copy.deepcopy(message)
    for key, value in fields.items():
        if value in (None, [], {}) and key != "text":
            message.pop(key, None)
        else:
            message[key] = value
    if not quiet:
        message["edited"] = {"user": message.get("user"), "ts": workspace.next_ts()}
    changed(workspace, channel, message)
    if not quiet:
        events.message_changed(workspace, channel, before, message)
    return message


def delete(workspace: Workspace, channel: Channel, message: Json) -> None:
    del channel.messages[message["ts"]]
    root = message.get("thread_ts")
    parent = channel.messages.get(root) if root and root != message["ts"] else None
    if parent is not None:
        parent["reply_count"] = max(0, parent.get("reply_count", 1) - 1)
        changed(workspace, channel, parent)
    workspace.live.publish("deleted", channel=channel.id, ts=message["ts"])
    events.message_deleted(workspace, channel, message)


def post_ephemeral(workspace: Workspace, channel: Channel, user: str, message: Json, thread_ts: str | None) -> Json:
    """A message that one person sees until they reload; the app cannot read or edit it."""
    message |= {"ts": workspace.next_ts(), "is_ephemeral": True}
    if thread_ts:
        message["thread_ts"] = thread_ts
    workspace.ephemerals.append({"user": user, "channel": channel.id, "message": message})
    workspace.live.publish("ephemeral", channel=channel.id, audience=[user], message=message)
    return message


def find_ephemeral(workspace: Workspace, user: str, ts: str) -> Json | None:
    """The ephemeral's record, {user, channel, message}."""
    return next((e for e in workspace.ephemerals if e["user"] == user and e["message"]["ts"] == ts), None)


def remove_ephemeral(workspace: Workspace, record: Json) -> None:
    workspace.ephemerals.remove(record)
    workspace.live.publish("deleted", channel=record["channel"], audience=[record["user"]], ts=record["message"]["ts"])


def react(workspace: Workspace, channel: Channel, message: Json, name: str, user: str, *, add: bool) -> None:
    reactions: list[Json] = message.setdefault("reactions", [])
    entry = next((r for r in reactions if r["name"] == name), None)
    if add == bool(entry and user in entry["users"]):
        raise SlackError("already_reacted" if add else "no_reaction")
    if add and entry is None:
        entry = {"name": name, "users": [], "count": 0}
        reactions.append(entry)
    assert entry is not None
    entry["users"] = [*entry["users"], user] if add else [u for u in entry["users"] if u != user]
    entry["count"] = len(entry["users"])
    message["reactions"] = [r for r in reactions if r["users"]]
    if not message["reactions"]:
        message.pop("reactions")
    changed(workspace, channel, message)
    events.reaction(workspace, channel, message, name, user, added=add)


def share_files(
    workspace: Workspace, channel: Channel, files: list[Json], message: Json, thread_ts: str | None
) -> Json:
    """Post files as a file_share message and write on each file where it was shared."""
    message |= {"files": files, "upload": True, "display_as_bot": False, "subtype": "file_share"}
    message = post(workspace, channel, message, thread_ts)
    kind = {"im": "ims", "group": "groups", "mpim": "groups"}.get(channel.kind, "channels")
    for file in files:
        file[kind].append(channel.id)
        share = {"ts": message["ts"], "thread_ts": message.get("thread_ts"), "channel_name": channel.name}
        visibility = file["shares"].setdefault("public" if kind == "channels" else "private", {})
        visibility.setdefault(channel.id, []).append({k: v for k, v in share.items() if v})
    return message
