"""reactions.*"""

from __future__ import annotations

from typing import Any

from bot.sandbox import cast, messages
from bot.sandbox.arguments import Arguments
from bot.sandbox.channel import Channel
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def _target(workspace: Workspace, arguments: Arguments) -> tuple[Channel, Json]:
    channel = workspace.channel_of_bot(arguments.need("channel"))
    return channel, channel.find(arguments.need("timestamp"))


def add(workspace: Workspace, arguments: Arguments) -> Json:
    channel, message = _target(workspace, arguments)
    messages.react(workspace, channel, message, arguments.need("name").strip(":"), cast.BOT_USER_ID, add=True)
    return {}


def remove(workspace: Workspace, arguments: Arguments) -> Json:
    channel, message = _target(workspace, arguments)
    messages.react(workspace, channel, message, arguments.need("name").strip(":"), cast.BOT_USER_ID, add=False)
    return {}


def get(workspace: Workspace, arguments: Arguments) -> Json:
    channel, message = _target(workspace, arguments)
    return {"type": "message", "channel": channel.id, "message": message}
