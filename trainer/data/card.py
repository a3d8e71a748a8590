"""A check told to people: verdict first, then numbers, then the worst lines, and a picture of answer lengths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.data import figures
from trainer.data.check import MIN_ROWS
from trainer.data.findings import CODES, quote
from trainer.data.fix import FIXES
from trainer.data.fix.trial import EACH
from trainer.data.formats import FORMATS, load_format
from trainer.data.log import FIRST_LINES
from trainer.types import CheckReport, OfCode, Severity, Verdict

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
FITS = {  # what accepted rows are good for, by the kind of their format
    "preference": "are whole preference pairs",
    "unpaired": "are whole rated answers",
    "text": "are whole texts",
    "reinforcement": "are whole prompts with a goal",
}


@dataclass(frozen=True, slots=True)
class CodeSummary:
    """All findings of one code: how many, and on which lines first."""

    code: str
    severity: Severity
    meaning: str
    count: int
    first_lines: tuple[int, ...]
    example: str  # the first finding's message
    expected: str = ""
    fix: str = ""  # the name of the fix that may mend it, or several, with commas

    @property
    def fixes(self) -> tuple[str, ...]:
        return tuple(fix for fix in self.fix.split(", ") if fix in FIXES)

    def __str__(self) -> str:
        where = ", ".join(map(str, self.first_lines))
        more = ", …" if self.count > len(self.first_lines) else ""
        lines = f" (line{'s' * (self.count > 1)} {where}{more})" if self.first_lines != (0,) else ""
        return f"{self.count:,} × {self.code}: {self.meaning}{lines}"


def headline(report: CheckReport, *, mend: str = "press Fix") -> str:
    """The verdict in one sentence with its most telling numbers. `mend` says how fixes are applied here."""
    fits = FITS.get(report.kind, "can be trained on")
    if report.verdict is Verdict.GOOD:
        return f"Good: all {report.rows:,} rows {fits}."
    if report.verdict is Verdict.WARNINGS:
        found = f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}"
        told = f"Usable, with a look: {report.accepted:,} of {report.rows:,} rows {fits}; {found}."
        return f"{told}{_mixed(report)}{_would_mend(report, mend)}"
    return _broken(report, mend)


def _broken(report: CheckReport, mend: str) -> str:
    if report.mapping and not report.accepted:
        uses = sorted(report.mapping.items(), reverse=True)  # system, prompt, completion
        columns = " and ".join(f"{quote(column)} as {use}" for use, column in uses)
        return f"Not readable yet: its columns have names of their own. I would take {columns}."
    if has_columns(report):
        return (
            "Not readable yet: its columns have names of their own. Say which is the prompt and which the completion."
        )
    rows = report.mendable
    if report.accepted + rows >= MIN_ROWS:
        told = f"{_about(report)}{rows:,} of {report.rows:,} rows"
        return f"Broken as it is, but {told} can be mended: {mend}.{_mixed(report)}"
    whole = next((f for f in report.findings[:50] if f.line == 0 and f.severity is Severity.ERROR), None)
    if whole and not report.rows and _mends_itself(whole.code):
        return f"Broken as it is, but the file can be mended: {mend}. {whole.message}"
    if report.rows and not report.accepted and (whole is None or whole.code == "too_few_rows"):
        rows = f"none of the {report.rows:,} rows" if report.rows > 1 else "not even its one row"
        return f"Broken: {rows} can be used.{_mixed(report)}"
    return f"Broken: {whole.message}" if whole else f"Broken: {report.accepted:,} of {report.rows:,} rows are usable."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _mixed(report: CheckReport) -> str:
    if len(report.formats) < 2:
        return ""
    counts = ", ".join(f"{count:,} {title_of(name)}" for name, count in report.formats.items())
    return f" The file mixes formats: {counts}."


def title_of(format: str) -> str:
    return load_format(format).title if format in FORMATS else format


def _would_mend(report: CheckReport, mend: str) -> str:
    rows = report.mendable
    return f" {_about(report).capitalize()}{rows:,} more can be mended: {mend}." if rows else ""


def _about(report: CheckReport) -> str:
    """Of many broken rows only some were tried."""
    return "about " if report.rows - report.accepted > EACH else ""


def has_columns(report: CheckReport) -> bool:
    """Whether nothing can be read until a person says which of its columns asks and which answers."""
    return not report.accepted and not report.mendable and (bool(report.mapping) or report.stats.get("columns", 0) >= 2)


def can_be_mended(report: CheckReport) -> bool:
    """Whether a fix or a person's word could make more of the file: about its columns, or about what may go."""
    codes = report.findings.by_code()
    failed = [code for code in codes if code in CODES and CODES[code].severity is Severity.ERROR]
    whole = not report.rows and any(map(_mends_itself, failed))
    asked = any(fix in FIXES and not FIXES[fix].safe for code in codes for fix in _fixes(code))
    return bool(has_columns(report) or report.mapping or report.mendable or whole or asked)


def _mends_itself(code: str) -> bool:
    return any(fix in FIXES and FIXES[fix].safe for fix in _fixes(code))


def _fixes(code: str) -> tuple[str, ...]:
    return CODES[code].fixes if code in CODES else ()


def summary(report: CheckReport) -> list[CodeSummary]:
    """One entry a code, worst first: errors before warnings, frequent before rare."""
    entries = [_summed(code, found) for code, found in report.findings.by_code().items()]
    return sorted(entries, key=lambda e: (_RANK[e.severity], e.first_lines[0] != 0, -e.count, e.code))


def _summed(code: str, found: OfCode) -> CodeSummary:
    count, lines, example = found
    about = CODES.get(code)
    return CodeSummary(
        code,
        example.severity,
        about.meaning if about else example.message,
        count,
        lines[:FIRST_LINES],
        example.message,
        about.expected if about else example.expected,
        about.fix if about else "",
    )


def worst(report: CheckReport, n: int = 3) -> list[str]:
    """The `n` worst kinds of finding, each as `Line 4: …` with how many more like it there are."""
    return [_worst_line(entry) for entry in summary(report)[:n]]


def _worst_line(entry: CodeSummary) -> str:
    where = f"Line {entry.first_lines[0]}: " if entry.first_lines[0] else ""
    more = f" ({entry.count - 1:,} more like it)" if entry.count > 1 else ""
    return f"{where}{entry.example}{more}"


def numbers(report: CheckReport) -> dict[str, str]:
    """Five figures for a card, ready to show. Token counts say how they were counted."""
    stats = report.stats
    answers = stats.get("answer_chars", {})
    return {
        "Rows": f"{report.accepted:,} of {report.rows:,} usable",
        "Duplicates": f"{report.duplicates:,} exact, {report.near_duplicates:,} near",
        "Sensitive": figures.sensitive_line(stats),
        "Answer length": f"{answers.get('p50', 0):,} characters in the middle, {answers.get('max', 0):,} at most",
        "Tokens": figures.tokens_line(stats),
    }


def text(report: CheckReport, n: int = 3) -> str:
    """The card as plain lines."""
    figures: Iterable[str] = (f"{name}: {value}" for name, value in numbers(report).items())
    return "\n".join([headline(report), *(figures if report.accepted else ()), *worst(report, n)])


def length_histogram(report: CheckReport | dict[str, Any], path: Path) -> Path | None:
    """Draw how long the answers are (PNG). None, and no file, when no row was accepted."""
    stats = report.stats if isinstance(report, CheckReport) else report
    if not stats.get("answer_histogram"):
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    edges, counts = stats["answer_histogram"]["edges"], stats["answer_histogram"]["counts"]
    width = edges[1] - edges[0]
    figure = Figure(figsize=(6, 3), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bar(edges[:-1], counts, width=width * 0.92, align="edge", color="#4a6fa5")
    middle = stats["answer_chars"]["p50"]
    axes.margins(y=0.14)  # room for the words above the bars
    axes.axvline(middle, color="black", linestyle="--", linewidth=1)
    axes.annotate(f"middle: {middle:,}", (middle, max(counts)), xytext=(4, 4), textcoords="offset points", fontsize=8)
    axes.set_xlabel("answer length, characters (the last bar holds all longer ones)")
    axes.set_ylabel("rows")
    axes.set_title(f"Length of {stats['rows']:,} answers", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="png")
    return Path(path)
