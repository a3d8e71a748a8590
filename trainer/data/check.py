"""Check a dataset file: the truth about every line, in one streaming pass.

The codes and what they mean stand in `trainer.data.findings.CODES`. Memory does not grow with the file,
except for the findings and about 250 bytes a row to recognise duplicates (none with `structure_only`).

The fingerprint is sha256 over the accepted rows in file order, each as compact UTF-8 JSON with sorted keys
and a line feed. White space, key order, escapes, blank lines and broken rows do not change it; all else does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from trainer.data.findings import Problem
from trainer.data.formats import Format, load_format
from trainer.data.scan import Limits, Refused, Scanned, is_blank, opened, scan
from trainer.data.stats import Gathering
from trainer.errors import BadInput
from trainer.settings import Settings
from trainer.types import CheckReport, Finding, Severity, Verdict

MIN_ROWS = 10  # OpenAI's own minimum
BLANKS_LISTED = 1000
PROGRESS_BYTES = 4 * 1024 * 1024
Progress = Callable[[int, int], None]

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(row: Any) -> bytes:
    """The row as the fingerprint sees it."""
    return _encode(row)


def check(
    path: Path,
    *,
    settings: Settings | None = None,
    format: str | None = None,
    structure_only: bool = False,
    on_progress: Progress | None = None,
) -> CheckReport:
    """Everything wrong with a file, by line. `on_progress` hears (bytes done, bytes in all) every few MiB.

    Raises NotFound or BadInput only where there is no file to report on."""
    with opened(Path(path)) as file:
        chosen, limits = load_format(format), Limits.of(settings)
        size = Path(path).stat().st_size
        tally = _Tally(chosen, structure_only)
        try:
            lines = scan(file, chosen, limits, tally.file_sha.update)
            for scanned in _told(lines, size, on_progress):
                tally.add(scanned)
        except Refused as refused:
            return tally.refused(refused.problem, size, "" if size > limits.file_bytes else _sha256(path))
        return tally.report(size)


def rows(path: Path, *, settings: Settings | None = None, format: str | None = None) -> Iterator[tuple[int, Any]]:
    """Exactly the rows that `check` accepts, each with its line number. Raises BadInput for a file that
    cannot be used as a whole."""
    chosen = load_format(format)
    with opened(Path(path)) as file:
        try:
            for scanned in scan(file, chosen, Limits.of(settings)):
                if scanned.row is not None:
                    yield scanned.line.number, chosen.plain(scanned.row)
        except Refused as refused:
            code, message = refused.problem.code, refused.problem.message
            raise BadInput(f"{Path(path).name} cannot be used: {message}", code=code) from None


def _told(lines: Iterator[Scanned], size: int, on_progress: Progress | None) -> Iterator[Scanned]:
    if on_progress is None:
        yield from lines
        return
    done = said = 0
    for scanned in lines:
        yield scanned
        done += scanned.line.size
        if done - said >= PROGRESS_BYTES:
            said = done
            on_progress(done, size)
    on_progress(size, size)


def _has_tools(row: Any) -> bool:
    return isinstance(row, dict) and bool(row.get("tools") or row.get("functions"))


def _sha256(path: Path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Tally:
    """Adds scanned lines up to a report."""

    def __init__(self, format: Format, structure_only: bool) -> None:
        self.format = format
        self.structure_only = structure_only
        self.findings: list[Finding] = []
        self.file_sha, self.row_sha = hashlib.sha256(), hashlib.sha256()
        self.rows = self.accepted = self.duplicates = self.blanks = self.objects = 0
        self.first_crlf = 0
        self.seen: dict[bytes, int] = {}
        self.prompts: dict[int, int] = {}
        self.stats = Gathering()

    def add(self, scanned: Scanned) -> None:
        line = scanned.line
        if not self.first_crlf and line.end == b"\r\n":
            self.first_crlf = line.number
        if is_blank(scanned):
            self._blank(scanned)
            return
        self.rows += 1
        self.objects += scanned.is_object
        for problem in scanned.problems:
            self.findings.append(problem.at(line.number))
        if scanned.row is not None:
            self._accept(line.number, scanned.row)

    def _blank(self, scanned: Scanned) -> None:
        self.blanks += 1
        for problem in scanned.problems:
            if self.blanks <= BLANKS_LISTED or problem.code != "blank_line":
                self.findings.append(problem.at(scanned.line.number))

    def _accept(self, number: int, row: Any) -> None:
        self.accepted += 1
        content = self.format.canonical(row)
        self.row_sha.update(content)
        self.row_sha.update(b"\n")
        self.stats.add(*self.format.turns(row), size=len(content), tools=_has_tools(row))
        if not self.structure_only:
            self._compare(number, row, content)

    def _compare(self, number: int, row: Any, content: bytes) -> None:
        digest = hashlib.blake2b(content, digest_size=16).digest()
        first = self.seen.setdefault(digest, number)
        if first != number:
            self.duplicates += 1
            self._note(number, "duplicate_row", f"The same row as line {first}.")
            return
        # hash() is keyed by the process and never leaves it; one wrong note in 2^24 rows would be bad luck
        asked = self.prompts.setdefault(hash(self.format.prompt(row)), number)
        if asked != number:
            self._note(number, "conflicting_answers", f"The prompt of line {asked}, with another answer.")

    def _note(self, number: int, code: str, message: str) -> None:
        self.findings.append(Problem(code, message).at(number))

    def refused(self, problem: Problem, size: int, sha256: str) -> CheckReport:
        """The report on a file that cannot be used as a whole: nothing of it is accepted."""
        findings = (problem.at(0), *self.findings)
        return CheckReport(Verdict.BROKEN, "", self.rows, 0, findings, size, sha256, "")

    def report(self, size: int) -> CheckReport:
        findings = tuple(sorted(chain(self._whole_file(), self.findings), key=lambda f: f.line))
        return CheckReport(
            verdict=self._verdict(findings),
            format=self.format.name if self.accepted else "",
            rows=self.rows,
            accepted=self.accepted,
            findings=findings,
            bytes=size,
            sha256=self.file_sha.hexdigest(),
            fingerprint=self.row_sha.hexdigest() if self.accepted else "",
            duplicates=self.duplicates,
            stats=self.stats.to_dict(),
        )

    def _verdict(self, findings: tuple[Finding, ...]) -> Verdict:
        if self.accepted < MIN_ROWS:
            return Verdict.BROKEN
        clean = all(f.severity is Severity.INFO for f in findings)
        return Verdict.GOOD if clean else Verdict.WARNINGS

    def _whole_file(self) -> Iterator[Finding]:
        if self.accepted < MIN_ROWS:
            usable = "1 usable row" if self.accepted == 1 else f"{self.accepted} usable rows"
            said = f"The file has {usable}; training needs at least {MIN_ROWS}."
            yield Problem("too_few_rows", said).at(0)
        if self.blanks > BLANKS_LISTED:
            more = self.blanks - BLANKS_LISTED
            yield Problem("blank_line", f"{more:,} more blank lines follow the listed ones.").at(0)
        if self.first_crlf:
            yield Problem("crlf", "Lines end in CRLF (Windows); that is fine.").at(self.first_crlf)
