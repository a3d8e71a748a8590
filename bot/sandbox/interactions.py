"""Clicks, submissions, shortcuts and slash commands: the payloads the app gets, and what its ack means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox import cast, messages, modals
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SlackError
from bot.sandbox.events import outward
from bot.sandbox.limits import check_blocks
from bot.sandbox.sockets import NotAcked
from bot.sandbox.workspace import ResponseUrl

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def person(workspace: Workspace, user_id: str) -> Json:
    user = workspace.user(user_id)
    return {"id": user_id, "username": user["name"], "name": user["name"], "team_id": user["team_id"]}


def _base(workspace: Workspace, kind: str, user: str, *, view_id: str | None = None) -> Json:
    return {
        "type": kind,
        "user": person(workspace, user),
        "api_app_id": cast.APP_ID,
        "token": cast.VERIFICATION_TOKEN,
        "trigger_id": workspace.issue_trigger(user, view_id),
        "team": {"id": cast.TEAM_ID, "domain": cast.TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def click_payload(workspace: Workspace, user: str, channel: Channel, message: Json, actions: list[Json]) -> Json:
    """block_actions from a message. Ephemeral messages are not shown to the app, as in Slack."""
    ephemeral = bool(message.get("is_ephemeral"))
    target = ResponseUrl(user, channel.id, message["ts"], message.get("thread_ts"), ephemeral)
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
        **({"thread_ts": message["thread_ts"]} if message.get("thread_ts") else {}),
    }
    payload = _base(workspace, "block_actions", user) | {
        "container": container,
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        "state": {"values": workspace.entered.get((user, message["ts"]), {})},
        "response_url": workspace.issue_response_url(target),
        "actions": actions,
    }
    return payload if ephemeral else payload | {"message": outward(message)}


def view_click_payload(workspace: Workspace, user: str, view: Json, actions: list[Json]) -> Json:
    return _base(workspace, "block_actions", user, view_id=view["id"]) | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "state": {"values": workspace.entered.get((user, view["id"]), {})},
        "actions": actions,
    }


async def deliver(workspace: Workspace, kind: str, payload: Json) -> Json:
    """Hand it to the app; what the clicker would read on failure is the error."""
    try:
        return await workspace.hub.ask(kind, payload)
    except NotAcked as error:
        code = "operation_timeout" if workspace.hub.connections else "dispatch_failed"
        workspace.live.publish("failed", audience=[payload_user(payload)], error=code)
        raise SlackError(code) from error


def payload_user(payload: Json) -> str:
    return payload.get("user_id") or payload.get("user", {}).get("id", "")


async def submit_view(workspace: Workspace, user: str, view: Json, values: Json) -> Json:
    """view_submission: the ack may close, update, push, clear, or show errors."""
    view["state"] = {"values": values}
    payload = _base(workspace, "view_submission", user, view_id=view["id"])
    answer = await deliver(workspace, "interactive", payload | {"view": view, "response_urls": []})
    action = answer.get("response_action")
    if action == "errors":
        workspace.live.publish("view_errors", audience=[user], view_id=view["id"], errors=answer.get("errors", {}))
    elif action == "update":
        workspace.entered[user, view["id"]] = values  # kept wherever block_id and action_id stay, as in Slack
        modals.replace(workspace, view, answer.get("view"))
    elif action == "push":
        modals.show(workspace, user, answer.get("view"), push=True)
    elif action == "clear":
        modals.clear(workspace, user)
    else:
        modals.pop(workspace, user)
    return answer


async def close_view(workspace: Workspace, user: str, view: Json) -> None:
    """Closing says nothing to the app unless the view asked for it."""
    modals.pop(workspace, user)
    if view.get("notify_on_close"):
        payload = _base(workspace, "view_closed", user)
        del payload["trigger_id"]
        await deliver(workspace, "interactive", payload | {"view": view, "is_cleared": False})


async def slash(workspace: Workspace, user: str, channel: Channel, command: str, text: str) -> Json:
    """A slash command; a text or JSON answer in the ack is shown as a message."""
    known = person(workspace, user)
    payload = {
        "token": cast.VERIFICATION_TOKEN,
        "team_id": cast.TEAM_ID,
        "team_domain": cast.TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_im else channel.name,
        "user_id": user,
        "user_name": known["name"],
        "command": command,
        "text": text,
        "api_app_id": cast.APP_ID,
        "is_enterprise_install": "false",
        "response_url": workspace.issue_response_url(ResponseUrl(user, channel.id)),
        "trigger_id": workspace.issue_trigger(user),
    }
    answer = await deliver(workspace, "slash_commands", payload)
    if answer.get("text") or answer.get("blocks"):
        respond(workspace, ResponseUrl(user, channel.id), answer)
    return answer


def respond(workspace: Workspace, target: ResponseUrl, answer: Json) -> None:
    """Carry out what an app sent to a response_url or in a slash command's ack."""
    channel = workspace.channel(target.channel)
    record = messages.find_ephemeral(workspace, target.user, target.message_ts) if target.message_ts else None
    if answer.get("delete_original") or (answer.get("replace_original") and target.message_ts):
        _on_original(workspace, channel, target, record, answer)
        return
    blocks = check_blocks(answer["blocks"], workspace.settings) if answer.get("blocks") else []
    if not answer.get("text") and not blocks:
        raise SlackError("no_text")
    message = messages.by_bot(answer.get("text", ""), blocks=blocks)
    thread_ts = answer.get("thread_ts")
    if answer.get("response_type") == "in_channel":
        messages.post(workspace, channel, message, thread_ts)
    else:
        messages.post_ephemeral(workspace, channel, target.user, message, thread_ts or target.thread_ts)


def _on_original(
    workspace: Workspace, channel: Channel, target: ResponseUrl, record: Json | None, answer: Json
) -> None:
    blocks = check_blocks(answer["blocks"], workspace.settings) if answer.get("blocks") else []
    if record and answer.get("delete_original"):
        messages.remove_ephemeral(workspace, record)
    elif record:
        record["message"] |= {"text": answer.get("text", ""), "blocks": blocks}
        workspace.live.publish("changed", channel=channel.id, audience=[target.user], message=record["message"])
    elif answer.get("delete_original"):
        messages.delete(workspace, channel, channel.find(target.message_ts or ""))
    else:
        original = channel.find(target.message_ts or "")
        messages.update(workspace, channel, original, {"text": answer.get("text", ""), "blocks": blocks})
