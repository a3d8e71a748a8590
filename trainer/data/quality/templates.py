"""What a template left behind: names that nobody filled in, control tokens of chat templates, filler text.

Braces are at home in code, JSON and formulas. So nothing in code counts, a name in single braces counts only
when it is a word that templates use and stands free, and a name in double braces only outside formulas.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainer.data.findings import Problem, quote
from trainer.data.quality.patterns import LESS, anyhow, find, outside_code
from trainer.data.view import View

_NAMES = (
    r"(?:(?:first|last|full|user|customer|company|product|brand|file|city|country|agent|client|order|account|input|output|"
    r"target|source|system|chat)_?(?:name|id|number|text|date|type|language|prompt|message|history|input|output|query)|"
    r"name|user|username|input|output|question|query|context|answer|response|text|prompt|instruction|instructions|message|"
    r"messages|history|chat_history|document|documents|company|product|customer|date|title|topic|subject|language|email|"
    r"city|country|url|placeholder|variable|format_instructions|agent_scratchpad|summary|content|examples?)"
)
_FILL = (
    r"(?:your|insert|enter|recipient|sender|customer(?:'s)? name|company name|client name|name of|add your|placeholder)"
)

HINT = "|".join(
    (
        r"\{[{%]",
        rf"\{{{_NAMES}\}}",
        rf"{LESS}\|[a-z_]",
        rf"{LESS}/?s(?:>|\\u003e)",
        rf"{LESS}(?:start|end)_of_turn|{LESS}/?(?:bos|eos)(?:>|\\u003e)",
        rf"{LESS}{LESS}/?sys",
        r"\[/?inst\]|\[gmask\]",
        r"#[^a-z]{0,3}(?:instruction|response|input)s?:",
        rf"(?:{LESS}|\[){_FILL}",
        r"lorem ipsum|(?-i:TODO|FIXME|TBD)|\[object object",
        anyhow("｜"),
    )
)

# (what it is, pattern, in the answer only)
SIGNS: tuple[tuple[str, str, bool], ...] = (
    (
        "a control token of a chat template",
        r"(?i)<\|(?:im_(?:start|end|sep)|endoftext|eot_id|eom_id|start_header_id|end_header_id|begin_of_text|end_of_text|"
        r"system|user|assistant|end|pad|bos|eos|fim_\w+|python_tag|channel|message|return)\|>|<｜[^｜<>\n]{2,40}｜>|"
        r"\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos)>|\[gMASK\]|</s>\s*$|^\s*<s>",
        False,
    ),
    ("a heading of a prompt template", r"(?m)^#{2,3} (?:Instruction|Response|Input)s?:\s*$", False),
    (
        "a name in double braces",
        r"(?:^|[^\\$^_}{a-zA-Z])\{\{-?\s*[A-Za-z_][\w.]+(?:\s*\|[^{}\n]{1,40})?\s*-?\}\}",
        False,
    ),
    ("a template's tag", r"\{%-?\s*(?:if|for|endif|endfor|else|set|include|block)\b[^%\n]{0,80}%\}", False),
    ("a name in braces", rf"(?i)(?:^|[\s(\"'“:,>*-])\{{{_NAMES}\}}(?:$|[\s)\"'”.,;:!?<*-])", False),
    ("a place to fill in", rf"(?i)<{_FILL}\b[^<>\n]{{0,40}}>", False),
    ("a place to fill in", rf"(?i)\[{_FILL}\b[^\[\]\n]{{0,40}}\](?:$|[^(])", True),
    ("filler text", r"(?i)\blorem ipsum dolor\b", False),
    (
        "a note to do it later",
        r"(?m)^\s*(?:TODO|FIXME|TBD)\b(?:$|[:.!\s]*$|:)|\[(?:TODO|TBD|FIXME)[^\[\]\n]{0,60}\]",
        True,
    ),
    ("an object written as text", r"\[object Object\]", False),
)

_ANY = "|".join(f"(?:{pattern})" for _, pattern, _ in SIGNS)


def look(view: View) -> Iterator[Problem]:
    for place, text in (("prompt", view.prompt), ("answer", view.answer)):
        found = _first(outside_code(text), place)
        if found:
            yield Problem("template_residue", f"The {place} holds {found[0]}.", place, quote(found[1]))


def _first(text: str, place: str) -> tuple[str, str] | None:
    if find(_ANY, text) is None:
        return None
    for what, pattern, answers_only in SIGNS:
        if place == "answer" or not answers_only:
            found = find(pattern, text)
            if found:
                return what, found
    return None
