"""users.*, bots.info and team.info."""

from __future__ import annotations

import copy
from typing import Any

from bot.sandbox import cast
from bot.sandbox.arguments import Arguments, page
from bot.sandbox.errors import SlackError
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def _shown(workspace: Workspace, user: Json) -> Json:
    shown = copy.deepcopy(user)
    if "users:read.email" not in workspace.settings.scopes:
        shown["profile"].pop("email", None)
    return shown


def info(workspace: Workspace, arguments: Arguments) -> Json:
    return {"user": _shown(workspace, workspace.user(arguments.need("user")))}


def list_all(workspace: Workspace, arguments: Arguments) -> Json:
    local = [user for user in workspace.users.values() if user["team_id"] == cast.TEAM_ID]
    chosen, cursor = page(local, arguments, lambda user: user["id"])
    return {"members": [_shown(workspace, u) for u in chosen], "response_metadata": {"next_cursor": cursor}}


def bots_info(workspace: Workspace, arguments: Arguments) -> Json:
    known = {
        cast.BOT_ID: {
            "id": cast.BOT_ID,
            "name": "Tunesmith",
            "app_id": cast.APP_ID,
            "user_id": cast.BOT_USER_ID,
        },
        cast.BEEP_BOT_ID: {
            "id": cast.BEEP_BOT_ID,
            "name": "Beep",
            "app_id": cast.BEEP_APP_ID,
            "user_id": cast.BEEP,
        },
    }
    bot = known.get(arguments.text("bot", cast.BOT_ID))
    if bot is None:
        raise SlackError("bot_not_found")
    return {"bot": bot | {"deleted": False, "updated": 1_700_000_000, "icons": {}}}


def team_info(workspace: Workspace, arguments: Arguments) -> Json:
    return {
        "team": {
            "id": cast.TEAM_ID,
            "name": cast.TEAM_NAME,
            "domain": cast.TEAM_DOMAIN,
            "url": f"https://{cast.TEAM_DOMAIN}.slack.com/",
            "email_domain": "",
            "icon": {"image_default": True},
        }
    }
