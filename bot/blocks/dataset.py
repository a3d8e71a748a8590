"""The report on a dropped file: verdict, five numbers, the worst findings, what can be mended, what to press."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bot.blocks.dataset_buttons import bar, fixes, how_to_go_on
from bot.blocks.kit import Card, card, context, fields, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, masked, name, plain_name
from bot.pictures import DRAWING
from trainer.data.card import CodeSummary, has_columns, headline, length_histogram, numbers, summary, title_of, worst
from trainer.errors import TunesmithError
from trainer.store.tables import Dataset
from trainer.types import CheckReport, Severity, Verdict

SYMBOL = {Verdict.GOOD: "✅", Verdict.WARNINGS: "⚠️", Verdict.BROKEN: "❌"}
MARK = {Severity.ERROR: "✗ error", Severity.WARNING: "! warning", Severity.INFO: "i note"}
WORST, CODES, LINE = 3, 8, 300


def report(filename: str, found: CheckReport, dataset: Dataset | None) -> Card:
    verdict = esc(masked(headline(found)))
    told = bool(found.findings) and not verdict_tells_all(found)
    kinds = summary(found) if found.findings else []
    mended = fixes(found, kinds)
    return card(
        f"{esc(plain_name(filename))} – {verdict}",
        section(f"{SYMBOL[found.verdict]} *{name(filename)}* – {verdict}"),
        fields(*((label, esc(value)) for label, value in numbers(found).items())) if found.accepted else None,
        preformatted("\n".join(clip(masked(line), LINE) for line in worst(found, WORST))) if told else None,
        preformatted(_by_code(found, kinds)) if told and len(kinds) > 1 else None,
        section(how_to_go_on(found, dataset, mended)),
        bar(found, dataset, mended),
        context(_what_it_is(found, dataset)),
    )


def refused(filename: str, problem: TunesmithError) -> Card:
    """The file was not even looked at, and why."""
    what, fix = esc(problem.what), esc(problem.fix)
    return card(
        f"{esc(plain_name(filename))}: {what} {fix}",
        section(f"❌ *{name(filename)}* was not checked. {what}"),
        section(f"*What to do:* {fix or 'Drop another file.'} Nothing was started."),
    )


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def verdict_tells_all(found: CheckReport) -> bool:
    """A single finding about the whole file, or columns to be named first: the verdict says that already."""
    whole = len(found.findings) == 1 and found.findings[0].line == 0
    return found.verdict is Verdict.BROKEN and (whole or has_columns(found))


def _by_code(found: CheckReport, kinds: list[CodeSummary]) -> str:
    """One line a code: how many, what it means, on which lines first."""
    head = f"{plural(found.errors, 'error')}, {plural(found.warnings, 'warning')}"
    lines = [f"{MARK[kind.severity]}  {clip(masked(str(kind)), 200)}" for kind in kinds[:CODES]]
    rest = len(kinds) - CODES
    return "\n".join(
        [head, *lines, *([f"… and {plural(rest, 'more kind')}; the report lists all"] if rest > 0 else [])]
    )


def _what_it_is(found: CheckReport, dataset: Dataset | None) -> str:
    """`Dataset file-… (v2 of file-…) · CSV, gzip · ShareGPT`"""
    parts = [esc(clip(found.source, 80)), esc(title_of(found.format))]
    if dataset is not None:
        came = f" (v{dataset.version}, made from {code(dataset.parent_id)})" if dataset.parent_id else ""
        parts.insert(0, f"Dataset {code(dataset.id)}{came}")
        parts.append(f"licence {esc(dataset.license)}" if dataset.license else "")
    return " · ".join(part for part in parts if part) or "—"


def histogram(found: CheckReport) -> tuple[bytes, str] | None:
    """A PNG of the answers' lengths, and its words; None where there is nothing to draw."""
    if found.accepted < 2 or found.verdict is Verdict.BROKEN:
        return None
    with tempfile.TemporaryDirectory() as folder, DRAWING:
        drawn = length_histogram(found, Path(folder) / "lengths.png")
        png = drawn.read_bytes() if drawn else b""
    chars = found.stats.get("answer_chars")
    if not png or not chars:
        return None
    alt = (
        f"Histogram of answer lengths over {found.accepted:,} rows: {chars['p50']:,} characters in the middle, "
        f"from {chars['min']:,} to {chars['max']:,}."
    )
    return png, alt
