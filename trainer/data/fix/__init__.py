"""Mend a dataset file: every fix has a name, is counted, and is written down so that it can be taken back.

The result is a new file of JSON Lines that the check accepts; rows that no fix can mend go to a quarantine file
with the reasons. Nothing is lost: rows kept + quarantined + dropped as duplicates + blank = lines read (plus the
rows that shared a line with another).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trainer.data.fix.books import Change, Fix, FixResult
from trainer.errors import BadInput
from trainer.settings import Settings

__all__ = ["FIXES", "Change", "Fix", "FixResult", "fix"]

_TEXTS, _VALUES = "trainer.data.fix.texts:", "trainer.data.fix.values:"

# In the order in which they are tried. Of whole files; of lines that are not JSON yet; of rows.
FIXES: dict[str, Fix] = {
    "encoding": Fix("Encoding", "UTF-16 and Windows-1252 become UTF-8", "file", True, ""),
    "line-ends": Fix("Line ends", "CR, CRLF and U+2028 become LF", "file", True, ""),
    "bom": Fix("Byte order marks", "a BOM before a row is dropped", "line", True, _TEXTS + "without_bom"),
    "nul": Fix("NUL characters", "NUL characters are removed", "line", True, _TEXTS + "without_nul"),
    "lone-surrogates": Fix(
        "Half surrogate pairs", "what is no character becomes U+FFFD", "row", True, _VALUES + "no_surrogates"
    ),
    "truncated-last-line": Fix(
        "Cut-off last line", "a row that the file's end cuts off goes to quarantine", "line", True, ""
    ),
    "control-characters": Fix(
        "Control characters", "raw line ends and tabs inside texts are escaped", "line", True, _TEXTS + "escaped"
    ),
    "comments": Fix("Comments", "//, /* */ and # comments are dropped", "line", True, _TEXTS + "without_comments"),
    "trailing-commas": Fix(
        "Commas", "a comma before a closing bracket or behind a row is dropped", "line", True, _TEXTS + "without_commas"
    ),
    "python-literals": Fix(
        "Printed Python", "single quotes, None, True and False become JSON", "line", True, _TEXTS + "from_python"
    ),
    "array-to-lines": Fix(
        "Arrays to lines",
        "arrays, spread-out JSON and rows that share a line: each row on its own line",
        "line",
        True,
        _TEXTS + "one_a_line",
    ),
    "double-encoded": Fix(
        "Encoded twice", "a row that is a text of JSON is decoded", "row", True, _VALUES + "decoded_twice"
    ),
    "nan-to-null": Fix(
        "NaN and Infinity", "they become null where null is allowed", "row", True, _VALUES + "nan_to_null"
    ),
    "stringified-messages": Fix(
        "Messages as text",
        "messages and tools that are a text of JSON are decoded",
        "row",
        True,
        _VALUES + "unstringified",
    ),
    "legacy-functions": Fix(
        "Old functions",
        "functions and function_call become tools and tool_calls",
        "row",
        True,
        _VALUES + "modern_tools",
    ),
    "weights": Fix("Weights", "true, false, 1.0 and 0.0 become 1 and 0", "row", True, _VALUES + "whole_weights"),
    "empty-system": Fix(
        "Empty system messages", "a system message without text is dropped", "row", True, _VALUES + "no_empty_system"
    ),
    "unknown-keys": Fix(
        "Unknown keys", "keys that the format does not have are removed", "row", False, _VALUES + "known_keys"
    ),
    "whitespace": Fix(
        "White space", "space around messages is trimmed, blank lines are dropped", "row", True, _VALUES + "trimmed"
    ),
    "convert": Fix("Conversion", "rows of another chat format become OpenAI chat", "row", True, ""),
    "redact": Fix("Redaction", "personal data and secrets are replaced by their kind", "row", False, ""),
    "duplicates": Fix("Duplicates", "a row that stands there already is dropped", "row", True, ""),
}


def fix(
    path: Path,
    out_dir: Path,
    *,
    settings: Settings | None = None,
    only: Sequence[str] | None = None,
    format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FixResult:
    """Mend the file into `out_dir`: fixed.jsonl, changes.jsonl and, where needed, quarantine.jsonl.

    Without `only` all safe fixes that apply; a file of other containers always becomes lines of UTF-8. Rows of
    one other chat format stay in it, unless "convert" is asked for by name, formats are mixed, or `mapping` names
    the columns. Clean rows pass untouched. `on_progress` hears (bytes done, bytes in all).

    Raises NotFound, and BadInput for unknown names and for a file that cannot be read as a whole."""
    from trainer.data.fix.run import mend_file

    if unknown := [name for name in only or () if name not in FIXES]:
        raise BadInput(f"There is no fix {unknown[0]!r}.", fix=f"Known: {', '.join(FIXES)}.", param="only")
    wanted = [name for name, about in FIXES.items() if (about.safe if only is None else name in only)]
    return mend_file(
        Path(path),
        Path(out_dir),
        {name: FIXES[name] for name in wanted},
        settings=settings,
        format=format,
        mapping=mapping,
        asked=only is not None and "convert" in only,
        on_progress=on_progress,
    )
