"""chat.*: post, edit, delete, whisper."""

from __future__ import annotations

from typing import Any

from bot.sandbox import cast, messages
from bot.sandbox.arguments import Arguments
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SlackError
from bot.sandbox.limits import check_attachments, check_blocks, check_markdown, check_metadata, check_text
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def content(workspace: Workspace, arguments: Arguments, *, update: bool = False) -> Json:
    """The text, blocks, attachments and metadata that were sent, checked; only what was sent."""
    settings = workspace.settings
    sent: Json = {}
    if "text" in arguments:
        sent["text"] = check_text(arguments.text("text"), settings, update=update)
    if "markdown_text" in arguments:
        if "text" in arguments or "blocks" in arguments:
            raise SlackError("markdown_text_conflict")
        text = check_markdown(arguments.text("markdown_text"))
        sent |= {"text": text, "blocks": check_blocks([{"type": "markdown", "text": text}], settings)}
    if "blocks" in arguments:
        sent["blocks"] = check_blocks(arguments.parsed("blocks", "invalid_blocks_format"), settings)
    if "attachments" in arguments:
        sent["attachments"] = check_attachments(arguments.parsed("attachments") or [], settings)
    if "metadata" in arguments:
        sent["metadata"] = check_metadata(arguments.parsed("metadata", "invalid_metadata_format"))
    if not update and not any(sent.get(part) for part in ("text", "blocks", "attachments")):
        raise SlackError("no_text")
    return sent


def _postable(workspace: Workspace, channel_id: str) -> Channel:
    channel = workspace.channel_for_bot(channel_id)
    public = channel.kind == "channel" and "chat:write.public" in workspace.settings.scopes
    return channel if public else workspace.channel_of_bot(channel_id)


def post_message(workspace: Workspace, arguments: Arguments) -> Json:
    channel = _postable(workspace, arguments.need("channel"))
    sent = content(workspace, arguments)
    message = messages.by_bot(sent.pop("text", ""), **sent)
    thread_ts = arguments.text("thread_ts") or None
    if thread_ts and arguments.flag("reply_broadcast"):
        message["subtype"] = "thread_broadcast"
    messages.post(workspace, channel, message, thread_ts)
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def update(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_of_bot(arguments.need("channel"))
    message = own_message(channel, arguments.need("ts"), "cant_update_message")
    if (channel.id, message["ts"]) in workspace.streams:
        raise SlackError("streaming_state_conflict")
    sent = content(workspace, arguments, update=True)
    if not sent:
        raise SlackError("no_text")
    if not any({**message, **sent}.get(part) for part in ("text", "blocks", "attachments", "files")):
        raise SlackError("no_text")
    messages.update(workspace, channel, message, sent)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}


def delete(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_of_bot(arguments.need("channel"))
    message = own_message(channel, arguments.need("ts"), "cant_delete_message")
    messages.delete(workspace, channel, message)
    return {"channel": channel.id, "ts": message["ts"]}


def own_message(channel: Channel, ts: str, otherwise: str) -> Json:
    message = channel.find(ts)
    if message.get("bot_id") != cast.BOT_ID:
        raise SlackError(otherwise)
    return message


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_of_bot(arguments.need("channel"))
    user = arguments.need("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    sent = content(workspace, arguments)
    message = messages.by_bot(sent.pop("text", ""), **sent)
    thread_ts = arguments.text("thread_ts") or None
    messages.post_ephemeral(workspace, channel, user, message, thread_ts)
    return {"message_ts": message["ts"]}


def get_permalink(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_for_bot(arguments.need("channel"))
    message = channel.find(arguments.need("message_ts"))
    thread = message.get("thread_ts")
    query = f"?thread_ts={thread}&cid={channel.id}" if thread and thread != message["ts"] else ""
    stamp = message["ts"].replace(".", "")
    return {
        "channel": channel.id,
        "permalink": f"https://{cast.TEAM_DOMAIN}.slack.com/archives/{channel.id}/p{stamp}{query}",
    }
