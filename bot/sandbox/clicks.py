"""Finding what was pressed on a real message or view, and saying it as Slack would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.sandbox.errors import SlackError

Json = dict[str, Any]
PICKED = {
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "datetimepicker": "selected_date_time",
    "timepicker": "selected_time",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
}
ONE_OF = {"static_select", "radio_buttons", "overflow", "external_select"}
SOME_OF = {"checkboxes", "multi_static_select"}
PRESSED = {"button", "icon_button", "feedback_buttons", "workflow_button"}


class NotThere(SlackError):
    """Nothing on the message answers to that: a person can only press what they see."""

    def __init__(self, what: str):
        super().__init__("no_such_element", detail=what)


def interactive(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, element) that can be pressed or filled in."""
    for block in blocks:
        slots = [
            *block.get("elements", []),
            *block.get("actions", []),
            block.get("accessory"),
            block.get("element"),
        ]
        for element in slots:
            if isinstance(element, dict) and element.get("type") in PRESSED | ONE_OF | SOME_OF | {*PICKED} | TYPED:
                yield block, element
        nested = block.get("child_blocks", []) + (block["elements"] if block.get("type") == "carousel" else [])
        yield from interactive(nested)


TYPED = {
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "rich_text_input",
    "file_input",
}


def find(blocks: list[Json], action_id: str, block_id: str | None = None, value: Any = None) -> tuple[Json, Json]:
    """The element with that action_id, and with that value where one is given."""
    candidates = [
        (block, element)
        for block, element in interactive(blocks)
        if element.get("action_id") == action_id and block_id in (None, block.get("block_id"))
    ]
    if not candidates:
        there = sorted({str(e.get("action_id")) for _, e in interactive(blocks)})
        raise NotThere(f"no element {action_id!r}; there are {there}")
    for block, element in candidates:
        if element["type"] not in PRESSED or value is None or value in _values(element):
            return block, element
    raise NotThere(f"{action_id!r} is there, but not with value {value!r}")


def _values(element: Json) -> list[Any]:
    if element["type"] == "feedback_buttons":
        return [element["positive_button"]["value"], element["negative_button"]["value"]]
    return [element.get("value")]


def action(block: Json, element: Json, given: Any, action_ts: str) -> Json:
    """One entry of block_actions' `actions`."""
    said: Json = {"type": element["type"], "action_id": element["action_id"], "action_ts": action_ts}
    said["block_id"] = block.get("block_id")
    if element["type"] == "feedback_buttons":
        positive = given in (None, element["positive_button"]["value"])
        side = element["positive_button" if positive else "negative_button"]
        return said | {"text": side["text"], "value": side["value"]}
    if element["type"] in PRESSED:
        shown = {key: element[key] for key in ("text", "value", "style", "url", "confirm") if key in element}
        return said | shown
    shown = {"placeholder": element["placeholder"]} if "placeholder" in element else {}
    return said | shown | {k: v for k, v in entered(element, given).items() if k != "type"}


def entered(element: Json, given: Any) -> Json:
    """An element's entry in state.values after the person entered `given`."""
    kind = element["type"]
    if kind in ONE_OF:
        return {"type": kind, "selected_option": None if given is None else _option(element, given)}
    if kind in SOME_OF:
        wanted = given if isinstance(given, list) else [given] if given is not None else []
        return {"type": kind, "selected_options": [_option(element, value) for value in wanted]}
    if kind in PICKED:
        return {"type": kind, PICKED[kind]: given}
    if kind == "file_input":
        return {"type": kind, "files": given or []}
    return {"type": kind, "value": given if given is None else str(given)}


def initial(element: Json) -> Json:
    """state.values before anyone touched the element."""
    kind = element["type"]
    if kind in ONE_OF:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in SOME_OF:
        return {"type": kind, "selected_options": element.get("initial_options") or []}
    if kind in PICKED:
        return {"type": kind, PICKED[kind]: element.get(PICKED[kind].replace("selected", "initial"))}
    return entered(element, element.get("initial_value"))


def _option(element: Json, value: Any) -> Json:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    for group in groups:
        for option in group["options"]:
            if option["value"] == value:
                return option
    raise NotThere(f"{element['action_id']!r} offers no option {value!r}")


def is_empty(state: Json) -> bool:
    return all(value in (None, "", []) for key, value in state.items() if key != "type")


def fill(view: Json, given: Json, known: Json) -> tuple[Json, dict[str, str]]:
    """A view's state.values from what the person entered, and what its inputs still miss.

    `given` is {block_id: {action_id: value}} or, shorter, {action_id: value}.
    """
    values: Json = {}
    missing: dict[str, str] = {}
    for block, element in interactive(view["blocks"]):
        if element["type"] in PRESSED:
            continue
        block_id, action_id = block["block_id"], element["action_id"]
        inner = given.get(block_id)
        value = inner.get(action_id) if isinstance(inner, dict) else given.get(action_id)
        earlier = known.get(block_id, {}).get(action_id) or initial(element)
        state = earlier if value is None else entered(element, value)
        values.setdefault(block_id, {})[action_id] = state
        problem = _problem(block, element, state)
        if problem:
            missing[block_id] = problem
    return values, missing


def _problem(block: Json, element: Json, state: Json) -> str | None:
    if block.get("type") != "input":
        return None
    if is_empty(state):
        return None if block.get("optional") else "Please complete this required field."
    length = len(str(state.get("value") or ""))
    if "value" in state and length < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    if "value" in state and length > element.get("max_length", 3000):
        return f"Please enter at most {element.get('max_length', 3000)} characters."
    return None
