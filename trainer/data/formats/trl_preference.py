"""TRL's rows of better and worse: {"prompt"?, "chosen", "rejected"} and {"prompt", "completion", "label"}.

Sides are texts or lists of messages. Without a prompt, what both sides begin with is the prompt; a prompt in a
text beside whole conversations (as UltraFeedback writes it) repeats their first user message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainer.data.findings import Problem, kind
from trainer.data.formats import Kind, load_format
from trainer.data.formats.as_chat import Converted, chat_tools, look_tools
from trainer.data.formats.look import QUIET, Look
from trainer.data.formats.quick import clean_messages, text_or_talk_rows, visible
from trainer.data.formats.trl import PAIR_KEYS, PromptCompletion, look_side, messages_of
from trainer.data.view import View

KEYS = frozenset({"prompt", "chosen", "rejected", "tools"})
PLAIN_KEYS = (KEYS | QUIET) - {"tools"}


class Preference:
    name = "trl-preference"
    title = "TRL preference"
    kind: Kind = "preference"

    def matches(self, row: dict[str, Any]) -> bool:
        if "chosen" in row and "rejected" in row:
            return "conversations" not in row
        return ("chosen" in row or "rejected" in row) and "messages" not in row and "conversations" not in row

    def block(self, raw: bytes) -> list[Any] | None:
        return text_or_talk_rows(raw, _clean, _clean_talk)

    def plain(self, row: Any) -> dict[str, Any]:
        return row

    def chat(self, row: Any) -> dict[str, Any] | None:
        return None

    def view(self, row: Any) -> View:
        chosen, prompt = row["chosen"], row.get("prompt")
        if isinstance(chosen, list):
            return load_format("openai-chat").view(_side(row, "chosen").row)
        cut = 0 if prompt else common_text(chosen, row["rejected"])
        return View(prompt or chosen[:cut], chosen[cut:] or chosen, ())

    def inspect(self, row: Any) -> Iterator[Problem]:
        look = Look()
        if look.row(row):
            _look(row, look)
        return look.report()


def _clean(row: dict[str, Any]) -> bool:
    chosen, rejected, prompt = row.get("chosen"), row.get("rejected"), row.get("prompt")
    sides = visible(chosen) and visible(rejected) and chosen != rejected
    return sides and (prompt is None or visible(prompt)) and row.keys() <= PLAIN_KEYS


def _clean_talk(row: dict[str, Any]) -> bool:
    chosen, rejected, prompt = row.get("chosen"), row.get("rejected"), row.get("prompt")
    if type(chosen) is not list or type(rejected) is not list or chosen == rejected or not row.keys() <= PLAIN_KEYS:
        return False
    if type(prompt) is list:
        return bool(prompt and chosen and rejected) and all(map(clean_messages, (prompt + chosen, prompt + rejected)))
    sides = clean_messages(chosen) and clean_messages(rejected)
    return sides and (prompt is None or (_opens_with(chosen, prompt) and _opens_with(rejected, prompt)))


def common_text(chosen: str, rejected: str) -> int:
    """How many characters both begin with, less a space at their end; 0 when one side is all of it."""
    same = next((i for i, (a, b) in enumerate(zip(chosen, rejected, strict=False)) if a != b), 0)
    return same - 1 if same and chosen[same - 1] == " " else same


def _look(row: dict[str, Any], look: Look) -> None:
    chosen, rejected = look_side(row, "chosen", look), look_side(row, "rejected", look)
    prompt = look_side(row, "prompt", look) if row.get("prompt") is not None else ""
    look_tools(row, look)
    look.extras(row, KEYS)
    if look.broken:
        return
    if chosen != rejected or (prompt == "messages" and chosen == "text"):
        said = "Prompt, chosen and rejected are all texts or all lists of messages; here they are mixed."
        look.say("mixed_shapes", said, "rejected" if chosen != rejected else "prompt")
    elif chosen == "text":
        _look_texts(row, look)
    else:
        _look_talks(row, look, prompt)
    if not look.broken and row["chosen"] == row["rejected"]:
        look.say("same_answers", "Chosen and rejected are the same: nothing to prefer.", "rejected")


def _look_texts(row: dict[str, Any], look: Look) -> None:
    for name in ("prompt", "chosen", "rejected"):
        if isinstance(row.get(name), str) and not row[name].strip():
            look.say("empty_content", f"'{name}' has no visible character.", name, "no visible character")


def _look_talks(row: dict[str, Any], look: Look, prompt: str) -> None:
    for name in ("chosen", "rejected"):
        if prompt == "text" and not _opens_with(row[name], row["prompt"]):
            said = f"The prompt is a text, '{name}' a list whose first user message is another; write a list of both."
            look.say("mixed_shapes", said, name)
            return
    told: set[Problem] = set()
    for name in ("chosen", "rejected"):
        problems = [p for p in _side(row, name).problems({"nothing_to_learn"}) if p not in told]
        told.update(problems)
        look.take(problems)


def _opens_with(messages: list[Any], prompt: str) -> bool:
    users = (m.get("content") for m in messages if isinstance(m, dict) and m.get("role") == "user")
    return next(users, None) == prompt


def _side(row: dict[str, Any], name: str) -> Converted:
    """One of the two conversations, with its prompt."""
    prompt, places = messages_of(row["prompt"], "user", "prompt") if isinstance(row.get("prompt"), list) else ([], [])
    answer, more = messages_of(row[name], "assistant", name)
    return Converted({"messages": prompt + answer} | chat_tools(row), places + more, name)


class Unpaired(PromptCompletion):
    name = "trl-unpaired"
    title = "TRL good or bad"
    kind: Kind = "unpaired"
    keys = PAIR_KEYS | {"label"}

    def block(self, raw: bytes) -> list[Any] | None:
        return None

    def matches(self, row: dict[str, Any]) -> bool:
        return "label" in row and "prompt" in row and "completion" in row

    def look(self, row: dict[str, Any], look: Look) -> None:
        super().look(row, look)
        if look.has(row, "label") and not isinstance(row["label"], bool) and look.readable(row["label"]):
            said = f"'label' is true or false; this is {kind(row['label'])}."
            look.say("bad_label", said, "label", kind(row["label"]))

    def chat(self, row: Any) -> dict[str, Any] | None:
        return None
