"""Suites of other tools, in and out. What has no counterpart here is listed, never dropped in silence."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

from trainer.errors import BadInput
from trainer.evals.suites.foreign.taken import MOST_BYTES, Taken

__all__ = ["SOURCES", "Taken", "guess", "plain_name", "take"]

SOURCES: dict[str, str] = {
    "promptfoo": "trainer.evals.suites.foreign.promptfoo:take",
    "lm-eval": "trainer.evals.suites.foreign.lm_eval:take",
    "inspect": "trainer.evals.suites.foreign.inspect:take",
}


def take(path: Path, source: str = "", name: str = "") -> Taken:
    """The suite in a file of another tool; without `source`, by the file's ending. Raises BadInput for a file that is
    none, or has no case that can be taken over."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"There is no file {path.name!r}.", fix="Check the path.", code="no_file")
    source = source or guess(path)
    if source not in SOURCES:
        raise BadInput(f"There is no source {source[:40]!r}.", fix=f"Known: {', '.join(SOURCES)}.", param="from")
    if path.stat().st_size > MOST_BYTES:
        said = f"{path.name} has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read."
        raise BadInput(said, fix="Import a part of it.", code="too_large")
    return resolve_name(SOURCES[source])(path.read_bytes(), plain_name(name or path.stem), path.name)


def guess(path: Path) -> str:
    """promptfoo writes YAML, lm-eval lines of JSON, inspect_ai one JSON document."""
    ending = Path(path).suffix.lower()
    return {".yaml": "promptfoo", ".yml": "promptfoo", ".jsonl": "lm-eval"}.get(ending, "inspect")


def plain_name(text: str) -> str:
    """A name that a suite may have."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:60] or "imported"
