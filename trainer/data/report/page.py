"""The report as one HTML page: no scripts, nothing from elsewhere, every text from the file escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import islice
from pathlib import Path
from string import Template

from trainer.data import card, figures
from trainer.data.report.drawing import histogram
from trainer.types import CheckReport, Verdict

FINDINGS_SHOWN = 500
TEMPLATE = Path(__file__).with_name("page.html")
SYMBOL = {Verdict.GOOD: "✓", Verdict.WARNINGS: "!", Verdict.BROKEN: "✕"}
Cells = Iterable[Iterable[object]]


def write_page(report: CheckReport, path: Path, *, title: str) -> Path:
    """Write the page to `path`; it opens from disk as from anywhere else."""
    path.write_text(page(report, title=title), encoding="utf-8")
    return path


def page(report: CheckReport, *, title: str) -> str:
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=_shown(title),
        verdict=report.verdict.value,
        symbol=SYMBOL[report.verdict],
        headline=_shown(card.headline(report, mend=f"tunesmith data fix {title}")),
        numbers="".join(
            f"<div><dt>{_shown(k)}</dt><dd>{_shown(v)}</dd></div>" for k, v in card.numbers(report).items()
        ),
        facts=_table(("What", "Is"), _facts(report)),
        codes=_codes(report),
        findings=_findings(report),
        picture=histogram(report.stats),
        sensitive=_sensitive(report),
        languages=_shares("Languages", "language", figures.languages(report.stats)),
        labels=_shares("Labels", "answer", figures.labels(report.stats)),
    )


def _facts(report: CheckReport) -> Cells:
    yield "Container", report.source
    yield "Format", card.title_of(report.format) or "could not be told"
    if len(report.formats) > 1:
        yield "Formats met", ", ".join(f"{card.title_of(name)}: {rows:,}" for name, rows in report.formats.items())
    yield "Size", f"{report.bytes:,} bytes"
    yield from figures.token_facts(report.stats)
    yield "SHA-256 of the file", report.sha256 or "not taken"
    yield "Fingerprint of the rows", report.fingerprint or "not taken"


def _codes(report: CheckReport) -> str:
    entries = card.summary(report)
    if not entries:
        return "<p>Nothing was found.</p>"
    head = ("Severity", "Code", "Count", "First lines", "Meaning", "What is right", "Fix")
    rows = (
        (e.severity.value, e.code, f"{e.count:,}", _lines(e), e.meaning, e.expected, e.fix or "by hand")
        for e in entries
    )
    return _table(head, rows)


def _lines(entry: card.CodeSummary) -> str:
    if entry.first_lines == (0,):
        return "the file"
    return ", ".join(map(str, entry.first_lines)) + (", …" if entry.count > len(entry.first_lines) else "")


def _findings(report: CheckReport) -> str:
    if not report.findings:
        return ""
    shown = islice(report.findings, FINDINGS_SHOWN)
    rows = ((f.line or "file", f.severity.value, f.code, f.message, f.path, f.found, f.expected) for f in shown)
    count = len(report.findings)
    first = f"The first {FINDINGS_SHOWN:,} of {count:,}; the findings file holds all." if count > FINDINGS_SHOWN else ""
    head = ("Line", "Severity", "Code", "What", "Where", "Found", "Expected")
    return f"<h2>Findings</h2><p>{first}</p>{_table(head, rows)}"


def _sensitive(report: CheckReport) -> str:
    found = figures.sensitive(report.stats)
    if found is None:
        return ""
    if not found:
        return "<h2>Sensitive content</h2><p>None was found. That is no proof that there is none.</p>"
    rows = (
        (
            kind.title,
            kind.group.replace("_", " "),
            f"{kind.rows:,}",
            f"{kind.hits:,}",
            ", ".join(map(str, kind.first_lines)),
        )
        for kind in found
    )
    return f"<h2>Sensitive content</h2>{_table(('Kind', 'Group', 'Rows', 'Times', 'First lines'), rows)}"


def _shares(title: str, name: str, shares: dict[str, float]) -> str:
    if not shares:
        return ""
    rows = ((key, f"{share:.1%}") for key, share in islice(shares.items(), 30))
    return f"<h2>{title}</h2>{_table((name, 'share'), rows)}"


def _table(head: Iterable[str], rows: Cells) -> str:
    top = "".join(f'<th scope="col">{_shown(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _shown(cell: object) -> str:
    """Text as text: no markup, and control or direction characters cannot change what stands around them."""
    return escape("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(cell)))
