"""Check a dataset file: the truth about every line, in one streaming pass.

The codes and what they mean stand in `trainer.data.findings.CODES`. Structure is judged here and in `scan`;
content is left to the table of analyzers. Memory does not grow with the file: findings beyond some thousands
and what analyzers must remember go to temporary files.

The fingerprint is sha256 over the accepted rows in file order, each as compact UTF-8 JSON with sorted keys
and a line feed. White space, key order, escapes, blank lines and broken rows do not change it; all else does.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainer.data.analyze import Scene, load_analyzers
from trainer.data.findings import Problem
from trainer.data.fix.trial import Trial
from trainer.data.formats import DEFAULT, Format, load_format
from trainer.data.intake import Intake
from trainer.data.log import Findings
from trainer.data.scan import Part, scan
from trainer.data.sources import Source, open_source
from trainer.data.sources.limits import Limits
from trainer.data.sources.refusal import Refused
from trainer.data.tally import BLANKS_LISTED, Tally
from trainer.errors import BadInput
from trainer.settings import Settings
from trainer.types import CheckReport, Finding, Severity, Verdict

MIN_ROWS = 10  # OpenAI's own minimum
PROGRESS_BYTES = 4 * 1024 * 1024
Progress = Callable[[int, int], None]
Mapped = Mapping[str, str] | None


def check(
    path: Path,
    *,
    settings: Settings | None = None,
    format: str | None = None,
    mapping: Mapped = None,
    base: str | None = None,
    target: str | None = None,
    against: Sequence[Path] = (),
    structure_only: bool = False,
    on_progress: Progress | None = None,
) -> CheckReport:
    """Everything wrong with a file, by line.

    `format` names one of FORMATS where the file's own shape shall not decide; `mapping` says which columns are
    prompt, completion and system; `base` and `target` add what that model or provider asks for; the rows of
    the files in `against` must not turn up in this one. `structure_only` looks at no content: no hashes, no
    figures. `on_progress` hears (bytes done, bytes in all) every few MiB.

    Raises NotFound or BadInput only where there is no file to report on."""
    path, size = Path(path), 0
    limits = Limits.of(settings)
    try:
        with open_source(path, limits) as source, tempfile.TemporaryDirectory(prefix="tunesmith-check-") as folder:
            size = path.stat().st_size
            intake = Intake(source)
            known = chosen(intake, format, mapping)
            scene = Scene(known, settings or Settings.model_construct(), Path(folder), base, target, tuple(against))
            tally = Tally(known, [] if structure_only else load_analyzers(scene), structure_only)
            tally.unknown = not format and not mapping and intake.guess() is None
            tally.trial = Trial(lambda: intake.first_raws, format, mapping)
            report = _Report(path, size, source, intake, tally)
            try:
                parts = scan(intake, known, limits, tally.hear)
                report.findings.add_run(_findings(_told(parts, source, size, on_progress), tally))
            except Refused as refused:
                return report.refused(refused.problem)
            return report.whole()
    except Refused as refused:
        return _Report(path, path.stat().st_size, None, None, None).refused(refused.problem)


def rows(
    path: Path, *, settings: Settings | None = None, format: str | None = None, mapping: Mapped = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Exactly the rows that `check` accepts, as they stand there, each with its line number. Raises BadInput for
    a file that cannot be used as a whole."""
    with reading(path, settings=settings, format=format, mapping=mapping) as (known, parts):
        for part in parts:
            for number, row in zip(part.numbers, part.rows, strict=True):
                yield number, known.plain(row)


@contextmanager
def reading(
    path: Path, *, settings: Settings | None = None, format: str | None = None, mapping: Mapped = None
) -> Iterator[tuple[Format, Iterator[Part]]]:
    """The file's format and its parts, for those who look at rows in bulk. Raises as `rows` does."""
    limits = Limits.of(settings)
    try:
        with open_source(Path(path), limits) as source:
            intake = Intake(source)
            known = chosen(intake, format, mapping)
            yield known, scan(intake, known, limits)
    except Refused as refused:
        code, message = refused.problem.code, refused.problem.message
        raise BadInput(f"{Path(path).name} cannot be used: {message}", code=code) from None


def chosen(intake: Intake, format: str | None, mapping: Mapped) -> Format:
    """The format asked for, or the one that most of the first rows are meant to be."""
    if mapping:
        from trainer.data.formats.columns import load_columns

        return load_columns(mapping)
    return load_format(format) if format else intake.guess() or load_format(DEFAULT)


def _told(parts: Iterator[Part], source: Source, size: int, on_progress: Progress | None) -> Iterator[Part]:
    if on_progress is None:
        yield from parts
        return
    said = 0
    for part in parts:
        yield part
        done = source.position()
        if done - said >= PROGRESS_BYTES:
            said = done
            on_progress(min(done, size), size)
    on_progress(size, size)


def _findings(parts: Iterable[Part], tally: Tally) -> Iterator[Finding]:
    for part in parts:
        yield from tally.add(part)


class _Report:
    """What was tallied, as a report; or why there is nothing to tally."""

    def __init__(
        self, path: Path, size: int, source: Source | None, intake: Intake | None, tally: Tally | None
    ) -> None:
        self.path, self.size, self.source, self.intake, self.tally = path, size, source, intake, tally
        self.findings = Findings()

    def refused(self, problem: Problem) -> CheckReport:
        """The file cannot be used as a whole: nothing of it is accepted."""
        broken = [p for p in self.source.faults if p.severity is Severity.ERROR] if self.source else []
        self.findings.add_run(p.at(0) for p in (broken if broken and problem.code == "empty_file" else [problem]))
        rows = self.tally.rows if self.tally else 0
        sha256 = "" if problem.code == "too_large" else _sha256(self.path)
        title = self.source.title if self.source else ""
        return CheckReport(Verdict.BROKEN, "", rows, 0, self.findings, self.size, sha256, "", source=title)

    def whole(self) -> CheckReport:
        assert self.tally
        assert self.source
        tally, findings = self.tally, self.findings
        for analyzer in tally.analyzers:
            findings.add_run(analyzer.finish())
        columns, mapping = self._columns()
        findings.add_run(problem.at(0) for problem in (*self.source.notes, *self.source.faults, *self._file(mapping)))
        if tally.first_crlf:
            findings.add_run([Problem("crlf", "Lines end in CRLF (Windows); that is fine.").at(tally.first_crlf)])
        stats = self._stats() | ({"columns": columns} if columns else {})
        return CheckReport(
            verdict=self._verdict(),
            format=tally.format.name if tally.accepted else "",
            rows=tally.rows,
            accepted=tally.accepted,
            findings=findings,
            bytes=self.size,
            sha256=self._sha256(),
            fingerprint=tally.row_sha.hexdigest() if tally.accepted and not tally.structure_only else "",
            duplicates=stats.get("duplicate_rows", 0),
            near_duplicates=stats.get("near_duplicate_rows", 0),
            kind=tally.format.kind if tally.accepted else "",
            formats=tally.met(),
            source=self.source.title,
            mapping=mapping,
            mendable=tally.trial.rows if tally.trial else 0,
            stats=stats,
        )

    def _verdict(self) -> Verdict:
        assert self.tally
        if self.tally.accepted < MIN_ROWS:
            return Verdict.BROKEN
        clean = not (self.findings.of(Severity.ERROR) or self.findings.of(Severity.WARNING))
        return Verdict.GOOD if clean else Verdict.WARNINGS

    def _stats(self) -> dict[str, Any]:
        assert self.tally
        if self.tally.structure_only:
            return {"rows": self.tally.accepted}
        stats = self.tally.stats.to_dict()
        for analyzer in self.tally.analyzers:
            stats |= analyzer.stats()
        return stats

    def _sha256(self) -> str:
        """Of the file as given: heard on the way where it was JSONL and not packed."""
        assert self.source
        assert self.tally
        if self.tally.structure_only:
            return ""
        heard = self.source.kind == "jsonl" and not self.source.packed
        return self.tally.file_sha.hexdigest() if heard else _sha256(self.path)

    def _columns(self) -> tuple[int, dict[str, str] | None]:
        """For rows of unknown columns: how many could hold a text, and which look like prompt and completion."""
        samples = [row for row in self.intake.first_rows if isinstance(row, dict)] if self.intake else []
        if not (self.tally and self.tally.unknown and samples):
            return 0, None
        from trainer.data.formats.columns import fillable, propose_mapping

        return len(fillable(samples[0], samples)), propose_mapping(samples[0], samples)

    def _file(self, mapping: Mapped) -> Iterator[Problem]:
        assert self.tally
        tally = self.tally
        if tally.accepted < MIN_ROWS:
            usable = "1 usable row" if tally.accepted == 1 else f"{tally.accepted} usable rows"
            yield Problem("too_few_rows", f"The file has {usable}; training needs at least {MIN_ROWS}.")
        if mapping:
            said = ", ".join(f"{column} as {role}" for role, column in mapping.items())
            yield Problem("unknown_columns", f"The columns have names of their own. Proposed: {said}.")
        if len(met := tally.met()) > 1:
            counts = ", ".join(
                f"{count:,} {'rows are' if count > 1 else 'row is'} {load_format(name).title}"
                for name, count in met.items()
            )
            yield Problem("mixed_formats", f"The file mixes formats: {counts}.")
        if tally.blanks > BLANKS_LISTED:
            more = tally.blanks - BLANKS_LISTED
            yield Problem("blank_line", f"{more:,} more blank lines follow the listed ones.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
