"""files.*: the external upload flow, info and delete."""

from __future__ import annotations

from typing import Any

from bot.sandbox import cast, messages
from bot.sandbox.arguments import Arguments, page
from bot.sandbox.errors import SlackError, invalid_arguments
from bot.sandbox.limits import check_blocks, check_text
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def get_upload_url(workspace: Workspace, arguments: Arguments) -> Json:
    name, size = arguments.need("filename"), arguments.number("length", 0)
    if size <= 0:
        raise invalid_arguments("must be a positive integer [json-pointer:/length]")
    file = workspace.files.open(name, size, cast.BOT_USER_ID, workspace.base_url)
    if alt := arguments.text("alt_txt"):
        file["alt_txt"] = alt[:1000]
    ticket = workspace.files.ticket(file["id"])
    return {"upload_url": f"{workspace.base_url}/upload/v1/{ticket}", "file_id": file["id"]}


def complete_upload(workspace: Workspace, arguments: Arguments) -> Json:
    """Make uploaded bytes files, and share them as one message when a channel is named."""
    wanted = arguments.parsed("files")
    if not isinstance(wanted, list) or not wanted:
        raise invalid_arguments("missing required field: files")
    targets = [c for c in (arguments.text("channel_id") or arguments.text("channels")).split(",") if c]
    channels = [workspace.channel_of_bot(target) for target in targets]
    files = [_complete(workspace, entry) for entry in wanted]
    for channel in channels:
        text = check_text(arguments.text("initial_comment"), workspace.settings)
        blocks = arguments.parsed("blocks")
        message = messages.by_bot(text, blocks=check_blocks(blocks, workspace.settings) if blocks else [])
        messages.share_files(workspace, channel, files, message, arguments.text("thread_ts") or None)
    return {"files": files}


def _complete(workspace: Workspace, entry: Any) -> Json:
    file_id = entry.get("id", "") if isinstance(entry, dict) else ""
    path = workspace.files.path(file_id)
    if file_id not in workspace.files.pending or not path.exists():
        raise SlackError("file_not_found")
    return workspace.files.complete(file_id, path.stat().st_size, entry.get("title"))


def info(workspace: Workspace, arguments: Arguments) -> Json:
    file = workspace.files.find(arguments.need("file"))
    comments, cursor = page([], arguments, str)
    return {
        "file": file,
        "comments": comments,
        "response_metadata": {"next_cursor": cursor},
    }


def delete(workspace: Workspace, arguments: Arguments) -> Json:
    file = workspace.files.find(arguments.need("file"))
    if file["user"] != cast.BOT_USER_ID:
        raise SlackError("cant_delete_file")
    workspace.files.delete(file["id"])
    for channel in workspace.channels.values():
        for message in channel.messages.values():
            if file in message.get("files", []):
                message["files"] = [
                    {"id": file["id"], "mode": "tombstone"} if f is file else f for f in message["files"]
                ]
                messages.changed(workspace, channel, message)
    return {}
