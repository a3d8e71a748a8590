"""The tiny base with fewer old skills to be asked about, which is most of what judging a small model takes."""

from __future__ import annotations

import shutil
from pathlib import Path

from trainer.bases import tiny_base_folder
from trainer.settings import load_settings


def lighter_cache(tiny_base: Path, cache: Path, *, rows: int) -> str:
    """A cache for TUNESMITH_CACHE, whose tiny base carries the first so many rows of its suite."""
    folder = shutil.copytree(tiny_base, tiny_base_folder(load_settings(cache=cache)))
    suite = folder / "tunesmith" / "suite.jsonl"
    lines = suite.read_text(encoding="utf-8").splitlines(keepends=True)
    suite.write_text("".join(lines[:rows]), encoding="utf-8")
    return str(cache)
