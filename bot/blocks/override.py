"""Cards of an override: the refusal with its button, the form that asks why, who has signed, and what stays."""

from __future__ import annotations

import json
from typing import Any

from bot import actions as ids
from bot.blocks.kit import Card, Json, actions, button, card, context, section
from bot.blocks.mrkdwn import clip, code, esc, person
from tools.promotion import LEAST_REASON, MOST_REASON, overridden
from trainer.registry.approvals import signers
from trainer.store.tables import Approval
from trainer.types import GateVerdict

NEEDED = 2


def refused(text: str, model_id: str, alias: str) -> Card:
    """Why a promotion is refused. Whoever means it all the same presses a button."""
    value = f"{alias} {model_id}"
    asks = button("Override…", ids.OVERRIDE, value) if len(value) <= 200 else None
    return card(text, section(f"⛔ {esc(text)}"), actions(asks))


def modal(model_id: str, alias: str, origin: dict[str, str]) -> dict[str, Any]:
    kept = json.dumps({"model": model_id, "alias": alias, **origin})
    field = {
        "type": "plain_text_input",
        "action_id": ids.REASON_INPUT,
        "multiline": True,
        "min_length": LEAST_REASON,
        "max_length": MOST_REASON,
    }
    said = (
        f"{code(alias)} → {code(clip(model_id, 200))}\nTwo different approvers have to sign. If you are one, sending "
        "this is the first signature. The reason and the names stay on the card."
    )
    return {
        "type": "modal",
        "callback_id": ids.OVERRIDE_VIEW,
        "private_metadata": kept,
        "title": _plain("Override the gate"),
        "submit": _plain("Ask for signatures"),
        "close": _plain("Not now"),
        "blocks": [
            section(said),
            {
                "type": "input",
                "block_id": ids.REASON_BLOCK,
                "label": _plain("Why should it go out all the same?"),
                "element": field,
            },
        ],
    }


def details(row: Approval) -> list[Json]:
    """Why, and who signed so far."""
    by = signers(row)
    names = ", ".join(map(person, by)) or "nobody yet"
    missing = "" if row.subject.get("holder_compared", True) else context("⚠️ Not compared with what it serves now.")
    return [
        section(f"⚠️ *{_what(row)}* Reason: {esc(row.subject['reason'])}"),
        *([missing] if missing else []),
        context(f"Signed: {min(len(by), NEEDED)} of {NEEDED} ({names})."),
    ]


def _what(row: Approval) -> str:
    passed = row.subject["verdict"] == GateVerdict.PASS
    return "Not compared with what serves now." if passed else "Against the gate."


def behind(row: Approval) -> Json:
    """For the news that an alias moved."""
    names = " and ".join(map(person, signers(row)))
    what, reason = esc(overridden(row)), esc(row.subject["reason"])
    return section(f"⚠️ *Promoted {what}.* Signed by {names}. Reason: {reason}")


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
