"""The modals of a dataset: which column is which, and how it is split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bot import actions as ids
from bot.blocks.kit import section
from bot.blocks.mrkdwn import clip, name, plain_name
from trainer.store.tables import Dataset

Json = dict[str, Any]
PARTS = {"prompt": "The prompt", "completion": "The completion", "system": "The system prompt, if there is one"}
MOST = 100  # options of a menu
GROUPS = {"prompt": "Rows with the same prompt", "conversation": "Rows of the same conversation"}


def columns(row: Dataset, names: Sequence[str], proposed: dict[str, str] | None, where: dict[str, str]) -> Json:
    """`where` is the message that the modal belongs to: channel, thread_ts, ts. Menus carry numbers, not names."""
    options = [_option(plain_name(column, 75), str(number)) for number, column in enumerate(names[:MOST])]
    chosen = {part: options[names.index(c)] for part, c in (proposed or {}).items() if c in names[:MOST]}
    blocks = [_select(part, label, options, chosen.get(part)) for part, label in PARTS.items()]
    more = f" The first {MOST} of {len(names)} columns are listed." if len(names) > MOST else ""
    head = section(f"Which columns of *{name(row.filename)}* are which?{more}")
    return _modal(ids.COLUMNS_VIEW, "Choose columns", "Use them", [head, *blocks], {"value": row.id, **where})


def numbers_chosen(view: Json) -> dict[str, int]:
    """The number of the column of each part that was chosen."""
    picked = {part: view["state"]["values"][part]["column"].get("selected_option") for part in PARTS}
    return {part: int(option["value"]) for part, option in picked.items() if option}


def wrong_columns(view: Json) -> dict[str, str]:
    """What Slack shows beside the menu when one column was chosen twice."""
    seen: set[int] = set()
    for part, number in numbers_chosen(view).items():
        if number in seen:
            return {part: "That column is chosen for another part already."}
        seen.add(number)
    return {}


def split(row: Dataset, where: dict[str, str]) -> Json:
    groups = [_option(label, value) for value, label in GROUPS.items()]
    blocks = [
        section(f"*{name(row.filename)}* is split once; the test rows stay sealed from then on."),
        _select("group", "What stays together", groups, groups[0], key="group"),
        _text("key", "Or rows with the same value of a key, such as customer_id"),
        _text("stratify", "Keep the shares of every value of a key (or of: answer) in each part"),
        _number("test", "Test rows, per cent", "20"),
        _number("dev", "Validation rows, per cent", "10"),
        _number("seed", "Seed", "17"),
    ]
    return _modal(ids.SPLIT_VIEW, "Split the data", "Split", blocks, {"value": row.id, **where})


def split_chosen(view: Json) -> dict[str, Any]:
    """The options of a split; ValueError with the block and a sentence where a number is none."""
    values = view["state"]["values"]
    group = (values["group"]["group"].get("selected_option") or {}).get("value") or "prompt"
    key, stratify = (str(values[name]["text"].get("value") or "").strip() for name in ("key", "stratify"))
    made: dict[str, Any] = {"group": f"key:{key}" if key else group}
    for part in ("test", "dev", "seed"):
        made[part] = _whole(part, str(values[part]["number"].get("value") or ""))
    made |= {"test": made["test"] / 100, "dev": made["dev"] / 100}
    return made | ({"stratify": stratify if stratify == "answer" else f"key:{stratify}"} if stratify else {})


def _whole(part: str, said: str) -> int:
    most = 2**31 if part == "seed" else 90
    if not said.strip().isdecimal() or int(said) > most:
        raise ValueError(part, f"A whole number from 0 to {most:,}, please.")
    return int(said)


def _modal(callback_id: str, title: str, submit: str, blocks: list[Json], kept: dict[str, str]) -> Json:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": json.dumps(kept),
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Not now"),
        "blocks": blocks,
    }


def _select(block_id: str, label: str, options: list[Json], chosen: Json | None, *, key: str = "column") -> Json:
    menu: Json = {"type": "static_select", "action_id": key, "options": options}
    menu |= {"initial_option": chosen} if chosen else {"placeholder": _plain("Choose a column")}
    return _input(block_id, label, menu, optional=block_id == "system")


def _text(block_id: str, label: str) -> Json:
    return _input(block_id, label, {"type": "plain_text_input", "action_id": "text", "max_length": 100}, optional=True)


def _number(block_id: str, label: str, given: str) -> Json:
    field = {"type": "number_input", "action_id": "number", "is_decimal_allowed": False, "initial_value": given}
    return _input(block_id, label, field | {"min_value": "0"})


def _input(block_id: str, label: str, element: Json, *, optional: bool = False) -> Json:
    return {"type": "input", "block_id": block_id, "label": _plain(label), "element": element, "optional": optional}


def _option(text: str, value: str) -> Json:
    return {"text": _plain(clip(text, 75)), "value": value}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
