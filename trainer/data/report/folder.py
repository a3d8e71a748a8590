"""A dataset version as a folder that the Hub and `datasets.load_dataset` understand: card, rows, findings."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from trainer.data.check import rows
from trainer.data.report.findings import write_findings
from trainer.data.report.readme import DatasetCard, Part, readme
from trainer.errors import BadInput
from trainer.settings import Settings

SPLITS = {"train": "train", "dev": "validation", "test": "test"}  # our parts by the Hub's names


def card_folder(card: DatasetCard, out_dir: Path, files: Mapping[str, Path]) -> Path:
    """Write README.md, data/<split>.jsonl and findings.jsonl into `out_dir`, which must be new or empty.

    `files` holds JSONL by part: {"train", "dev", "test"}, or "train" alone for rows that are not split."""
    out_dir = Path(out_dir)
    if out_dir.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise BadInput(
            f"{out_dir} is not an empty folder.", fix="Name a new folder with --out.", code="not_empty", param="out"
        )
    (out_dir / "data").mkdir(parents=True, exist_ok=True)
    parts = [_part(out_dir, part, source) for part, source in files.items()]
    write_findings(card.report.findings, out_dir / "findings.jsonl")
    told = {"fingerprint": card.report.fingerprint, "splits": {part.name: part.sha256 for part in parts}}
    (out_dir / "fingerprint.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    (out_dir / "README.md").write_text(readme(card, [part for part in parts if part.rows]), encoding="utf-8")
    return out_dir


def _part(out_dir: Path, part: str, source: Path) -> Part:
    name = SPLITS.get(part, part)
    target = out_dir / "data" / f"{name}.jsonl"
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        count = sum(1 for _ in file)
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = target.stat().st_size
    if not count:
        target.unlink()  # an empty file would stop whoever loads the folder
    return Part(name, f"data/{name}.jsonl", count, size, sha256)


def accepted_rows(
    source: Path,
    target: Path,
    *,
    settings: Settings | None = None,
    format: str | None = None,
    mapping: dict[str, str] | None = None,
) -> Path:
    """The rows that the check accepts, as clean JSONL."""
    with target.open("wb") as file:
        file.writelines(_lines(rows(source, settings=settings, format=format, mapping=mapping)))
    return target


def _lines(found: Iterator[tuple[int, Any]]) -> Iterator[bytes]:
    for _, row in found:
        yield msgspec.json.encode(row) + b"\n"
