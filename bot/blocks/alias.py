"""The modal that asks behind which alias a model goes, and the news that an alias moved."""

from __future__ import annotations

import json
from typing import Any

from bot import actions as ids
from bot.blocks import override
from bot.blocks.kit import Card, actions, button, card, section
from bot.blocks.mrkdwn import clip, code
from trainer.store.tables import Approval

NAME_MOST = 63


def modal(model_id: str, origin: dict[str, str], suggested: str) -> dict[str, Any]:
    kept = json.dumps({"model": model_id, **origin})
    field = {
        "type": "plain_text_input",
        "action_id": ids.ALIAS_INPUT,
        "initial_value": suggested,
        "min_length": 1,
        "max_length": NAME_MOST,
    }
    return {
        "type": "modal",
        "callback_id": ids.ALIAS_VIEW,
        "private_metadata": kept,
        "title": _plain("Promote a model"),
        "submit": _plain("Ask for approval"),
        "close": _plain("Not now"),
        "blocks": [
            section(f"{code(clip(model_id, 200))}\nA second person approves it in the thread."),
            {
                "type": "input",
                "block_id": ids.ALIAS_BLOCK,
                "label": _plain("Alias that programs call"),
                "hint": _plain("Lower-case letters, digits, dots, dashes or underscores, such as tickets."),
                "element": field,
            },
        ],
    }


def moved(done: dict[str, Any], approval: Approval | None = None) -> Card:
    """`approval` is the override that moved it, if one did."""
    alias, model = str(done["alias"]), str(done["model_id"])
    text = f"{code(alias)} now answers with {code(model)} (revision {done['revision']})."
    back = button(f"Roll {alias} back", ids.ROLL_BACK, alias) if model.startswith("ft:") else None
    against = override.behind(approval) if approval is not None and approval.kind == "override" else None
    return card(text, section(f"🚀 {text}"), against, actions(back))


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
