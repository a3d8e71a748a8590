"""Reading messages by program: their visible text and their buttons."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def text_of(node: Any) -> str:
    """All the text that a reader of a message sees: its text, its blocks' and its files' names."""
    if isinstance(node, list):
        return "\n".join(filter(None, map(text_of, node)))
    if not isinstance(node, dict):
        return ""
    own = [node["text"]] if isinstance(node.get("text"), str) and node["text"] else []
    if node.get("type") in ("task_card", "plan", "data_visualization") and isinstance(node.get("title"), str):
        own.append(node["title"])
    if "mimetype" in node:
        return str(node.get("name", ""))
    skipped = {"metadata", "bot_profile", "user_profile", "edited", "confirm"}
    return "\n".join(own + [t for k, v in node.items() if k not in skipped and (t := text_of(v))])


def buttons_of(message: Json) -> list[Json]:
    """The message's buttons, in order: {action_id, value, text, block_id}."""
    found: list[Json] = []

    def look(node: Any, block_id: str) -> None:
        if isinstance(node, list):
            for item in node:
                look(item, block_id)
        elif isinstance(node, dict):
            block_id = node.get("block_id", block_id)
            if node.get("type") == "button":
                shown = {"action_id": node.get("action_id"), "value": node.get("value"), "block_id": block_id}
                found.append(shown | {"text": node["text"]["text"], "style": node.get("style")})
            for value in node.values():
                look(value, block_id)

    look(message.get("blocks", []), "")
    return found
