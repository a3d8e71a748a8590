"""A check told to people: verdict first, then numbers, then the worst lines, and a picture of answer lengths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.data.findings import CODES
from trainer.types import CheckReport, Finding, Severity, Verdict

FIRST_LINES = 5
_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class CodeSummary:
    """All findings of one code: how many, and on which lines first."""

    code: str
    severity: Severity
    meaning: str
    count: int
    first_lines: tuple[int, ...]
    example: str  # the first finding's message

    def __str__(self) -> str:
        where = ", ".join(map(str, self.first_lines))
        more = ", …" if self.count > len(self.first_lines) else ""
        lines = f" (line{'s' * (self.count > 1)} {where}{more})" if self.first_lines != (0,) else ""
        return f"{self.count:,} × {self.code}: {self.meaning}{lines}"


def headline(report: CheckReport) -> str:
    """The verdict in one sentence with its most telling numbers."""
    rows = f"{report.accepted:,} of {report.rows:,} rows can be trained on"
    if report.verdict is Verdict.GOOD:
        return f"Good: all {report.rows:,} rows can be trained on."
    if report.verdict is Verdict.WARNINGS:
        return f"Usable, with a look: {rows}; {_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}."
    whole = next((f for f in report.findings if f.line == 0 and f.severity is Severity.ERROR), None)
    if report.rows and not report.accepted and (whole is None or whole.code == "too_few_rows"):
        return f"Broken: none of the {report.rows:,} rows can be trained on."
    return f"Broken: {whole.message}" if whole else f"Broken: {rows}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def summary(report: CheckReport) -> list[CodeSummary]:
    """One entry a code, worst first: errors before warnings, frequent before rare."""
    grouped: dict[str, list[Finding]] = {}
    for finding in report.findings:
        grouped.setdefault(finding.code, []).append(finding)
    entries = [_summed(code, found) for code, found in grouped.items()]
    return sorted(entries, key=lambda e: (_RANK[e.severity], e.first_lines[0] != 0, -e.count, e.code))


def _summed(code: str, found: list[Finding]) -> CodeSummary:
    lines = tuple(dict.fromkeys(f.line for f in found))[:FIRST_LINES]
    meaning = CODES[code][1] if code in CODES else found[0].message
    return CodeSummary(code, found[0].severity, meaning, len(found), lines, found[0].message)


def worst(report: CheckReport, n: int = 3) -> list[str]:
    """The `n` worst kinds of finding, each as `Line 4: …` with how many more like it there are."""
    return [_worst_line(entry) for entry in summary(report)[:n]]


def _worst_line(entry: CodeSummary) -> str:
    where = f"Line {entry.first_lines[0]}: " if entry.first_lines[0] else ""
    more = f" ({entry.count - 1:,} more like it)" if entry.count > 1 else ""
    return f"{where}{entry.example}{more}"


def numbers(report: CheckReport) -> dict[str, str]:
    """Five figures for a card, ready to show. Token counts are an estimate and say so."""
    stats = report.stats
    answers = stats.get("answer_chars", {})
    return {
        "Rows": f"{report.accepted:,} of {report.rows:,} usable",
        "Duplicates": f"{report.duplicates:,}",
        "Messages a row": f"{stats.get('messages_per_row', 0):g}",
        "Answer length": f"{answers.get('p50', 0):,} characters in the middle, {answers.get('max', 0):,} at most",
        "Tokens": f"about {stats.get('estimated_tokens', 0):,} (estimated, 4 bytes each)",
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
    axes.axvline(middle, color="black", linestyle="--", linewidth=1)
    axes.annotate(f"middle: {middle:,}", (middle, max(counts)), xytext=(4, -2), textcoords="offset points", fontsize=8)
    axes.set_xlabel("answer length, characters (the last bar holds all longer ones)")
    axes.set_ylabel("rows")
    axes.set_title(f"Length of {stats['rows']:,} answers", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="png")
    return Path(path)
