"""views.*: modals and the app's home."""

from __future__ import annotations

from typing import Any

from bot.sandbox import modals
from bot.sandbox.arguments import Arguments
from bot.sandbox.errors import SlackError
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def open_view(workspace: Workspace, arguments: Arguments) -> Json:
    spec = arguments.parsed("view")
    trigger = workspace.redeem_trigger(arguments.need("trigger_id"))
    return {"view": modals.show(workspace, trigger.user, spec)}


def push(workspace: Workspace, arguments: Arguments) -> Json:
    spec = arguments.parsed("view")
    trigger = workspace.redeem_trigger(arguments.need("trigger_id"))
    if trigger.view_id is None:
        raise SlackError("invalid_trigger_id")
    return {"view": modals.show(workspace, trigger.user, spec, push=True)}


def update(workspace: Workspace, arguments: Arguments) -> Json:
    view_id, external = arguments.text("view_id"), arguments.text("external_id")
    found = [v for v in workspace.views.values() if v["id"] == view_id or (external and v["external_id"] == external)]
    if not found or not _open(workspace, found[0]["id"]):
        raise SlackError("not_found")
    if "hash" in arguments and arguments.text("hash") != found[0]["hash"]:
        raise SlackError("hash_conflict")
    return {"view": modals.replace(workspace, found[0], arguments.parsed("view"))}


def _open(workspace: Workspace, view_id: str) -> bool:
    return any(view_id in stack for stack in workspace.modals.values())


def publish(workspace: Workspace, arguments: Arguments) -> Json:
    user = workspace.user(arguments.need("user_id"))["id"]
    view = modals.build(workspace, arguments.parsed("view"))
    workspace.views[view["id"]] = view
    workspace.homes[user] = view["id"]
    workspace.live.publish("home", audience=[user], view=view)
    return {"view": view}
