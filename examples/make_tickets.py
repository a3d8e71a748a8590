"""Writes examples/tickets.jsonl: support tickets → strict JSON, with a few broken rows for the check.

Run `python examples/make_tickets.py`; the same bytes come out every time.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

OUT = Path(__file__).with_name("tickets.jsonl")
GOOD_ROWS = 420
SYSTEM = "Ticket to JSON."

PRODUCTS = {
    "billing": ["the invoice", "my last bill", "the card payment", "the yearly receipt"],
    "mobile": ["the phone app", "the app on my phone", "the Android app", "the iPhone app"],
    "dashboard": ["the dashboard", "the report page", "the sales chart", "the overview page"],
    "login": ["the sign-in page", "my password", "the login code", "single sign-on"],
    "sync": ["the calendar sync", "the file sync", "the nightly backup", "the contact sync"],
}
INTENTS = {
    "bug": ["{} is broken", "{} shows an error", "{} stopped working", "{} fails every time"],
    "question": ["how do I set up {}?", "where do I find {}?", "how does {} work?", "can you explain {}?"],
    "request": [
        "please add a dark theme to {}",
        "we would like more options for {}",
        "could {} get an export?",
    ],
    "cancel": ["please remove {} from our plan", "we no longer need {}", "turn off {} for good"],
}
SEVERITIES = {
    "high": [
        "This is urgent.",
        "The whole team is blocked.",
        "We lose money every hour.",
        "I need it today.",
    ],
    "normal": [
        "Please look this week.",
        "It slows us down.",
        "Some of us are affected.",
        "Thanks for a look soon.",
    ],
    "low": ["There is no hurry.", "Whenever you have time.", "It can wait.", "Just so that you know."],
}
OPENINGS = ["Hello,", "Hi team,", "Good morning,", "Dear support,", "Hey,", "To whom it may concern,"]
CLOSINGS = ["Ann", "Bo", "Cleo", "Dev", "Eli", "Fay", "Gus", "Hana", "Ines", "Jon"]


def ticket(rng: random.Random) -> tuple[str, str]:
    """One ticket's text and its label as strict JSON."""
    product, severity, intent = rng.choice([*PRODUCTS]), rng.choice([*SEVERITIES]), rng.choice([*INTENTS])
    wish = rng.choice(INTENTS[intent]).format(rng.choice(PRODUCTS[product]))
    wish = wish if wish.endswith("?") else wish + "."
    text = f"{rng.choice(OPENINGS)} {wish} {rng.choice(SEVERITIES[severity])} {rng.choice(CLOSINGS)}"
    return text, json.dumps({"product": product, "severity": severity, "intent": intent})


def chat(text: str, answer: str) -> dict[str, object]:
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": text},
            {"role": "assistant", "content": answer},
        ]
    }


def good_rows(rows: int = GOOD_ROWS, seed: int = 20) -> list[dict[str, object]]:
    """`rows` tickets, every text different."""
    rng = random.Random(seed)  # noqa: S311 (data, not secrets)
    found: dict[str, str] = {}
    while len(found) < rows:
        text, answer = ticket(rng)
        found.setdefault(text, answer)
    return [chat(text, answer) for text, answer in found.items()]


def broken_lines(good: list[dict[str, object]]) -> dict[int, str]:
    """Line number → a line that is wrong in its own way; the file is read as a person would have left it."""
    text, answer = "Hello, the invoice is broken.", '{"product": "billing"}'
    user, reply = {"role": "user", "content": text}, {"role": "assistant", "content": answer}
    return {
        12: json.dumps(chat(text, answer))[:-9],  # cut off
        57: json.dumps({"prompt": text, "completion": answer}),  # another format: no messages
        101: json.dumps({"messages": [user]}),  # nobody answers
        158: json.dumps({"messages": [user, {"role": "support", "content": answer}]}),  # no such role
        203: "",  # blank
        266: json.dumps(good[100]),  # said before
        311: json.dumps({"messages": [user, {**reply, "weight": True}]}),  # true is not 1
        359: json.dumps({"messages": [user, {"role": "assistant", "content": 7}]}),  # a number, not text
        402: "{'messages': []}",  # Python, not JSON
    }


def lines() -> list[str]:
    good = good_rows()
    out = [json.dumps(row, ensure_ascii=False) for row in good]
    for number, line in sorted(broken_lines(good).items()):
        out.insert(number - 1, line)
    return out


def main() -> None:
    OUT.write_text("\n".join(lines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
