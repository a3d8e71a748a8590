"""A dropped file: fetched, checked, and answered with a report card in its thread."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bot.attachments import attach, with_check
from bot.blocks import dataset as cards
from bot.blocks import note
from bot.blocks import suites as suite_cards
from bot.blocks.kit import Card
from bot.door import Door
from bot.files import fetch
from bot.inbox import Letter
from bot.progress import Line
from tools import datasets, suites
from tools.context import Caller
from trainer.errors import TunesmithError

Json = dict[str, Any]
MOST_FILES = 5
USABLE, KEPT = "usable", "kept"


def check_all(door: Door, letter: Letter, caller: Caller) -> str:
    """Check the files of a message one by one; what became of the last: USABLE, KEPT as it may be mended, or ""."""
    files = letter.event["files"]
    became = ""
    for number, file in enumerate(files[:MOST_FILES]):
        became = _Upload(door, letter, caller, number, file).check()
    if len(files) > MOST_FILES:
        more = f"I looked at the first {MOST_FILES} files; drop the other {len(files) - MOST_FILES} separately."
        door.outbox.post(f"re:{letter.channel}:{letter.ts}:more", letter.origin, note.line(more))
    return became


class _Upload:
    """One file's way: a line at once, edited while it lasts, then the card in its place."""

    def __init__(self, door: Door, letter: Letter, caller: Caller, number: int, file: Json) -> None:
        self.door = door
        self.letter = letter
        self.caller = caller
        self.file = file
        self.filename = str(file.get("name") or "upload")[:200]
        key = f"re:{letter.channel}:{letter.ts}:file{number}"
        self.line = Line(door, letter.origin, key, self.filename, "Fetching", "Checking")

    def check(self) -> str:
        """The answer replaces the line that was posted first."""
        self.line.start()
        try:
            with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
                path = self._fetched(Path(folder) / f"upload{ending(self.filename)}")
                if suites.is_suite(self.filename, path):
                    self.line.settle(self._kept(path))
                    return ""
                checked = self._look(path)
        except TunesmithError as error:
            self.line.settle(cards.refused(self.filename, error))
            return ""
        self.line.settle(cards.report(self.filename, checked.report, checked.dataset))
        attach(self.door, self.letter.origin, with_check(checked.report))
        if checked.dataset is None:
            return ""
        return KEPT if checked.report.verdict == "broken" else USABLE

    def _fetched(self, path: Path) -> Path:
        if self.file.get("file_access") == "check_file_info":  # shared by Slack Connect: the event holds no more
            self.file = dict(self.door.client.files_info(file=self.file["id"]).get("file") or self.file)
        return fetch(self.file, path, self.door.settings, on_progress=self.line.tell)

    def _kept(self, path: Path) -> Card:
        """A suite is kept, or every mistake of it is said."""
        try:
            return suite_cards.added(suites.add_file(self.door.context(self.caller), path))
        except TunesmithError as error:
            return suite_cards.refused(self.filename, error)

    def _look(self, path: Path) -> datasets.Checked:
        self.line.next()
        context = self.door.context(self.caller)
        return datasets.check_file(context, path, filename=self.filename, on_progress=self.line.tell)


def ending(filename: str) -> str:
    """`.csv.gz` of a name that somebody chose: letters and digits only."""
    last = "".join(Path(filename).suffixes[-2:]).lower()
    return last if last.isascii() and last.replace(".", "").isalnum() and len(last) <= 20 else ""
