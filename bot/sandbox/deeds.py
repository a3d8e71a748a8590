"""What a person can do: say, share, press, choose, submit, command."""

from __future__ import annotations

from typing import Any

from bot.sandbox import cast, clicks, events, interactions, messages, modals
from bot.sandbox.channel import Channel
from bot.sandbox.compose import compose
from bot.sandbox.errors import SlackError
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


def say(workspace: Workspace, person: str, channel: Channel, typed: str, thread_ts: str | None = None) -> Json:
    text, blocks = compose(typed, workspace.users)
    if not text.strip():
        raise SlackError("no_text")
    if len(text) > workspace.settings.message_characters:
        raise SlackError("msg_too_long")
    message = messages.by_person(workspace, person, text, blocks)
    return messages.post(workspace, channel, message, thread_ts)


def share(
    workspace: Workspace, person: str, channel: Channel, files: list[Json], typed: str, thread_ts: str | None
) -> Json:
    text, blocks = compose(typed, workspace.users)
    message = messages.by_person(workspace, person, text, blocks)
    return messages.share_files(workspace, channel, files, message, thread_ts)


def own(channel: Channel, ts: str, person: str) -> Json:
    message = channel.find(ts)
    if message.get("user") != person:
        raise SlackError("cant_update_message")
    return message


def edit(workspace: Workspace, person: str, channel: Channel, ts: str, typed: str) -> Json:
    text, blocks = compose(typed, workspace.users)
    return messages.update(workspace, channel, own(channel, ts, person), {"text": text, "blocks": blocks})


async def press(workspace: Workspace, person: str, channel: Channel, wanted: Json) -> Json:
    """Press a button or choose an option of a message the person can see."""
    message = _seen(workspace, person, channel, str(wanted.get("ts", "")))
    if message.get("bot_id") != cast.BOT_ID:
        raise SlackError("not_interactive", detail="that message is not the app's")
    blocks = [
        *message.get("blocks", []),
        *(b for a in message.get("attachments", []) for b in a.get("blocks", [])),
    ]
    action = _act(workspace, person, message["ts"], blocks, wanted)
    payload = interactions.click_payload(workspace, person, channel, message, [action])
    return await interactions.deliver(workspace, "interactive", payload)


def _seen(workspace: Workspace, person: str, channel: Channel, ts: str) -> Json:
    record = messages.find_ephemeral(workspace, person, ts)
    return record["message"] if record else channel.find(ts)


def _act(workspace: Workspace, person: str, owner: str, blocks: list[Json], wanted: Json) -> Json:
    """The action entry; what was chosen stays in state.values for the next click."""
    value = wanted.get("value")
    block, element = clicks.find(blocks, str(wanted.get("action_id")), wanted.get("block_id"), value)
    if element["type"] not in clicks.PRESSED:
        values = workspace.entered.setdefault((person, owner), {})
        values.setdefault(block["block_id"], {})[element["action_id"]] = clicks.entered(element, value)
    return clicks.action(block, element, value, workspace.next_ts())


async def press_in_view(workspace: Workspace, person: str, wanted: Json) -> Json:
    view_id = str(wanted["view_id"])
    view = workspace.views.get(view_id)
    if view is None or view_id not in (*workspace.modals.get(person, []), workspace.homes.get(person)):
        raise SlackError("not_found")
    action = _act(workspace, person, view_id, view["blocks"], wanted)
    view["state"] = {"values": workspace.entered.get((person, view_id), {})}
    payload = interactions.view_click_payload(workspace, person, view, [action])
    return await interactions.deliver(workspace, "interactive", payload)


async def command(workspace: Workspace, person: str, channel: Channel, name: str, text: str) -> Json:
    """A slash command; /invite is Slack's own and adds the app to the channel."""
    if name == "/invite":
        invite(workspace, person, channel)
        return {}
    if "commands" not in workspace.settings.scopes:
        raise SlackError("unknown_command")
    return await interactions.slash(workspace, person, channel, name, text)


def invite(workspace: Workspace, person: str, channel: Channel) -> None:
    if cast.BOT_USER_ID not in channel.members:
        channel.members.append(cast.BOT_USER_ID)
        events.joined(workspace, channel, cast.BOT_USER_ID, person)
        workspace.live.publish("channels", channel=channel.id)


def _top(workspace: Workspace, person: str, view_id: Any) -> Json:
    view = modals.top(workspace, person)
    if view is None or view_id not in (None, view["id"]):
        raise SlackError("not_found", detail="that view is not open")
    return view


async def submit(workspace: Workspace, person: str, view_id: Any, given: Json) -> Json:
    """Submit the open modal; inputs are checked first, as Slack's client does."""
    view = _top(workspace, person, view_id)
    values, missing = clicks.fill(view, given, workspace.entered.get((person, view["id"]), {}))
    if missing:
        raise SlackError("missing_input", errors=missing)
    return await interactions.submit_view(workspace, person, view, values)


async def close(workspace: Workspace, person: str, view_id: Any) -> None:
    await interactions.close_view(workspace, person, _top(workspace, person, view_id))


def stop(workspace: Workspace, person: str, channel: Channel, thread_ts: str) -> None:
    session = workspace.statuses.get((channel.id, thread_ts), {})
    if session.get("status") != "processing":
        raise SlackError("session_not_processing")
    streams = [ts for place, ts in workspace.streams if place == channel.id and _in(channel, ts, thread_ts)]
    for ts in streams:
        workspace.streams.pop((channel.id, ts))
        messages.update(workspace, channel, channel.messages[ts], {"streaming_state": "stopped"}, quiet=True)
    events.session_stopped(workspace, channel, thread_ts, person, streams)


def _in(channel: Channel, ts: str, thread_ts: str) -> bool:
    return channel.messages.get(ts, {}).get("thread_ts") == thread_ts
