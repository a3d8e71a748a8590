"""Patterns that people write, in RE2: linear time on any text, whatever the pattern."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from trainer.errors import BadInput

LONGEST = 4_000  # characters of a pattern
MEMORY = 8 << 20  # bytes


@lru_cache(maxsize=1024)
def pattern(text: str, metric: str) -> Any:
    """The compiled pattern, over UTF-8 bytes. Raises BadInput (code bad_metric) for one that RE2 does not take."""
    import re2

    fix = "Write a pattern in RE2's form: no look-around, no back-references."
    if len(text) > LONGEST:
        said = f"A pattern of {metric} has {len(text):,} characters; at most {LONGEST:,} are taken."
        raise BadInput(said, fix="Make it shorter.", code="bad_metric", param="pattern")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        return re2.compile(text.encode(), options=options)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0] if error.args else error
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        said = f"{metric} cannot use the pattern {text[:100]!r}: {why[:200]}."
        raise BadInput(said, fix=fix, code="bad_metric", param="pattern") from None
