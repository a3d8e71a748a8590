"""Block Kit's grammar: one small rule a block type, in a visible table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.sandbox.elements import ACTION_ELEMENTS, ELEMENTS, INPUT_ELEMENTS, Check

Json = dict[str, Any]
ROWS, COLUMNS, TABLE_CHARACTERS = 100, 20, 10_000
SERIES, POINTS = 6, 20


def section(check: Check, block: Json, where: str) -> None:
    if block.get("text") is None and not block.get("fields"):
        check.wrong(where, "missing required field: text or fields")
    if block.get("text") is not None:
        check.text(block["text"], f"{where}/text", 3000)
    for number, field in enumerate(check.array(block, "fields", where, 0, 10)):
        check.text(field, f"{where}/fields/{number}", 2000)
    if block.get("accessory") is not None:
        element(check, block["accessory"], f"{where}/accessory", ACTION_ELEMENTS | {"image"})


def element(check: Check, node: Any, where: str, allowed: set[str]) -> None:
    kind = node.get("type") if isinstance(node, dict) else None
    if not isinstance(kind, str) or kind not in allowed:
        check.wrong(where, f"unsupported type: {kind}")
        return
    action_id = node.get("action_id")
    if action_id is not None and not isinstance(action_id, str):
        check.wrong(f"{where}/action_id", "must be a string")
    elif len(action_id or "") > 255:
        check.wrong(f"{where}/action_id", "must be less than 256 characters")
    ELEMENTS[kind](check, node, where)


def header(check: Check, block: Json, where: str) -> None:
    check.text(block.get("text"), f"{where}/text", 150, plain=True)


def divider(check: Check, block: Json, where: str) -> None:
    """A line needs nothing."""


def context(check: Check, block: Json, where: str) -> None:
    for number, node in enumerate(check.array(block, "elements", where, 1, 10)):
        spot = f"{where}/elements/{number}"
        if isinstance(node, dict) and node.get("type") == "image":
            ELEMENTS["image"](check, node, spot)
        else:
            check.text(node, spot, 3000)


def actions(check: Check, block: Json, where: str) -> None:
    _elements(check, block, where, 25, ACTION_ELEMENTS)


def context_actions(check: Check, block: Json, where: str) -> None:
    _elements(check, block, where, 5, {"feedback_buttons", "icon_button"})


def _elements(check: Check, block: Json, where: str, most: int, allowed: set[str]) -> None:
    seen: set[str] = set()
    for number, node in enumerate(check.array(block, "elements", where, 1, most)):
        element(check, node, f"{where}/elements/{number}", allowed)
        action_id = node.get("action_id") if isinstance(node, dict) else None
        if action_id and action_id in seen:
            check.wrong(f"{where}/elements/{number}/action_id", f"action_id {action_id!r} already exists")
        seen.add(str(action_id))


def image(check: Check, block: Json, where: str) -> None:
    ELEMENTS["image"](check, block, where)
    if block.get("title") is not None:
        check.text(block["title"], f"{where}/title", 2000, plain=True)


def input_block(check: Check, block: Json, where: str) -> None:
    check.text(block.get("label"), f"{where}/label", 2000, plain=True)
    if block.get("hint") is not None:
        check.text(block["hint"], f"{where}/hint", 2000, plain=True)
    element(check, block.get("element"), f"{where}/element", INPUT_ELEMENTS)


def rich_text(check: Check, block: Json, where: str) -> None:
    for number, node in enumerate(check.array(block, "elements", where, 1, 1000)):
        kind = node.get("type") if isinstance(node, dict) else None
        if kind not in ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"):
            check.wrong(f"{where}/elements/{number}", f"unsupported type: {kind}")


def markdown(check: Check, block: Json, where: str) -> None:
    check.string(block, "text", where, 12_000)


def table(check: Check, block: Json, where: str) -> None:
    for y, row in enumerate(check.array(block, "rows", where, 1, ROWS)):
        spot = f"{where}/rows/{y}"
        if not isinstance(row, list) or not 1 <= len(row) <= COLUMNS:
            check.wrong(spot, f"must be an array of 1 to {COLUMNS} cells")
            continue
        for x, cell in enumerate(row):
            kind = cell.get("type") if isinstance(cell, dict) else None
            if kind not in ("raw_text", "raw_number", "rich_text"):
                check.wrong(f"{spot}/{x}", f"unsupported type: {kind}")
            elif kind == "raw_text" and not cell.get("text"):
                check.wrong(f"{spot}/{x}/text", "must be more than 0 characters")
    if _cell_text(block.get("rows")) > TABLE_CHARACTERS:
        check.wrong(f"{where}/rows", f"must be less than {TABLE_CHARACTERS + 1} characters in all")


def _cell_text(node: Any) -> int:
    if isinstance(node, list):
        return sum(_cell_text(item) for item in node)
    if isinstance(node, dict):
        return sum(len(v) if k == "text" and isinstance(v, str) else _cell_text(v) for k, v in node.items())
    return 0


def task_card(check: Check, block: Json, where: str) -> None:
    check.string(block, "task_id", where, 255)
    check.string(block, "title", where, 256)
    if block.get("status", "pending") not in ("pending", "in_progress", "complete", "error"):
        check.wrong(f"{where}/status", "must be pending, in_progress, complete or error")


def plan(check: Check, block: Json, where: str) -> None:
    check.string(block, "title", where, 256)
    for number, task in enumerate(check.array(block, "tasks", where, 0, 50)):
        task_card(check, task, f"{where}/tasks/{number}")


def card(check: Check, block: Json, where: str) -> None:
    if not any(block.get(part) for part in ("hero_image", "title", "actions", "body")):
        check.wrong(where, "one of hero_image, title, actions or body is required")
    for part, most in (("title", 150), ("subtitle", 150), ("body", 200)):
        if block.get(part) is not None:
            check.text(block[part], f"{where}/{part}", most)
    for number, node in enumerate(check.array(block, "actions", where, 0, 3)):
        element(check, node, f"{where}/actions/{number}", {"button"})


def carousel(check: Check, block: Json, where: str) -> None:
    for number, node in enumerate(check.array(block, "elements", where, 1, 10)):
        card(check, node, f"{where}/elements/{number}")


def alert(check: Check, block: Json, where: str) -> None:
    check.text(block.get("text"), f"{where}/text", 3000)


def container(check: Check, block: Json, where: str) -> None:
    if block.get("title") is not None:
        check.text(block["title"], f"{where}/title", 150, plain=True)
    for number, child in enumerate(check.array(block, "child_blocks", where, 1, 10)):
        kind = child.get("type") if isinstance(child, dict) else None
        rule = BLOCKS.get(str(kind))
        if rule is None or kind in ("container", "input"):
            check.wrong(f"{where}/child_blocks/{number}", f"unsupported type: {kind}")
        else:
            rule(check, child, f"{where}/child_blocks/{number}")


def file(check: Check, block: Json, where: str) -> None:
    check.wrong(where, "file blocks come from Slack: an app cannot post them")


def data_visualization(check: Check, block: Json, where: str) -> None:
    check.string(block, "title", where, 50)
    chart = block.get("chart")
    kind = chart.get("type") if isinstance(chart, dict) else None
    if not isinstance(chart, dict) or kind not in ("line", "bar", "area", "pie"):
        check.wrong(f"{where}/chart", "must be one of line, bar, area, pie")
    elif kind == "pie":
        check.array(chart, "segments", f"{where}/chart", 1, SERIES)
    else:
        _series(check, chart, f"{where}/chart")


def _series(check: Check, chart: Json, where: str) -> None:
    axis = chart.get("axis_config")
    categories = axis.get("categories") if isinstance(axis, dict) else None
    if not isinstance(categories, list) or not 1 <= len(categories) <= POINTS:
        check.wrong(f"{where}/axis_config/categories", f"must have 1 to {POINTS} items")
        categories = []
    for number, series in enumerate(check.array(chart, "series", where, 1, SERIES)):
        points = check.array(series, "data", f"{where}/series/{number}", 1, POINTS)
        if [p.get("label") for p in points if isinstance(p, dict)] != categories:
            check.wrong(f"{where}/series/{number}/data", "labels must match axis_config.categories")


def data_table(check: Check, block: Json, where: str) -> None:
    check.array(block, "rows", where, 1, 201)


BLOCKS: dict[str, Callable[[Check, Json, str], None]] = {
    "actions": actions,
    "alert": alert,
    "card": card,
    "carousel": carousel,
    "container": container,
    "context": context,
    "context_actions": context_actions,
    "data_table": data_table,
    "data_visualization": data_visualization,
    "divider": divider,
    "file": file,
    "header": header,
    "image": image,
    "input": input_block,
    "markdown": markdown,
    "plan": plan,
    "rich_text": rich_text,
    "section": section,
    "table": table,
    "task_card": task_card,
}
