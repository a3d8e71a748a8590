"""What was done to a dataset, in words: ids, counts, kinds and line numbers, never what its rows say."""

from __future__ import annotations

from collections.abc import Sequence

from tools.datasets.tending import day
from trainer.store.tables import Dataset

MOST = 8


def made_of(row: Dataset) -> str:
    """How a version came about: `fix (bom × 1, crlf × 30), 3 rows in quarantine`."""
    change = row.change
    done = counted(change.get("applied") or {})
    aside = change.get("quarantined")
    return (
        str(change.get("kind", "upload"))
        + (f" ({done})" if done else "")
        + (f", {aside:,} rows in quarantine" if aside else "")
    )


def counted(counts: dict[str, int]) -> str:
    """`bom × 1, crlf × 30`"""
    shown = [f"{name.replace('_', ' ')} × {count:,}" for name, count in list(counts.items())[:MOST]]
    more = len(counts) - MOST
    return ", ".join([*shown, *([f"and {more} more kinds"] if more > 0 else [])])


def fixed(row: Dataset) -> str:
    return (
        f"{row.id} is version {row.version}, made of {row.parent_id} by {made_of(row)}. "
        f"{row.accepted:,} of {row.rows:,} rows are usable ({row.verdict}). {row.parent_id} stays as it was."
    )


def lineage(rows: Sequence[Dataset]) -> str:
    """The versions, the first upload on top."""
    return "\n".join(_version(row) for row in rows)


def _version(row: Dataset) -> str:
    gone = f", deleted {day(row.deleted_at)}" if row.deleted_at else ""
    text = f"v{row.version} {row.id}, {day(row.created_at)}: {made_of(row)}"
    return f"{text}; {row.accepted:,} of {row.rows:,} rows usable ({row.verdict}){gone}"


def licensed(row: Dataset) -> str:
    return f"{row.id} may be used under {row.license}. The audit log keeps who said so."


def retained(row: Dataset) -> str:
    if row.retain_until is None:
        return f"{row.id} is kept for good."
    return f"{row.id} is kept until {day(row.retain_until)}. Nothing is deleted by itself; an admin deletes it then."
