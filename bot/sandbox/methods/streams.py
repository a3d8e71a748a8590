"""chat.startStream, appendStream and stopStream: an answer that appears as it is written."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import events, messages
from bot.sandbox.arguments import Arguments
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SlackError, invalid_arguments
from bot.sandbox.limits import check_blocks, check_markdown, check_metadata
from bot.sandbox.methods import agents
from bot.sandbox.methods.chat import own_message
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]


@dataclass
class Stream:
    """What was streamed so far, in order of appearance."""

    mode: str = "timeline"
    born: float = field(default_factory=time.monotonic)
    parts: list[Json] = field(default_factory=list)
    plan_title: str = "Plan"

    def add(self, chunk: Json) -> None:
        kind = chunk.get("type")
        if kind == "markdown_text":
            self._add_text(check_markdown(str(chunk.get("text", ""))))
        elif kind == "task_update":
            self._add_task(chunk)
        elif kind == "plan_update":
            self.plan_title = str(chunk.get("title", ""))
        elif kind == "blocks":
            self.parts += chunk.get("blocks") or []
        else:
            raise SlackError("invalid_chunks")

    def _add_text(self, text: str) -> None:
        if self.parts and self.parts[-1]["type"] == "markdown":
            self.parts[-1]["text"] += text
        elif text:
            self.parts.append({"type": "markdown", "text": text})

    def _add_task(self, chunk: Json) -> None:
        task = {k: v for k, v in chunk.items() if k not in ("id", "type") and v is not None}
        known = next((p for p in self.parts if p.get("task_id") == chunk.get("id")), None)
        if known is None:
            known = {"type": "task_card", "task_id": str(chunk.get("id", ""))}
            self.parts.append(known)
        for part in ("details", "output"):
            if part in known and part in task:
                task[part] = known[part] + task[part]
        known |= task

    @property
    def text(self) -> str:
        return "".join(part["text"] for part in self.parts if part["type"] == "markdown")

    def blocks(self) -> list[Json]:
        if self.mode != "plan":
            return self.parts
        tasks = [part for part in self.parts if part["type"] == "task_card"]
        plan = [{"type": "plan", "title": self.plan_title, "tasks": tasks}] if tasks else []
        return plan + [part for part in self.parts if part["type"] != "task_card"]


def _feed(stream: Stream, arguments: Arguments) -> None:
    if arguments.text("markdown_text"):
        stream.add({"type": "markdown_text", "text": arguments.text("markdown_text")})
    for chunk in arguments.parsed("chunks") or []:
        stream.add(chunk)


def start(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.channel_of_bot(arguments.need("channel"))
    thread_ts = arguments.need("thread_ts")
    if not channel.is_im and not ("recipient_user_id" in arguments and "recipient_team_id" in arguments):
        raise invalid_arguments("missing required field: recipient_user_id and recipient_team_id")
    stream = Stream(mode=arguments.text("task_display_mode", "timeline"))
    _feed(stream, arguments)
    blocks = check_blocks(stream.blocks(), workspace.settings)
    message = messages.by_bot(stream.text, blocks=blocks, streaming_state="in_progress")
    messages.post(workspace, channel, message, thread_ts)
    workspace.streams[channel.id, message["ts"]] = stream
    return {"channel": channel.id, "ts": message["ts"]}


def _running(workspace: Workspace, arguments: Arguments) -> tuple[Channel, Json, Stream]:
    channel = workspace.channel_of_bot(arguments.need("channel"))
    message = own_message(channel, arguments.need("ts"), "message_not_owned_by_app")
    stream = workspace.streams.get((channel.id, message["ts"]))
    if stream is None:
        raise SlackError("message_not_in_streaming_state")
    if time.monotonic() - stream.born > workspace.settings.stream_seconds:
        finish(workspace, channel, message, "errored")
        raise SlackError("message_not_in_streaming_state")
    return channel, message, stream


def append(workspace: Workspace, arguments: Arguments) -> Json:
    channel, message, stream = _running(workspace, arguments)
    _feed(stream, arguments)
    fields = {"text": stream.text, "blocks": check_blocks(stream.blocks(), workspace.settings)}
    messages.update(workspace, channel, message, fields, quiet=True)
    return {"channel": channel.id, "ts": message["ts"]}


def stop(workspace: Workspace, arguments: Arguments) -> Json:
    channel, message, stream = _running(workspace, arguments)
    _feed(stream, arguments)
    blocks = stream.blocks() + (arguments.parsed("blocks", "invalid_blocks_format") or [])
    fields: Json = {"text": stream.text, "blocks": check_blocks(blocks, workspace.settings)}
    if "metadata" in arguments:
        fields["metadata"] = check_metadata(arguments.parsed("metadata"))
    messages.update(workspace, channel, message, fields, quiet=True)
    finish(workspace, channel, message, "completed")
    if "session_status" in arguments:
        agents.record(workspace, channel.id, message["thread_ts"], status=arguments.text("session_status"))
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def finish(workspace: Workspace, channel: Channel, message: Json, state: str) -> None:
    """End the stream; the app hears of it as message_changed."""
    before = dict(message)
    workspace.streams.pop((channel.id, message["ts"]), None)
    messages.update(workspace, channel, message, {"streaming_state": state}, quiet=True)
    events.message_changed(workspace, channel, before, message)
