"""Take a fix back: the original rows from the result, its changes and its quarantine.

Restored is every record as it stood, in order: its bytes for JSON Lines (without line ends, and as UTF-8 where
the file was UTF-16), its JSON for elements of an array and records of a table. What exceeded 64 KiB was not written
down whole and raises `BadInput`; the dataset's version before the fix is always kept as well.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from heapq import merge
from pathlib import Path
from typing import Any

import msgspec

from trainer.errors import BadInput


def originals(result: Path, changes: Path, quarantine: Path | None) -> Iterator[bytes]:
    """The records of the file before the fix."""
    with result.open("rb") as rows:
        record = 1
        for note in merge(_notes(changes), _notes(quarantine), key=lambda note: note["record"]):
            while record < note["record"]:
                yield next(rows).rstrip(b"\n")
                record += 1
            for _ in range(note.get("rows", 0)):
                next(rows)
            yield _bytes(note, "raw" if "reasons" in note else "before")
            record += 1
        for row in rows:
            yield row.rstrip(b"\n")


def _notes(path: Path | None) -> Iterator[dict[str, Any]]:
    if path is None:
        return
    with path.open("rb") as file:
        yield from (note for note in map(msgspec.json.decode, file) if note["record"])


def _bytes(note: dict[str, Any], name: str) -> bytes:
    packed = note.get(f"{name}_base64")
    raw = base64.b64decode(packed) if packed is not None else note[name].encode()
    sha256 = note.get(f"{name}_sha256")
    if sha256 and hashlib.sha256(raw).hexdigest() != sha256:
        said = f"Record {note['record']:,} was too long to be written down whole."
        raise BadInput(said, fix="Take the version before the fix.", code="cut_change")
    return raw
