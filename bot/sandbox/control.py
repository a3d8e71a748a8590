"""The test's side: faults, redelivery, forged clicks, settings."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.sandbox import cast, events, interactions
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SlackError, invalid_arguments
from bot.sandbox.faults import Fault
from bot.sandbox.people import answer
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]
routes = web.RouteTableDef()


@routes.get("/sandbox/control")
@answer
async def look(workspace: Workspace, body: Json) -> Json:
    """Connections, the app's latest calls, the events it was sent, and the settings."""
    return {
        "connections": workspace.hub.connections,
        "calls": workspace.calls,
        "events": list(workspace.hub.delivered),
        "acks": list(workspace.hub.ack_log),
        "settings": workspace.settings.as_dict(),
    }


@routes.post("/sandbox/control/settings")
@answer
async def settings(workspace: Workspace, body: Json) -> Json:
    try:
        workspace.settings.change(body)
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid_arguments(str(error)) from None
    return {"settings": workspace.settings.as_dict()}


@routes.post("/sandbox/control/fault")
@answer
async def fault(workspace: Workspace, body: Json) -> Json:
    try:
        workspace.faults.plan(Fault(**body))
    except (TypeError, ValueError) as error:
        raise invalid_arguments(str(error)) from None
    return {"planned": len(workspace.faults.planned)}


@routes.post("/sandbox/control/clear")
@answer
async def clear(workspace: Workspace, body: Json) -> Json:
    workspace.faults.clear()
    workspace.hub.drop_acks = 0
    return {}


@routes.post("/sandbox/control/drop_acks")
@answer
async def drop_acks(workspace: Workspace, body: Json) -> Json:
    workspace.hub.drop_acks = int(body.get("times", 1))
    return {}


@routes.post("/sandbox/control/redeliver")
@answer
async def redeliver(workspace: Workspace, body: Json) -> Json:
    """The last event again, or the one with `event_id`, or the last of a `type`."""
    wanted, kind = body.get("event_id"), body.get("type")
    if kind and not wanted:
        ids = [p["event_id"] for p in workspace.hub.delivered if p["event"]["type"] == kind]
        wanted = ids[-1] if ids else "none"
    try:
        return {"event": workspace.hub.redeliver(wanted)}
    except KeyError:
        raise SlackError("event_not_found") from None


@routes.post("/sandbox/control/disconnect")
@answer
async def disconnect(workspace: Workspace, body: Json) -> Json:
    reason, abrupt = str(body.get("reason", "warning")), bool(body.get("abrupt"))
    return {"closed": await workspace.hub.disconnect(reason, abrupt=abrupt)}


@routes.post("/sandbox/control/forge")
@answer
async def forge(workspace: Workspace, body: Json) -> Json:
    """A click that Slack would never send: any user, any action_id, any value, on any message."""
    channel = workspace.channel(str(body["channel"])) if body.get("channel") else Channel("C0FORGED00", "forged")
    ts = str(body.get("ts") or workspace.next_ts())
    message = channel.messages.get(ts) or {"type": "message", "ts": ts, "text": "", "bot_id": cast.BOT_ID}
    action = {
        "type": "button",
        "action_id": str(body.get("action_id", "")),
        "block_id": str(body.get("block_id", "forged")),
        "text": {"type": "plain_text", "text": "Forged"},
        "value": str(body.get("value", "")),
        "action_ts": workspace.next_ts(),
    } | (body.get("action") or {})
    person = str(body.get("as", cast.ADA))
    payload = interactions.click_payload(workspace, person, channel, message, [action]) | (body.get("payload") or {})
    return {"ack": await interactions.deliver(workspace, "interactive", payload)}


@routes.post("/sandbox/control/event")
@answer
async def event(workspace: Workspace, body: Json) -> Json:
    """Send any event, e.g. one of a kind this sandbox does not make itself."""
    payload = events.envelope(body.get("event") or {}) | (body.get("envelope") or {})
    workspace.hub.send_event(payload)
    return {"event": payload}
