"""Block Kit's elements: buttons, menus, inputs and images, one rule each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


class Check:
    """Collects what is wrong and where, in Slack's words: `problem [json-pointer:/place]`."""

    def __init__(self, surface: str):
        self.surface = surface
        self.problems: list[str] = []

    def wrong(self, where: str, problem: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{where}]")

    def text(self, node: Any, where: str, most: int, *, plain: bool = False) -> None:
        """A text object: plain_text (or mrkdwn), 1 to `most` characters."""
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if not isinstance(node, dict) or node.get("type") not in kinds or not isinstance(node.get("text"), str):
            self.wrong(where, f"must be a {' or '.join(kinds)} text object")
        elif not node["text"]:
            self.wrong(f"{where}/text", "must be more than 0 characters")
        elif len(node["text"]) > most:
            self.wrong(f"{where}/text", f"must be less than {most + 1} characters")

    def string(self, node: Any, key: str, where: str, most: int, *, required: bool = True) -> None:
        value = node.get(key) if isinstance(node, dict) else None
        if value is None and not required:
            return
        if not isinstance(value, str) or (required and not value):
            self.wrong(where, f"missing required field: {key}")
        elif len(value) > most:
            self.wrong(f"{where}/{key}", f"must be less than {most + 1} characters")

    def array(self, node: Any, key: str, where: str, least: int, most: int) -> list[Any]:
        """The list at `key`, cut to `most`; a problem if it is missing, too short or too long."""
        value = node.get(key) if isinstance(node, dict) else None
        if value is None and least == 0:
            return []
        if not isinstance(value, list) or len(value) < least:
            self.wrong(f"{where}/{key}", f"no fewer than {least} items allowed")
            return []
        if len(value) > most:
            self.wrong(f"{where}/{key}", f"no more than {most} items allowed")
        return value[:most]


def confirm(check: Check, node: Json, where: str) -> None:
    """The dialog that some elements show before they act."""
    dialog = node.get("confirm")
    if dialog is None:
        return
    for part, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        text = dialog.get(part) if isinstance(dialog, dict) else None
        if text is not None or part != "text":
            check.text(text, f"{where}/confirm/{part}", most, plain=part in ("title", "confirm", "deny"))


def button(check: Check, node: Json, where: str) -> None:
    check.text(node.get("text"), f"{where}/text", 75, plain=True)
    check.string(node, "value", where, 2000, required=False)
    check.string(node, "url", where, 3000, required=False)
    check.string(node, "accessibility_label", where, 75, required=False)
    if node.get("style") not in (None, "primary", "danger"):
        check.wrong(f"{where}/style", "must be primary or danger")
    confirm(check, node, where)


def options(check: Check, node: Json, where: str, key: str, most: int, value_most: int = 150) -> None:
    values: set[str] = set()
    for number, option in enumerate(check.array(node, key, where, 1, most)):
        spot = f"{where}/{key}/{number}"
        check.text(option.get("text") if isinstance(option, dict) else None, f"{spot}/text", 75)
        check.string(option, "value", spot, value_most)
        value = str(option.get("value")) if isinstance(option, dict) else ""
        if value in values:
            check.wrong(f"{spot}/value", f"option value {value!r} already exists")
        values.add(value)


def static_select(check: Check, node: Json, where: str) -> None:
    placeholder(check, node, where)
    if node.get("option_groups"):
        for number, group in enumerate(check.array(node, "option_groups", where, 1, 100)):
            options(check, group, f"{where}/option_groups/{number}", "options", 100)
    else:
        options(check, node, where, "options", 100)
    confirm(check, node, where)


def placeholder(check: Check, node: Json, where: str) -> None:
    if node.get("placeholder") is not None:
        check.text(node["placeholder"], f"{where}/placeholder", 150, plain=True)


def overflow(check: Check, node: Json, where: str) -> None:
    options(check, node, where, "options", 5)
    confirm(check, node, where)


def choices(check: Check, node: Json, where: str) -> None:
    options(check, node, where, "options", 10)


def image(check: Check, node: Json, where: str) -> None:
    check.string(node, "alt_text", where, 2000)
    source = node.get("slack_file")
    if not node.get("image_url") and not (isinstance(source, dict) and (source.get("id") or source.get("url"))):
        check.wrong(where, "missing required field: image_url or slack_file")
    check.string(node, "image_url", where, 3000, required=False)


def feedback_buttons(check: Check, node: Json, where: str) -> None:
    for part in ("positive_button", "negative_button"):
        side = node.get(part)
        check.text(side.get("text") if isinstance(side, dict) else None, f"{where}/{part}/text", 75, plain=True)
        check.string(side, "value", f"{where}/{part}", 2000)


def icon_button(check: Check, node: Json, where: str) -> None:
    check.string(node, "icon", where, 100)
    check.text(node.get("text"), f"{where}/text", 75, plain=True)
    check.string(node, "value", where, 2000, required=False)


def plain_text_input(check: Check, node: Json, where: str) -> None:
    placeholder(check, node, where)
    for key in ("min_length", "max_length"):
        value = node.get(key)
        if value is not None and not (type(value) is int and 0 <= value <= 3000):
            check.wrong(f"{where}/{key}", "must be an integer from 0 to 3000")


def number_input(check: Check, node: Json, where: str) -> None:
    placeholder(check, node, where)
    if not isinstance(node.get("is_decimal_allowed"), bool):
        check.wrong(where, "missing required field: is_decimal_allowed")


ELEMENTS: dict[str, Callable[[Check, Json, str], None]] = {
    "button": button,
    "channels_select": placeholder,
    "checkboxes": choices,
    "conversations_select": placeholder,
    "datepicker": placeholder,
    "datetimepicker": confirm,
    "email_text_input": placeholder,
    "external_select": placeholder,
    "feedback_buttons": feedback_buttons,
    "file_input": confirm,
    "icon_button": icon_button,
    "image": image,
    "multi_static_select": static_select,
    "multi_users_select": placeholder,
    "number_input": number_input,
    "overflow": overflow,
    "plain_text_input": plain_text_input,
    "radio_buttons": choices,
    "rich_text_input": placeholder,
    "static_select": static_select,
    "timepicker": placeholder,
    "url_text_input": placeholder,
    "users_select": placeholder,
}

_SELECTS = {
    "channels_select",
    "checkboxes",
    "conversations_select",
    "datepicker",
    "datetimepicker",
    "external_select",
    "multi_static_select",
    "multi_users_select",
    "radio_buttons",
    "static_select",
    "timepicker",
    "users_select",
}
ACTION_ELEMENTS = _SELECTS | {"button", "overflow", "icon_button"}
INPUT_ELEMENTS = _SELECTS | {
    "email_text_input",
    "file_input",
    "number_input",
    "plain_text_input",
    "rich_text_input",
    "url_text_input",
}
