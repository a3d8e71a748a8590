"""The Web API's methods: one visible table of name → function, scopes and token kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.arguments import Arguments
from bot.sandbox.methods import agents, apps, chat, conversations, files, reactions, streams, users, views
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


@dataclass(frozen=True)
class Method:
    call: Callable[[Workspace, Arguments], Json]
    scopes: tuple[str, ...] = ()  # any one of these opens the method
    token: str = "xoxb"  # noqa: S105


METHODS: dict[str, Method] = {
    "agents.sessions.rename": Method(agents.rename, ("chat:write",)),
    "agents.sessions.setStatus": Method(agents.set_session_status, ("chat:write",)),
    "api.test": Method(apps.api_test),
    "apps.connections.open": Method(apps.connections_open, token="xapp"),  # noqa: S106
    "assistant.threads.setStatus": Method(agents.set_thread_status, ("assistant:write", "chat:write")),
    "assistant.threads.setSuggestedPrompts": Method(agents.set_prompts, ("assistant:write",)),
    "assistant.threads.setTitle": Method(agents.set_title, ("assistant:write",)),
    "auth.test": Method(apps.auth_test),
    "bots.info": Method(users.bots_info, ("users:read",)),
    "chat.appendStream": Method(streams.append, ("chat:write",)),
    "chat.delete": Method(chat.delete, ("chat:write",)),
    "chat.getPermalink": Method(chat.get_permalink),
    "chat.postEphemeral": Method(chat.post_ephemeral, ("chat:write",)),
    "chat.postMessage": Method(chat.post_message, ("chat:write",)),
    "chat.startStream": Method(streams.start, ("chat:write",)),
    "chat.stopStream": Method(streams.stop, ("chat:write",)),
    "chat.update": Method(chat.update, ("chat:write",)),
    "conversations.history": Method(conversations.history),
    "conversations.info": Method(conversations.info),
    "conversations.join": Method(conversations.join, ("channels:join",)),
    "conversations.list": Method(conversations.list_all),
    "conversations.members": Method(conversations.members),
    "conversations.open": Method(conversations.open_dm, ("im:write", "mpim:write")),
    "conversations.replies": Method(conversations.replies),
    "files.completeUploadExternal": Method(files.complete_upload, ("files:write",)),
    "files.delete": Method(files.delete, ("files:write",)),
    "files.getUploadURLExternal": Method(files.get_upload_url, ("files:write",)),
    "files.info": Method(files.info, ("files:read",)),
    "reactions.add": Method(reactions.add, ("reactions:write",)),
    "reactions.get": Method(reactions.get, ("reactions:read",)),
    "reactions.remove": Method(reactions.remove, ("reactions:write",)),
    "team.info": Method(users.team_info, ("team:read",)),
    "users.conversations": Method(conversations.of_user),
    "users.info": Method(users.info, ("users:read",)),
    "users.list": Method(users.list_all, ("users:read",)),
    "views.open": Method(views.open_view),
    "views.publish": Method(views.publish),
    "views.push": Method(views.push),
    "views.update": Method(views.update),
}
