"""The people's side: what the web page and the driver call to act as somebody."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.sandbox import cast, deeds, events, messages, modals
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SlackError, invalid_arguments
from bot.sandbox.live import sse
from bot.sandbox.shelf import TooLarge
from bot.sandbox.transfers import body_chunks, serve
from bot.sandbox.webapi import WORKSPACE
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]
routes = web.RouteTableDef()


def answer(
    handler: Callable[[Workspace, Json], Awaitable[Json]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Read JSON in, write JSON out; a SlackError is the answer, not a crash."""

    async def handle(request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.text() or "{}") if request.method == "POST" else dict(request.query)
            if not isinstance(body, dict):
                raise ValueError
            return web.json_response({"ok": True, **await handler(request.app[WORKSPACE], body)})
        except SlackError as error:
            return web.json_response(error.body())
        except ValueError:
            return web.json_response(invalid_arguments("the body must be a JSON object").body(), status=400)

    return handle


def _place(workspace: Workspace, body: Json) -> tuple[str, Channel]:
    person = str(body.get("as", ""))
    return person, workspace.channel_of_person(str(body.get("channel", "")), person)


def _for(workspace: Workspace, person: str, channel: Channel) -> list[Json]:
    """The person's ephemeral messages in a channel."""
    return [e["message"] for e in workspace.ephemerals if (e["user"], e["channel"]) == (person, channel.id)]


@routes.get("/sandbox/state")
@answer
async def state(workspace: Workspace, body: Json) -> Json:
    person = str(body.get("as"))
    if person not in workspace.users:
        person = cast.ADA
    mine = [c for c in workspace.channels.values() if person in c.members]
    home = workspace.homes.get(person)
    return {
        "me": person,
        "bot": cast.BOT_USER_ID,
        "team": cast.TEAM_NAME,
        "users": list(workspace.users.values()),
        "channels": [c.as_json(person) | {"members": c.members, "kind": c.kind} for c in mine],
        "view": modals.top(workspace, person),
        "home": workspace.views[home] if home else None,
        "sessions": [
            {"channel": channel, "thread_ts": ts, "session": session}
            for (channel, ts), session in workspace.statuses.items()
        ],
        "connected": workspace.hub.connections,
        "revision": workspace.live.revision,
    }


@routes.get("/sandbox/messages")
@answer
async def timeline(workspace: Workspace, body: Json) -> Json:
    person, channel = _place(workspace, body)
    return {"messages": list(channel.timeline()), "ephemerals": _for(workspace, person, channel)}


@routes.get("/sandbox/replies")
@answer
async def replies(workspace: Workspace, body: Json) -> Json:
    person, channel = _place(workspace, body)
    ts = str(body.get("ts", ""))
    whispers = [m for m in _for(workspace, person, channel) if m.get("thread_ts") == ts]
    return {"messages": channel.thread(ts), "ephemerals": whispers}


@routes.get("/sandbox/wait")
@answer
async def wait(workspace: Workspace, body: Json) -> Json:
    seconds = min(float(body.get("seconds", 10)), 30.0)
    return {"revision": await workspace.live.wait(int(body.get("since", 0)), seconds)}


@routes.get("/sandbox/live")
async def live(request: web.Request) -> web.StreamResponse:
    """Server-sent events of everything the person may see."""
    workspace = request.app[WORKSPACE]
    person = request.query.get("as") or cast.ADA
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    await response.write(b"retry: 1000\n\n")
    try:
        async for change in workspace.live.changes():
            if _may_see(workspace, change, person):
                await response.write(sse(change))
    except ConnectionError:
        pass
    return response


def _may_see(workspace: Workspace, change: Json, person: str) -> bool:
    if change["audience"] is not None:
        return person in change["audience"]
    channel = workspace.channels.get(change["channel"])
    return channel is None or person in channel.members


@routes.post("/sandbox/message")
@answer
async def say(workspace: Workspace, body: Json) -> Json:
    person, channel = _place(workspace, body)
    return {"message": deeds.say(workspace, person, channel, str(body.get("text", "")), body.get("thread_ts"))}


@routes.post("/sandbox/edit")
@answer
async def edit(workspace: Workspace, body: Json) -> Json:
    person, channel = _place(workspace, body)
    return {"message": deeds.edit(workspace, person, channel, str(body.get("ts")), str(body.get("text", "")))}


@routes.post("/sandbox/delete")
@answer
async def delete(workspace: Workspace, body: Json) -> Json:
    person, channel = _place(workspace, body)
    messages.delete(workspace, channel, deeds.own(channel, str(body.get("ts")), person))
    return {}


@routes.post("/sandbox/react")
@answer
async def react(workspace: Workspace, body: Json) -> Json:
    person, channel = _place(workspace, body)
    message = channel.find(str(body.get("ts")))
    messages.react(workspace, channel, message, str(body.get("name")), person, add=not body.get("remove"))
    return {}


@routes.post("/sandbox/upload")
async def upload(request: web.Request) -> web.Response:
    """Raw bytes or a form, streamed to disk; who, where and the file's name are in the query."""
    workspace = request.app[WORKSPACE]
    try:
        person, channel = _place(workspace, dict(request.query))
        name = request.query.get("filename") or "upload.bin"
        file = workspace.files.open(name, request.content_length or 0, person, workspace.base_url)
        limit = workspace.settings.people_upload_bytes
        size = await workspace.files.store(file["id"], await body_chunks(request), limit)
        workspace.files.complete(file["id"], size)
        thread_ts = request.query.get("thread_ts")
        message = deeds.share(workspace, person, channel, [file], request.query.get("text", ""), thread_ts)
        return web.json_response({"ok": True, "message": message, "file": file})
    except TooLarge:
        return web.json_response(SlackError("file_too_large").body())
    except SlackError as error:
        return web.json_response(error.body())


@routes.post("/sandbox/press")
@answer
async def press(workspace: Workspace, body: Json) -> Json:
    """Press or choose something that is really there; waits for the app's ack."""
    if body.get("view_id"):
        return {"ack": await deeds.press_in_view(workspace, str(body.get("as")), body)}
    person, channel = _place(workspace, body)
    return {"ack": await deeds.press(workspace, person, channel, body)}


@routes.post("/sandbox/command")
@answer
async def command(workspace: Workspace, body: Json) -> Json:
    person, channel = _place(workspace, body)
    return {"ack": await deeds.command(workspace, person, channel, str(body["command"]), str(body.get("text", "")))}


@routes.post("/sandbox/view/submit")
@answer
async def submit(workspace: Workspace, body: Json) -> Json:
    return {"ack": await deeds.submit(workspace, str(body.get("as")), body.get("view_id"), body.get("values") or {})}


@routes.post("/sandbox/view/close")
@answer
async def close(workspace: Workspace, body: Json) -> Json:
    await deeds.close(workspace, str(body.get("as")), body.get("view_id"))
    return {}


@routes.post("/sandbox/stop")
@answer
async def stop(workspace: Workspace, body: Json) -> Json:
    """The native Stop button of a thread whose session is processing."""
    person, channel = _place(workspace, body)
    thread_ts = str(body.get("thread_ts"))
    deeds.stop(workspace, person, channel, thread_ts)
    return {}


@routes.post("/sandbox/home")
@answer
async def home(workspace: Workspace, body: Json) -> Json:
    """Open the app's home tab, or its messages tab."""
    person = str(body.get("as"))
    workspace.user(person)
    view = workspace.views.get(workspace.homes.get(person, ""))
    tab = str(body.get("tab", "home"))
    events.home_opened(workspace, person, workspace.open_dm(person), tab, view)
    return {"view": view}


@routes.get("/sandbox/files/{file}")
async def file_bytes(request: web.Request) -> web.StreamResponse:
    """A file as a person in one of its channels sees it."""
    workspace = request.app[WORKSPACE]
    try:
        file = workspace.files.find(request.match_info["file"])
    except SlackError:
        return web.Response(status=404, text="no such file")
    person = request.query.get("as", "")
    places = [*file["channels"], *file["groups"], *file["ims"]]
    shared = any(person in workspace.channels[c].members for c in places)
    if file["user"] != person and not shared and not _pictured(workspace, person, file["id"]):
        return web.Response(status=403, text="not shared with you")
    return serve(workspace.files.path(file["id"]), file, inline="download" not in request.query)


def _pictured(workspace: Workspace, person: str, file_id: str) -> bool:
    """Whether the app shows this file by its id in a message that the person can read."""
    return any(
        block.get("slack_file", {}).get("id") == file_id
        for channel in workspace.channels.values()
        if person in channel.members
        for message in channel.messages.values()
        if message.get("bot_id") == cast.BOT_ID
        for block in message.get("blocks", [])
    )
