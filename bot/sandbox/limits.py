"""Slack's limits on messages and views: what Block Kit accepts, said in Slack's own error codes."""

from __future__ import annotations

import json
import secrets
from typing import Any

from bot.sandbox.blockkit import BLOCKS, Check
from bot.sandbox.errors import SlackError, invalid_arguments
from bot.sandbox.settings import Settings

Json = dict[str, Any]
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
ATTACHMENTS = 100
MARKDOWN_CHARACTERS = 12_000
METADATA_BYTES = 16_000
PRIVATE_METADATA = 3_000
CALLBACK_ID = 255
VIEW_TITLE = 24


def check_text(text: str, settings: Settings, *, update: bool = False) -> str:
    """Cut at 40,000 characters as chat.postMessage does; chat.update refuses past 4,000."""
    if update and len(text) > settings.update_characters:
        raise SlackError("msg_too_long")
    return text[: settings.message_characters]


def check_markdown(text: str) -> str:
    if len(text) > MARKDOWN_CHARACTERS:
        raise SlackError("msg_too_long")
    return text


def check_attachments(attachments: list[Json], settings: Settings) -> list[Json]:
    if len(attachments) > ATTACHMENTS:
        raise SlackError("too_many_attachments")
    return [
        {"id": number, **a, **({"blocks": check_blocks(a["blocks"], settings)} if a.get("blocks") else {})}
        for number, a in enumerate(attachments, start=1)
    ]


def check_metadata(metadata: Any) -> Json:
    """event_type and event_payload, at most 16 kB."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload", {}), dict):
        raise SlackError("invalid_metadata_format")
    if metadata and not metadata.get("event_type"):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return metadata


def check_blocks(blocks: Any, settings: Settings, *, surface: str = "message") -> list[Json]:
    """The blocks with ids filled in; invalid_blocks names every place that breaks a rule."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    check = Check(surface)
    most = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    if len(blocks) > most:
        check.wrong("/blocks", f"no more than {most} items allowed")
    for number, block in enumerate(blocks):
        _check_block(check, block, f"/blocks/{number}", settings)
    _check_unique(check, blocks)
    _check_rare(check, blocks)
    if check.problems:
        raise SlackError(
            "invalid_blocks",
            errors=check.problems,
            response_metadata={"messages": [f"[ERROR] {p}" for p in check.problems]},
        )
    if surface == "message" and _characters(blocks) > settings.block_characters:
        raise SlackError("msg_blocks_too_long")
    return [_with_ids(block) for block in blocks]


def _check_block(check: Check, block: Any, where: str, settings: Settings) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    rule = BLOCKS.get(kind) if isinstance(kind, str) and kind not in settings.refused_blocks else None
    if rule is None:
        check.wrong(where, f"unsupported type: {kind}")
        return
    if len(str(block.get("block_id") or "")) > 255:
        check.wrong(f"{where}/block_id", "must be less than 256 characters")
    rule(check, block, where)


def _check_unique(check: Check, blocks: list[Any]) -> None:
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if block_id and block_id in seen:
            check.wrong(f"/blocks/{number}/block_id", f"block_id {block_id!r} already exists")
        seen.add(str(block_id))


def _check_rare(check: Check, blocks: list[Any]) -> None:
    """Blocks that a message may hold only one or two of."""
    kinds = [b.get("type") for b in blocks if isinstance(b, dict)]
    if kinds.count("table") > 1:
        check.wrong("/blocks", "only one table allowed")
    if kinds.count("data_visualization") > 2:
        check.wrong("/blocks", "no more than 2 data_visualization blocks allowed")
    markdown = sum(len(str(b.get("text", ""))) for b in blocks if isinstance(b, dict) and b.get("type") == "markdown")
    if markdown > MARKDOWN_CHARACTERS:
        check.wrong("/blocks", f"markdown text must be less than {MARKDOWN_CHARACTERS + 1} characters in all")


def _characters(node: Any) -> int:
    """All the text that a reader would see, in characters."""
    if isinstance(node, list):
        return sum(_characters(item) for item in node)
    if not isinstance(node, dict):
        return 0
    own = len(node["text"]) if isinstance(node.get("text"), str) else 0
    return own + sum(_characters(value) for value in node.values())


def _with_ids(block: Json) -> Json:
    """Slack fills in the block_id and action_ids that the app left out."""
    filled = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)[:5]}
    if isinstance(block.get("elements"), list) and block["type"] in ("actions", "context_actions"):
        filled["elements"] = [_with_action_id(e) for e in block["elements"]]
    for slot in ("accessory", "element"):
        if isinstance(block.get(slot), dict) and block[slot].get("type") != "image":
            filled[slot] = _with_action_id(block[slot])
    return filled


def _with_action_id(element: Json) -> Json:
    return {**element, "action_id": element.get("action_id") or secrets.token_urlsafe(4)[:5]}


def check_view(view: Any, settings: Settings) -> Json:
    """A modal or home view that Slack would take."""
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise invalid_arguments("must be a valid view type [json-pointer:/view/type]")
    problems: list[str] = []
    if view["type"] == "modal":
        title = view.get("title")
        if not isinstance(title, dict) or title.get("type") != "plain_text":
            problems.append("missing required field: title [json-pointer:/view]")
        for slot in ("title", "submit", "close"):
            label = view.get(slot)
            if isinstance(label, dict) and len(str(label.get("text", ""))) > VIEW_TITLE:
                problems.append(f"must be less than {VIEW_TITLE + 1} characters [json-pointer:/view/{slot}/text]")
        if any(b.get("type") == "input" for b in view.get("blocks", [])) and not view.get("submit"):
            problems.append("submit is required when an input block is within blocks [json-pointer:/view/submit]")
    if len(str(view.get("private_metadata") or "")) > PRIVATE_METADATA:
        problems.append(f"must be less than {PRIVATE_METADATA + 1} characters [json-pointer:/view/private_metadata]")
    if len(str(view.get("callback_id") or "")) > CALLBACK_ID:
        problems.append(f"must be less than {CALLBACK_ID + 1} characters [json-pointer:/view/callback_id]")
    if problems:
        raise invalid_arguments(*problems)
    return {**view, "blocks": check_blocks(view.get("blocks"), settings, surface=view["type"])}
