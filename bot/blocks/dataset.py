"""The report on a dropped file: verdict, five numbers, the worst findings, what to press."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bot import actions as ids
from bot.blocks.kit import Card, actions, button, card, context, fields, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, name
from bot.pictures import DRAWING
from trainer.data.card import headline, length_histogram, numbers, summary, worst
from trainer.errors import TunesmithError
from trainer.store.tables import Dataset
from trainer.types import CheckReport, Finding, Verdict

SYMBOL = {Verdict.GOOD: "✅", Verdict.WARNINGS: "⚠️", Verdict.BROKEN: "❌"}
WORST, CODES = 3, 8
FIX = "*What to do:* mend what is named above and drop the file again. Nothing was started."


def report(filename: str, found: CheckReport, dataset: Dataset | None) -> Card:
    verdict = esc(headline(found))
    usable = dataset is not None and found.verdict is not Verdict.BROKEN
    told = not _whole_file(found)  # a single finding about the whole file is the verdict already
    return card(
        f"{esc(clip(filename, 80))} – {verdict}",
        section(f"{SYMBOL[found.verdict]} *{name(filename)}* – {verdict}"),
        fields(*((label, esc(value)) for label, value in numbers(found).items())) if found.accepted else None,
        preformatted("\n".join(clip(line, 300) for line in worst(found, WORST))) if found.findings and told else None,
        context(_by_code(found)) if found.findings and told else None,
        _next(dataset) if dataset and usable else section(FIX),
        context(f"Dataset {code(dataset.id)}") if dataset else None,
    )


def refused(filename: str, problem: TunesmithError) -> Card:
    """The file was not even looked at, and why."""
    what, fix = esc(problem.what), esc(problem.fix)
    return card(
        f"{esc(clip(filename, 80))}: {what} {fix}",
        section(f"❌ *{name(filename)}* was not checked. {what}"),
        section(f"*What to do:* {fix or 'Drop another file.'} Nothing was started."),
    )


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _whole_file(found: CheckReport) -> bool:
    return len(found.findings) == 1 and found.findings[0].line == 0 and found.verdict is Verdict.BROKEN


def _by_code(found: CheckReport) -> str:
    entries = summary(found)
    shown = ", ".join(f"{esc(e.code.replace('_', ' '))} × {e.count:,}" for e in entries[:CODES])
    rest = len(entries) - CODES
    more = f", and {rest} more kinds" if rest > 0 else ""
    return f"{plural(found.errors, 'error')}, {plural(found.warnings, 'warning')}: {shown}{more}"


def _next(dataset: Dataset) -> dict | None:
    return actions(
        button("Train", ids.TRAIN, dataset.id, style="primary"),
        button("Estimate", ids.ESTIMATE, dataset.id),
        button("Split", ids.SPLIT, dataset.id),
    )


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


def findings_file(found: CheckReport) -> bytes:
    """Every finding, one JSON object a line."""
    return "".join(json.dumps(_plain(f), ensure_ascii=False) + "\n" for f in found.findings).encode()


def _plain(finding: Finding) -> dict[str, object]:
    kept: dict[str, object] = {"line": finding.line, "code": finding.code, "severity": finding.severity.value}
    return kept | {"message": finding.message} | ({"path": finding.path} if finding.path else {})
