"""Files that go with an answer: uploaded into its thread, each from disk, packed where it is large."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog

from bot.blocks import dataset as cards
from bot.blocks.mrkdwn import plain_name
from bot.door import Door
from bot.slack import AWAY, code_of
from tools import datasets
from tools.context import Context
from trainer.data.report.findings import write_findings
from trainer.store.tables import Dataset
from trainer.types import CheckReport

log = structlog.get_logger()
Json = dict[str, Any]
Files = Callable[[Path], Iterable[Json | None]]  # (an empty folder to write into) → uploads
PACKED_FROM = 20 * 1024 * 1024  # bytes
SHOWN_FINDINGS = 3


def attach(door: Door, origin: dict[str, str], files: Files) -> bool:
    """Share files as one message of the thread; False (and a line in the log) where Slack does not take them."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        uploads = [_packed(one) for one in files(Path(folder)) if one]
        if not uploads:
            return True
        try:
            door.client.files_upload_v2(
                channel=origin["channel"], thread_ts=origin.get("thread_ts"), file_uploads=uploads
            )
        except AWAY as error:
            log.warning("attachments_failed", reason=code_of(error))
            return False
    return True


def _packed(upload: Json) -> Json:
    """Findings of a flood repeat themselves: packed, they are a fiftieth."""
    path = Path(upload["file"]) if "file" in upload else None
    if path is None or path.stat().st_size < PACKED_FROM:
        return upload
    packed = path.with_name(f"{path.name}.gz")
    with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=5) as sink:
        shutil.copyfileobj(source, sink)
    return upload | {"file": str(packed), "filename": f"{upload['filename']}.gz"}


def _upload(path: Path, title: str, filename: str = "") -> Json:
    return {"file": str(path), "filename": filename or path.name, "title": title[:150]}


def with_check(report: CheckReport) -> Files:
    """The picture of the answers' lengths, and every finding where the card shows only some."""

    def made(folder: Path) -> Iterable[Json | None]:
        yield histogram(report)
        if len(report.findings) > SHOWN_FINDINGS and not cards.verdict_tells_all(report):
            yield _upload(write_findings(report.findings, folder / "findings.jsonl"), _all(report))

    return made


def _all(report: CheckReport) -> str:
    return f"All {len(report.findings):,} findings"


def histogram(report: CheckReport) -> Json | None:
    drawn = cards.histogram(report)
    if drawn is None:
        return None
    png, alt = drawn
    return {"content": png, "filename": "answer-lengths.png", "title": "Answer lengths", "alt_txt": alt}


def with_report(context: Context, row: Dataset) -> Files:
    """The report as a page to read, and every finding for programs."""

    def made(folder: Path) -> Iterable[Json | None]:
        from trainer.data.report.page import write_page

        report = datasets.report_of(context, row)
        title = plain_name(row.filename)
        yield _upload(write_page(report, folder / "report.html", title=title), f"Report on {title}")
        if len(report.findings):
            yield _upload(write_findings(report.findings, folder / "findings.jsonl"), _all(report))

    return made


def with_fix(context: Context, row: Dataset) -> Files:
    """What a fix left beside the new version: the rows set aside with their reasons, and every change."""

    def made(folder: Path) -> Iterable[Json | None]:
        blobs, change = context.services.blobs, row.change
        sha = change.get("quarantine")
        if sha and change.get("kind") != "redact":  # raw rows: what was to be taken out may stand in them
            title = f"{change.get('quarantined', 0):,} rows that need a person"
            yield _upload(blobs.get_file(sha, folder / "quarantine.jsonl"), title)
        if sha := change.get("changes"):
            yield _upload(blobs.get_file(sha, folder / "changes.jsonl"), f"Every change made for v{row.version}")

    return made
