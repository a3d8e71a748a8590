"""What the fake remembers: one JSON file, written whole after every change, and the uploaded bytes beside it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class State:
    """`held()` gives the whole of it to one thread at a time, and writes it down afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "state.json"
        self._lock = threading.RLock()
        (folder / "files").mkdir(parents=True, exist_ok=True)
        self.data: Json = {"files": [], "jobs": [], "models": {}, "faults": [], "asked": [], "count": 0}
        if self.path.exists():
            self.data |= json.loads(self.path.read_text(encoding="utf-8"))

    @contextmanager
    def held(self) -> Iterator[Json]:
        with self._lock:
            before = json.dumps(self.data)
            yield self.data
            after = json.dumps(self.data)
            if after != before:
                draft = self.path.with_suffix(".draft")
                draft.write_text(after, encoding="utf-8")
                draft.replace(self.path)

    def new_id(self, prefix: str) -> str:
        return prefix + secrets.token_hex(8)

    def order(self) -> int:
        """A number that grows: things of the same second keep their order."""
        self.data["count"] += 1
        return self.data["count"]

    def file_path(self, file_id: str) -> Path:
        return self.folder / "files" / file_id


def now() -> int:
    return int(time.time())


def page(items: list[Json], after: str | None, limit: int, *, oldest_first: bool = False) -> Json:
    """OpenAI's list, newest first: `items` are oldest first."""
    rows = items if oldest_first else items[::-1]
    if after:
        places = [i for i, row in enumerate(rows) if row["id"] == after]
        rows = rows[places[0] + 1 :] if places else []
    shown = [public(row) for row in rows[:limit]]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(rows) > limit,
    }


def public(row: Json) -> Json:
    """Without what only the fake needs to know."""
    return {key: value for key, value in row.items() if not key.startswith("_")}
