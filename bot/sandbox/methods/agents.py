"""agents.sessions.* and assistant.threads.*: what the app says it is doing in a thread."""

from __future__ import annotations

from typing import Any

from bot.sandbox.arguments import Arguments
from bot.sandbox.errors import SlackError, invalid_arguments
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]
STATUSES = ("processing", "active", "suspended", "closed")


def _thread(workspace: Workspace, arguments: Arguments) -> tuple[str, str]:
    channel = workspace.channel_of_bot(arguments.need("channel_id"))
    thread_ts = arguments.need("thread_ts")
    if thread_ts not in channel.messages:
        raise SlackError("thread_not_found")
    return channel.id, thread_ts


def record(workspace: Workspace, channel: str, thread_ts: str, **fields: Any) -> Json:
    """Remember what a thread's session says, and tell the page."""
    session = workspace.statuses.setdefault((channel, thread_ts), {})
    session |= fields
    workspace.live.publish("status", channel=channel, thread_ts=thread_ts, session=session)
    return session


def set_session_status(workspace: Workspace, arguments: Arguments) -> Json:
    channel, thread_ts = _thread(workspace, arguments)
    status = arguments.need("status")
    if status not in STATUSES:
        raise invalid_arguments(f"must be one of {', '.join(STATUSES)} [json-pointer:/status]")
    known = workspace.statuses.get((channel, thread_ts), {})
    title = known.get("title") or arguments.text("title")
    record(workspace, channel, thread_ts, status=status, title=title, text="" if status != "processing" else None)
    return {"status": status, "agent_status": status, "title": title}


def rename(workspace: Workspace, arguments: Arguments) -> Json:
    channel, thread_ts = _thread(workspace, arguments)
    if (channel, thread_ts) not in workspace.statuses:
        raise SlackError("session_not_found")
    record(workspace, channel, thread_ts, title=arguments.need("title"))
    return {"title": arguments.text("title")}


def set_thread_status(workspace: Workspace, arguments: Arguments) -> Json:
    """A line like “is reading the file…”; an empty status clears it."""
    channel, thread_ts = _thread(workspace, arguments)
    record(workspace, channel, thread_ts, text=arguments.text("status"))
    return {}


def set_prompts(workspace: Workspace, arguments: Arguments) -> Json:
    prompts = arguments.parsed("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= 4:
        raise invalid_arguments("must have 1 to 4 prompts [json-pointer:/prompts]")
    channel = workspace.channel_of_bot(arguments.need("channel_id"))
    record(workspace, channel.id, arguments.text("thread_ts"), prompts=prompts)
    return {}


def set_title(workspace: Workspace, arguments: Arguments) -> Json:
    channel, thread_ts = _thread(workspace, arguments)
    record(workspace, channel, thread_ts, title=arguments.need("title"))
    return {}
