"""A report's figures in words and tables: one place that knows where each stands in `CheckReport.stats`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Stats = dict[str, Any]
MOST_SHOWN = 4


class Sensitive(NamedTuple):
    """One kind of personal data or secret."""

    title: str  # for people: "e-mail address"
    group: str
    rows: int
    hits: int
    first_lines: tuple[int, ...]


def tokens_line(stats: Stats) -> str:
    """`12,340 (exact, tiny-base)` or `about 12,000 (± 0.3%, tiny-base)`."""
    counted = stats.get("tokens")
    if not counted:
        return f"about {stats.get('estimated_tokens', 0):,} (estimated, 4 bytes each)"
    base = counted.get("base")
    if counted.get("exact"):
        return f"{counted['total']:,} (exact{f', {base}' if base else ''})"
    return f"about {counted['total']:,} (± {_percent(counted.get('error') or 0)}, {base or 'no base named'})"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace(".0%", "%")


def token_facts(stats: Stats) -> Iterator[tuple[str, str]]:
    """How they were counted, how long a row is, and what a run would cut off."""
    counted = stats.get("tokens")
    if not counted:
        return
    yield "Tokens counted over", counted.get("how", "")
    if row := counted.get("per_row"):
        yield "Tokens a row", f"{row['p50']:,} in the middle, {row['p95']:,} at 95%, {row['max']:,} at most"
    if over := stats.get("over_long"):
        yield (
            f"Longer than {over['limit']:,} tokens",
            f"{over['share']:.1%} of the rows; a run would cut {over['cut']:.1%} of all tokens",
        )


def sensitive(stats: Stats) -> list[Sensitive] | None:
    """Every kind that was found, that of most rows first; None where nobody looked."""
    found = stats.get("sensitive")
    if found is None:
        return None
    kinds = [
        Sensitive(
            kind.get("title") or name.replace("_", " "),
            kind.get("group", ""),
            kind.get("rows", 0),
            kind.get("hits", 0),
            tuple(kind.get("first_lines", ())),
        )
        for name, kind in found.get("kinds", {}).items()
    ]
    return sorted(kinds, key=lambda kind: (-kind.rows, kind.title))


def sensitive_line(stats: Stats) -> str:
    """`12 rows: e-mail address 8, telephone number 4`."""
    found = sensitive(stats)
    if found is None:
        return "not looked for"
    if not found:
        return "none found"
    rows = stats["sensitive"].get("rows", 0)
    shown = ", ".join(f"{kind.title} {kind.rows:,}" for kind in found[:MOST_SHOWN])
    more = len(found) - MOST_SHOWN
    return f"{rows:,} row{'s' * (rows != 1)}: {shown}{f', {more} more kinds' if more > 0 else ''}"


def languages(stats: Stats) -> dict[str, float]:
    """Language → share of the rows looked at, most frequent first."""
    return _shares(stats.get("languages"))


def labels(stats: Stats) -> dict[str, float]:
    """Answer → share of the rows, where answers are labels."""
    return _shares(stats.get("labels"))


def _shares(found: Any) -> dict[str, float]:
    counts = {k: v for k, v in found.items() if isinstance(v, int | float)} if isinstance(found, dict) else {}
    whole = sum(counts.values())
    return {k: v / whole for k, v in sorted(counts.items(), key=lambda item: (-item[1], item[0]))} if whole else {}
