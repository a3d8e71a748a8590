"""Modals: a stack of up to three views per person."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any

from bot.sandbox import cast
from bot.sandbox.errors import SlackError
from bot.sandbox.limits import check_view

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

Json = dict[str, Any]
DEPTH = 3


def build(workspace: Workspace, spec: Any, *, view_id: str | None = None, root: str | None = None) -> Json:
    """A view object as Slack stores it, from what the app sent."""
    checked = check_view(spec, workspace.settings)
    view_id = view_id or "V" + secrets.token_hex(5).upper()
    stamp = f"{time.time():.6f}"
    return {
        "id": view_id,
        "team_id": cast.TEAM_ID,
        "type": checked["type"],
        "blocks": checked["blocks"],
        "private_metadata": checked.get("private_metadata") or "",
        "callback_id": checked.get("callback_id") or "",
        "state": {"values": {}},
        "hash": f"{int(time.time())}.{hashlib.sha256(stamp.encode()).hexdigest()[:8]}",
        "title": checked.get("title"),
        "clear_on_close": bool(checked.get("clear_on_close")),
        "notify_on_close": bool(checked.get("notify_on_close")),
        "close": checked.get("close"),
        "submit": checked.get("submit"),
        "previous_view_id": None,
        "root_view_id": root or view_id,
        "app_id": cast.APP_ID,
        "external_id": checked.get("external_id") or "",
        "app_installed_team_id": cast.TEAM_ID,
        "bot_id": cast.BOT_ID,
    }


def show(workspace: Workspace, user: str, spec: Any, *, push: bool = False) -> Json:
    """Open a modal, or push one on the person's stack."""
    stack = workspace.modals.setdefault(user, [])
    if push and len(stack) >= DEPTH:
        raise SlackError("push_limit_reached")
    view = build(workspace, spec, root=stack[0] if push and stack else None)
    if not push:
        stack.clear()
    view["previous_view_id"] = stack[-1] if stack else None
    workspace.views[view["id"]] = view
    stack.append(view["id"])
    announce(workspace, user)
    return view


def replace(workspace: Workspace, view: Json, spec: Any) -> Json:
    """New content for an open view: same id, new hash."""
    fresh = build(workspace, spec, view_id=view["id"], root=view["root_view_id"])
    fresh["previous_view_id"] = view["previous_view_id"]
    workspace.views[view["id"]] = fresh
    for user, stack in workspace.modals.items():
        if view["id"] in stack:
            announce(workspace, user)
    return fresh


def pop(workspace: Workspace, user: str) -> None:
    stack = workspace.modals.get(user, [])
    if stack:
        stack.pop()
    announce(workspace, user)


def clear(workspace: Workspace, user: str) -> None:
    workspace.modals[user] = []
    announce(workspace, user)


def top(workspace: Workspace, user: str) -> Json | None:
    stack = workspace.modals.get(user, [])
    return workspace.views[stack[-1]] if stack else None


def announce(workspace: Workspace, user: str) -> None:
    workspace.live.publish("view", audience=[user], view=top(workspace, user))
