"""What a fix left beside a new version, looked at for its card: reasons of the quarantine, the first changes."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from bot.blocks.mrkdwn import masked
from tools.context import Context
from trainer.store.tables import Dataset

SAMPLE, WIDTH, BEFORE = 3, 160, 40


@dataclass(frozen=True, slots=True)
class Shown:
    """One changed row around its first difference; `after` is "" for a row that was dropped."""

    line: int
    fixes: tuple[str, ...]
    before: str
    after: str


def reasons(context: Context, row: Dataset) -> dict[str, int]:
    """Code → rows in quarantine for it, most frequent first."""
    found: Counter[str] = Counter()
    for note in _notes(context, row.change.get("quarantine")):
        found.update({str(reason["code"]) for reason in note.get("reasons") or ()})
    return dict(found.most_common())


def sample(context: Context, row: Dataset) -> list[Shown]:
    """The first rows that were changed; personal data and secrets in them are masked."""
    notes = _notes(context, row.change.get("changes"))
    changes = (note for note in notes if note.get("line") and str(note.get("before", "")).strip())
    return [_shown(change) for change in islice(changes, SAMPLE)]


def _notes(context: Context, sha: str | None) -> Iterator[dict[str, Any]]:
    if not sha:
        return
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        path = context.services.blobs.get_file(sha, Path(folder) / "notes.jsonl")
        with path.open("rb") as file:
            yield from map(msgspec.json.Decoder().decode, file)


def _shown(change: dict[str, Any]) -> Shown:
    before, after = masked(str(change["before"])), masked(str(change.get("after") or ""))
    at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    start = max(0, at - BEFORE)
    return Shown(int(change["line"]), tuple(change["fixes"]), _around(before, start), _around(after, start))


def _around(text: str, start: int) -> str:
    piece = text[start : start + WIDTH].replace("\n", "⏎")
    if not piece:
        return ""
    return ("…" if start else "") + piece + ("…" if len(text) > start + WIDTH else "")
