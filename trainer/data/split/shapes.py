"""The one shape in which the parts of a split hold rows of a kind, whatever format they came in:

- chat: `{"messages": […]}` as OpenAI writes it, with `tools`;
- preference: `{"prompt": […], "chosen": […], "rejected": […]}`, messages each, with `tools` where there are some;
- unpaired: `{"prompt": […], "completion": […], "label": true}`;
- text: `{"text": "…"}`.

`metadata` that is an object stays. Of other kinds, rows stay as they are. Where both answers of a pair have nothing
in common to begin with, there is no `prompt`: such a pair teaches nothing, and training counts and leaves it out."""

from __future__ import annotations

from typing import Any

from trainer.data.formats import Format
from trainer.data.formats.as_chat import chat_tools
from trainer.data.formats.trl import messages_of
from trainer.data.formats.trl_preference import common_text

Row = dict[str, Any]
Messages = list[dict[str, Any]]


def shaped(format: Format, row: Any) -> Row:
    """An accepted row of a format in the shape of its kind."""
    if format.kind == "chat":
        return format.chat(row) or format.plain(row)
    plain = format.plain(row)
    if format.kind == "preference":
        made = _openai(plain) if format.name == "openai-preference" else _pair(plain)
    elif format.kind == "unpaired":
        made = _rated(plain)
    elif format.kind == "text":
        made = {"text": plain["text"]}
    else:
        return plain
    metadata = plain.get("metadata")
    return made | {"metadata": metadata} if isinstance(metadata, dict) and metadata else made


def kind_of(row: Row) -> str:
    """The kind whose shape a row has; "" where it has none of them."""
    for name, keys in {"chat": ["messages"], "text": ["text"], "preference": ["chosen", "rejected"]}.items():
        if all(key in row for key in keys):
            return name
    return "unpaired" if all(key in row for key in ("prompt", "completion", "label")) else ""


def talk(row: Row) -> Row | None:
    """A preference or unpaired row, once shaped, as the conversation that it tells of: the prompt and the better (or
    only) answer as OpenAI chat. None for rows of other kinds."""
    answer = row.get("chosen") or row.get("completion")
    if not isinstance(answer, list):
        return None
    beside = {key: row[key] for key in ("tools", "metadata") if key in row}
    return {"messages": [*row.get("prompt", ()), *answer], **beside}


def _openai(row: Row) -> Row:
    given = row["input"]
    made = {"prompt": given["messages"], "chosen": row["preferred_output"], "rejected": row["non_preferred_output"]}
    return made | ({"tools": given["tools"]} if given.get("tools") else {})


def _rated(row: Row) -> Row:
    prompt, _ = messages_of(row["prompt"], "user", "prompt")
    completion, _ = messages_of(row["completion"], "assistant", "completion")
    return {"prompt": prompt, "completion": completion, "label": row["label"]} | chat_tools(row)


def _pair(row: Row) -> Row:
    chosen, rejected, prompt = row["chosen"], row["rejected"], row.get("prompt")
    if isinstance(chosen, str):
        return _of_texts(prompt, chosen, rejected) | chat_tools(row)
    if isinstance(prompt, list):
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected} | chat_tools(row)
    same = _common(chosen, rejected)
    made = {"prompt": chosen[:same]} if same else {}
    return made | {"chosen": chosen[same:], "rejected": rejected[same:]} | chat_tools(row)


def _of_texts(prompt: str | None, chosen: str, rejected: str) -> Row:
    if not prompt:
        cut = common_text(chosen, rejected)
        if all(part.strip() for part in (chosen[:cut], chosen[cut:], rejected[cut:])):
            prompt, chosen, rejected = chosen[:cut], chosen[cut:], rejected[cut:]
    said = {"prompt": [{"role": "user", "content": prompt}]} if prompt else {}
    return said | {
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def _common(chosen: Messages, rejected: Messages) -> int:
    """How many messages both begin with, so that each has one left."""
    most = min(len(chosen), len(rejected)) - 1
    return next((i for i in range(most) if chosen[i] != rejected[i]), most)
