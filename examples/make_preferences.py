"""Writes `preferences.jsonl`: support answers in pairs, a kind one and a curt one, for training by preference (DPO).
Run: python examples/make_preferences.py"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

OUT = Path(__file__).parent / "preferences.jsonl"
SYSTEM = "You answer customers of a small software shop."
TOPICS = {
    "an invoice": "Open Billing, choose the month and press Download",
    "a refund": "Write to us with your order number",
    "a new password": "Press Forgot password on the sign-in page and follow the mail",
    "an export": "Open Reports, press Export and choose a format",
    "another seat": "Open Team, press Invite and enter the address",
    "a dark theme": "Open Settings, choose Appearance and pick Dark",
    "the mobile app": "Search for our name in the store of your phone",
    "a monthly report": "Open Reports, press Schedule and choose Monthly",
    "a shared board": "Open the board, press Share and choose who may see it",
    "an API key": "Open Settings, choose Developers and press New key",
    "a backup": "Open Settings, choose Data and press Back up now",
    "an end to our plan": "Open Billing, press Change plan and choose End",
}
ASKING = [
    "Hello, how do I get {}?",
    "We need {} today, please help.",
    "Where do I find {}?",
    "I am looking for {} and cannot find it.",
    "Could you tell me how to get {}?",
]
KIND = ["Happy to help! {}. Is there anything else?", "Thank you for asking. {}. Tell us if it does not work."]
CURT = ["{}.", "Read the manual. {}."]


def message(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def pair(number: int, asked: str, topic: str, how: str) -> dict[str, object]:
    return {
        "prompt": [message("system", SYSTEM), message("user", asked.format(topic))],
        "chosen": [message("assistant", KIND[number % 2].format(how))],
        "rejected": [message("assistant", CURT[number // 2 % 2].format(how))],
    }


def rows() -> list[dict[str, object]]:
    """60 pairs, every prompt different."""
    asked = product(ASKING, TOPICS.items())
    return [pair(number, asking, topic, how) for number, (asking, (topic, how)) in enumerate(asked)]


def main() -> None:
    OUT.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")


if __name__ == "__main__":
    main()
