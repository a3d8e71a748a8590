"""A report's figures in words and tables: one place that knows where each stands in `CheckReport.stats`."""

from __future__ import annotations

from typing import Any

Stats = dict[str, Any]
MOST_SHOWN = 4


def tokens_line(stats: Stats) -> str:
    """`12,340 (exact, tiny-base)` or `about 12,000 (± 0.3 %, …)`."""
    counted = stats.get("tokens")
    if isinstance(counted, dict) and counted.get("total") is not None:
        how = str(counted.get("how") or "")
        return f"{'' if counted.get('exact') else 'about '}{int(counted['total']):,}{f' ({how})' if how else ''}"
    return f"about {stats.get('estimated_tokens', 0):,} (estimated, 4 bytes each)"


def sensitive(stats: Stats) -> dict[str, int] | None:
    """Kind → rows that hold it, most frequent first; None where nobody looked."""
    found = stats.get("sensitive")
    if not isinstance(found, dict):
        return None
    return dict(sorted(((kind, _rows(value)) for kind, value in found.items()), key=lambda item: (-item[1], item[0])))


def _rows(value: Any) -> int:
    return int(value.get("rows", 0)) if isinstance(value, dict) else int(value)


def sensitive_line(stats: Stats) -> str:
    found = sensitive(stats)
    if found is None:
        return "not looked for"
    if not found:
        return "none found"
    shown = ", ".join(f"{kind.replace('_', ' ')} in {rows:,}" for kind, rows in list(found.items())[:MOST_SHOWN])
    more = len(found) - MOST_SHOWN
    return f"{shown}{f', {more} more kinds' if more > 0 else ''} rows"


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
