"""A dropped file: fetched, checked, and answered with a report card in its thread."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

from bot.blocks import dataset as cards
from bot.blocks import note
from bot.blocks.kit import Card
from bot.blocks.mrkdwn import name
from bot.door import Door
from bot.files import fetch
from bot.inbox import Letter
from bot.slack import AWAY, code_of
from tools import datasets
from tools.context import Caller
from trainer.errors import TunesmithError
from trainer.types import CheckReport

log = structlog.get_logger()
Json = dict[str, Any]
MOST_FILES = 5
SHOWN_FINDINGS = 3
TELL_EVERY_S = 2.0


def check_all(door: Door, letter: Letter, caller: Caller) -> bool:
    """Check the files of a message one by one; whether the last of them can be worked with."""
    files = letter.event["files"]
    usable = False
    for number, file in enumerate(files[:MOST_FILES]):
        usable = _Upload(door, letter, caller, number, file).check()
    if len(files) > MOST_FILES:
        more = f"I looked at the first {MOST_FILES} files; drop the other {len(files) - MOST_FILES} separately."
        door.outbox.post(f"re:{letter.channel}:{letter.ts}:more", letter.origin, note.line(more))
    return usable


class _Upload:
    """One file's way: a line at once, edited while it lasts, then the card in its place."""

    def __init__(self, door: Door, letter: Letter, caller: Caller, number: int, file: Json) -> None:
        self.door = door
        self.letter = letter
        self.caller = caller
        self.file = file
        self.key = f"re:{letter.channel}:{letter.ts}:file{number}"
        self.filename = str(file.get("name") or "upload.jsonl")[:200]
        self.began = self.told = time.monotonic()
        self.ts = ""

    def check(self) -> bool:
        """False when nothing of the file can be used. The answer replaces the line that was posted first."""
        self.ts = self.door.outbox.post(self.key, self.letter.origin, note.line(self._doing("Checking")))
        try:
            with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
                checked = self._look(Path(folder) / "upload")
        except TunesmithError as error:
            self._settle(cards.refused(self.filename, error))
            return False
        self._settle(cards.report(self.filename, checked.report, checked.dataset))
        self._attach(checked.report)
        return checked.dataset is not None and checked.report.verdict != "broken"

    def _look(self, path: Path) -> datasets.Checked:
        if self.file.get("file_access") == "check_file_info":  # shared by Slack Connect: the event holds no more
            self.file = dict(self.door.client.files_info(file=self.file["id"]).get("file") or self.file)
        fetch(self.file, path, self.door.settings, on_progress=lambda d, n: self._tell("Fetching", d, n))
        context = self.door.context(self.caller)
        return datasets.check_file(
            context, path, filename=self.filename, on_progress=lambda d, n: self._tell("Checking", d, n)
        )

    def _doing(self, verb: str, rest: str = "") -> str:
        return f"⏳ {verb} *{name(self.filename)}*…{rest}"

    def _tell(self, verb: str, done: int, total: int) -> None:
        """Edit the line when it takes longer: share done and about how long it still takes."""
        clock = time.monotonic()
        if clock - self.told < TELL_EVERY_S or not total:
            return
        if not self.door.edits.take():
            return
        self.told = clock
        share = min(1.0, done / total)
        left = (clock - self.began) * (1 - share) / max(share, 0.01)
        rest = f" {share:.0%}, about {left:.0f} s left"
        self.door.edit(self.letter.channel, self.ts, note.line(self._doing(verb, rest)), key=self.key)

    def _settle(self, card: Card) -> None:
        """The answer takes the line's place, or comes after it where Slack does not let us edit."""
        if not self.door.edit(self.letter.channel, self.ts, card, key=self.key):
            self.door.outbox.post(f"{self.key}:card", self.letter.origin, card)

    def _attach(self, report: CheckReport) -> None:
        """The picture of the answers' lengths, and every finding where the card shows only some."""
        uploads = [self._histogram(report), self._findings(report)]
        files = [u for u in uploads if u]
        if not files:
            return
        try:
            self.door.client.files_upload_v2(
                channel=self.letter.channel, thread_ts=self.letter.thread_ts, file_uploads=files
            )
        except AWAY as error:
            log.warning("attachments_failed", reason=code_of(error))

    def _histogram(self, report: CheckReport) -> Json | None:
        drawn = cards.histogram(report)
        if drawn is None:
            return None
        png, alt = drawn
        return {"content": png, "filename": "answer-lengths.png", "title": "Answer lengths", "alt_txt": alt}

    def _findings(self, report: CheckReport) -> Json | None:
        if len(report.findings) <= SHOWN_FINDINGS:
            return None
        title = f"All {len(report.findings):,} findings"
        return {"content": cards.findings_file(report), "filename": "findings.jsonl", "title": title}
