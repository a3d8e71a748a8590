"""The gate that somebody names with a run: `train … with gate primary=json_fields effect=3% alias=tickets`."""

from __future__ import annotations

import re

from trainer.evals.gate import GateSpec
from trainer.methods.spec import RunSpec

GATE = re.compile(r"[\s,;]*\b(?:with |under |and )*(?:a |the |this )?gate\b\s*:?\s*(?=[\w-]+\s*=)", re.IGNORECASE)
ALIAS = re.compile(r"[\s,;]*\b(?:for |with )?(?:the )?alias\s*=\s*([\w.-]*\w)", re.IGNORECASE)
QUOTED = r"“[^”]*”|\"[^\"]*\"|'[^']*'|`[^`]*`"
BARE = r"[^\s,;“”\"'`]+(?:,[^\s,;“”\"'`]+)*(?:\s+(?:%|percent|points?)(?!\w))?"
WORD = re.compile(rf"[\s,;]*(?:and\s+)?([A-Za-z][\w-]*)\s*=\s*({QUOTED}|{BARE})", re.IGNORECASE)
MORE = re.compile(r",\s+([A-Za-z][\w@./-]*)(?!\S*\s*=)")
LISTS = ("suites", "suite", "slices", "metrics")
OF_THE_RUN = ({*RunSpec.model_fields} - {*GateSpec.model_fields}) | {"lr", "rank", "batch", "epoch", "length"}


def gate_named(text: str) -> tuple[str, dict[str, str]]:
    """The text without its gate, and the gate as it was said: whatever has the form name=value after the word, up to a
    value of the run."""
    start = GATE.search(text)
    if start is None:
        alias = ALIAS.search(text)
        return (text[: alias.start()] + text[alias.end() :], {"alias": alias[1]}) if alias else (text, {})
    found: dict[str, str] = {}
    end = start.end()
    while (word := WORD.match(text, end)) and (name := word[1].lower().replace("-", "_")) not in OF_THE_RUN:
        found[name] = word[2].strip("“”\"'` ")
        end = word.end()
        while name in LISTS and (more := MORE.match(text, end)):
            found[name] += f",{more[1]}"
            end = more.end()
    return text[: start.start()] + text[end:], found
