"""A thread as an example: drafted, shown, and added by a person's press. Words of a thread are data, never orders."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from tools.building.examples import Built, add_rows
from tools.context import Context, Said
from trainer.data.builder import advice, errors
from trainer.data.chat_logs import Turn
from trainer.data.logs_import import as_messages
from trainer.errors import BadInput, Conflict, NotFound
from trainer.store.blobs import Blobs
from trainer.store.tables import Dataset

NAME = "thread-examples.jsonl"


@dataclass(frozen=True, slots=True)
class Draft:
    """An example that waits for Add or Discard. `key` names its file; `dataset_id` the version it would extend."""

    messages: list[dict[str, str]]
    channel: str
    thread_ts: str
    by: str
    how: str  # who answers, and why that is believed
    dataset_id: str
    turns_cut: int
    notes: list[str]
    key: str = ""

    @property
    def turns(self) -> int:
        return sum(m["role"] != "system" for m in self.messages)


def draft_from_thread(context: Context, assistant: str | None = None, dataset_id: str | None = None) -> Draft:
    """Read the caller's thread into an example and keep it aside. Nothing is added to a dataset."""
    if context.thread is None:
        raise BadInput(
            "There is no thread here.",
            fix="Say it in the thread that is to become an example; at a terminal: tunesmith data import FILE.",
            code="no_thread",
        )
    said = [one for one in context.thread() if one.text.strip()]
    answering, how = who_answers(said, assistant)
    talk = [Turn(one.speaker, one.text.strip()) for one in said]
    messages, cut = as_messages(talk, answering)
    if not messages:
        raise BadInput(
            "In this thread nobody answers a question, as far as I can tell.",
            fix="Say whose words are the answers: “make an example of this thread with @Grace as the agent”.",
            code="no_answers",
        )
    row = {"messages": messages}
    problem = next(iter(errors(row)), None)
    if problem:
        raise BadInput(problem.message, fix="This thread cannot become an example as it is.", code=problem.code)
    parent = _extends(context, dataset_id)
    origin = context.caller.origin
    draft = Draft(
        messages=messages,
        channel=origin["channel"],
        thread_ts=origin["thread_ts"],
        by=context.caller.user,
        how=how,
        dataset_id=parent.id if parent else "",
        turns_cut=cut,
        notes=[problem.message for problem in advice(row)],
    )
    return _kept(context, draft)


def who_answers(said: list[Said], assistant: str | None) -> tuple[Collection[str], str]:
    """The speakers whose words are answers: the person named, bots, or the one who answers most."""
    if assistant:
        return _named(said, assistant)
    bots = {one.speaker for one in said if one.bot}
    if bots:
        return bots, "The bot's messages are the answers."
    asker = said[0].speaker if said else ""
    others = Counter(one.speaker for one in said if one.speaker != asker)
    if not others:
        return (), ""
    first = others.most_common(1)[0][0]
    name = next(one.name for one in said if one.speaker == first)
    return {first}, f"{name} answers most here, so those messages are the answers."


def _named(said: list[Said], assistant: str) -> tuple[Collection[str], str]:
    wanted = assistant.strip().lstrip("@").casefold()
    found = {one.speaker: one.name for one in said if wanted in (one.speaker.casefold(), one.name.casefold())}
    if not found and wanted in ("bot", "the bot"):
        found = {one.speaker: one.name for one in said if one.bot}
    if not found:
        raise BadInput(
            f"Nobody called “{assistant[:40]}” speaks in this thread.",
            fix="Name somebody who does, as they are called in Slack.",
            code="unknown_speaker",
            param="assistant",
        )
    return set(found), f"{', '.join(found.values())}: as you said."


def add_draft(context: Context, key: str, *, redact: bool = False) -> Built:
    """The draft's example in the next version of its dataset, or in a new one."""
    draft = _draft(context, key)
    row: dict[str, Any] = {"messages": draft.messages}
    change: dict[str, Any] = {"thread": f"{draft.channel}:{draft.thread_ts}", "asked_by": draft.by}
    if redact:
        from trainer.data.logs_import import redacted

        (row,), change["redacted"] = redacted([row])
    parent = newest(context, draft.dataset_id) if draft.dataset_id else None
    built = add_rows(context, parent.id if parent else None, [row], source="thread", name=NAME, change=change)
    _drafts(context).delete(key)
    return built


def discard_draft(context: Context, key: str) -> None:
    _draft(context, key)
    _drafts(context).delete(key)


def newest(context: Context, dataset_id: str) -> Dataset:
    """The version to add to: what was built on this one since, so that two people's examples meet."""
    row = context.services.datasets.get(dataset_id)
    while True:
        built = [c for c in context.services.datasets.children(row.id) if c.change.get("kind") == "build"]
        alive = [child for child in built if not child.deleted_at]
        if not alive:
            return row
        row = alive[-1]


def _extends(context: Context, dataset_id: str | None) -> Dataset | None:
    """The dataset named, the one this thread is about, or the channel's collection of threads; else a new one."""
    services, origin = context.services, context.caller.origin
    wanted = dataset_id or services.threads.topic(origin).dataset_id
    if wanted:
        return newest(context, wanted)
    for row in services.datasets.list(limit=200):
        thread = str(row.change.get("thread", ""))
        if row.team == context.caller.team and thread.startswith(f"{origin['channel']}:"):
            return newest(context, row.id)
    return None


def _drafts(context: Context) -> Blobs:
    """Drafts have a store of their own, so that a discarded one is gone."""
    return context.services.blobs.within("drafts")


def _kept(context: Context, draft: Draft) -> Draft:
    values = json.dumps(asdict(draft), ensure_ascii=False, sort_keys=True)
    key = _drafts(context).put_bytes(values.encode())
    return replace(draft, key=key)


def read_draft(context: Context, key: str) -> Draft:
    """A draft by its key. NotFound for one that was added or discarded."""
    if len(key) != 64 or not set(key) <= set("0123456789abcdef") or not _drafts(context).exists(key):
        raise NotFound("That example was added or discarded already.", fix="Ask for it again.", code="no_draft")
    return Draft(**json.loads(_drafts(context).get_bytes(key)) | {"key": key})


def _draft(context: Context, key: str) -> Draft:
    """The draft, if it was made where the caller is: a key carried elsewhere opens nothing."""
    draft = read_draft(context, key)
    origin = context.caller.origin
    if (draft.channel, draft.thread_ts) != (origin.get("channel"), origin.get("thread_ts")):
        raise Conflict("That example belongs to another thread.", fix="Press the button on its own card.")
    return draft
