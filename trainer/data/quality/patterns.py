"""Patterns that run in linear time on any text: hints over raw JSON bytes, proofs over one text.

A hint may cry wolf and must miss nothing: it looks at a whole batch of JSON lines, where `<` may stand as
`\\u003c` and `é` as `\\u00e9`. A proof looks at the text itself.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

HINT_MEMORY = 64 << 20  # bytes that re2 may use for its table; below, it falls back to a slower way

GAP = r"(?: |\\[nrt])+"  # white space between two words of a JSON line
LESS = r"(?:<|\\u003c)"
APOSTROPHE = r"(?:'|\\u0027|\\u2019|\xe2\x80\x99)"
AMPERSAND = r"(?:&|\\u0026)"


def anyhow(*texts: str) -> str:
    """A hint for literal texts, escaped in JSON or not."""
    forms = dict.fromkeys(form for text in texts for form in (text, json.dumps(text)[1:-1]))
    return "(?:" + "|".join(_bytewise(form) for form in forms) + ")"


def _bytewise(text: str) -> str:
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\x{b:02x}" for b in text.encode())


@lru_cache(maxsize=8)
def hint(*patterns: str) -> Any:
    """One re2 pattern over bytes that finds any of these."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = HINT_MEMORY
    options.log_errors = False
    return re2.compile(f"(?is){'|'.join(patterns)}".encode("latin-1"), options=options)


@lru_cache(maxsize=64)
def _proof(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern.encode(), options=options)


def find(pattern: str, text: str) -> str | None:
    """The first place where the pattern holds, as text; None for nowhere."""
    found = _proof(pattern).search(text.encode("utf-8", "replace"))
    return found.group().decode("utf-8", "replace").strip() if found else None


_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|^(?: {4}|\t).*$|\$\$.*?\$\$", re.DOTALL | re.MULTILINE)


def outside_code(text: str) -> str:
    """The text without fenced, indented and inline code and displayed formulas."""
    if "`" not in text and "~~~" not in text and "$$" not in text and "    " not in text and "\t" not in text:
        return text
    return _CODE.sub(" ", text)
