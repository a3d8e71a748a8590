"""api.test, auth.test and apps.connections.open."""

from __future__ import annotations

from typing import Any

from bot.sandbox import cast
from bot.sandbox.arguments import Arguments
from bot.sandbox.errors import SlackError
from bot.sandbox.sockets import MAX_CONNECTIONS
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def api_test(workspace: Workspace, arguments: Arguments) -> Json:
    if "error" in arguments:
        raise SlackError(arguments.text("error"))
    return {"args": arguments.values}


def auth_test(workspace: Workspace, arguments: Arguments) -> Json:
    return {
        "url": f"https://{cast.TEAM_DOMAIN}.slack.com/",
        "team": cast.TEAM_NAME,
        "user": "tunesmith",
        "team_id": cast.TEAM_ID,
        "user_id": cast.BOT_USER_ID,
        "bot_id": cast.BOT_ID,
        "is_enterprise_install": False,
    }


def connections_open(workspace: Workspace, arguments: Arguments) -> Json:
    if workspace.hub.connections >= MAX_CONNECTIONS:
        raise SlackError("too_many_websockets")
    host = workspace.base_url.replace("http", "ws", 1)
    return {"url": f"{host}/link/?ticket={workspace.hub.issue_ticket()}&app_id={cast.APP_ID}"}
