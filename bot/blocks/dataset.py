"""The report on a dropped file: verdict, five numbers, the worst findings, what to press."""

from __future__ import annotations

import json
from collections import Counter

from bot import actions as ids
from bot.blocks.kit import Card, actions, button, card, context, fields, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, name
from trainer.errors import TunesmithError
from trainer.store.tables import Dataset
from trainer.types import CheckReport, Finding, Severity, Verdict

HEAD = {
    Verdict.GOOD: (":white_check_mark:", "is ready to train on"),
    Verdict.WARNINGS: (":warning:", "can be used; some rows need a look"),
    Verdict.BROKEN: (":x:", "cannot be trained on"),
}
WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
WORST, CODES = 3, 8
FIX = "Mend these lines and drop the file again. Nothing was started."


def report(filename: str, found: CheckReport, dataset: Dataset | None) -> Card:
    symbol, verdict = HEAD[found.verdict]
    usable = f"{found.accepted:,} of {found.rows:,} rows can be used"
    usable += f", {found.rows - found.accepted:,} cannot" if found.rows > found.accepted else ""
    return card(
        f"{esc(clip(filename, 80))} {verdict}: {usable}.",
        section(f"{symbol} *{name(filename)}* {verdict}: {usable}."),
        _numbers(found) if found.rows else None,
        preformatted(worst(found)) if found.findings else None,
        context(_summary(found)) if found.findings else None,
        _next(dataset) if dataset and found.verdict is not Verdict.BROKEN else section(f"*What to do:* {FIX}"),
        context(f"Dataset {code(dataset.id)}") if dataset else None,
    )


def refused(filename: str, problem: TunesmithError) -> Card:
    """The file was not even looked at, and why."""
    what, fix = esc(problem.what), esc(problem.fix)
    return card(
        f"{esc(clip(filename, 80))}: {what} {fix}",
        section(f":x: *{name(filename)}* was not checked. {what}"),
        section(f"*What to do:* {fix or 'Drop another file.'} Nothing was started."),
    )


def worst(found: CheckReport) -> str:
    """The three findings that matter most, with line numbers; plain text."""
    ranked = sorted(found.findings, key=lambda f: (WEIGHT[f.severity], f.line))[:WORST]
    return "\n".join(_one(f) for f in ranked)


def _one(finding: Finding) -> str:
    where = f"line {finding.line}" if finding.line else "the file"
    path = f" at {clip(finding.path, 60)}" if finding.path else ""
    return f"{where}: {finding.code}{path} – {clip(finding.message, 240)}"


def _numbers(found: CheckReport) -> dict:
    stats = found.stats
    answers = (stats.get("answer_chars") or {}).get("p50")
    return fields(
        ("Rows", f"{found.rows:,}"),
        ("Usable", f"{found.accepted:,} ({found.accepted / max(found.rows, 1):.0%})"),
        ("Exact duplicates", f"{found.duplicates:,}"),
        ("Tokens, estimated", f"{stats.get('estimated_tokens', 0):,}"),
        ("Typical answer", f"{answers:,} characters" if answers is not None else "—"),
    )


def _summary(found: CheckReport) -> str:
    counted = Counter(f.code for f in found.findings)
    shown = ", ".join(f"{esc(c)} × {n:,}" for c, n in counted.most_common(CODES))
    rest = len(counted) - CODES
    more = f", and {rest} more kinds" if rest > 0 else ""
    return f"{found.errors:,} errors, {found.warnings:,} warnings: {shown}{more}"


def _next(dataset: Dataset) -> dict | None:
    return actions(
        button("Train", ids.TRAIN, dataset.id, style="primary"),
        button("Estimate", ids.ESTIMATE, dataset.id),
        button("Split", ids.SPLIT, dataset.id),
    )


def histogram(found: CheckReport) -> tuple[bytes, str] | None:
    """A PNG of the answers' lengths, and its words; None where there is nothing to draw."""
    bars = found.stats.get("answer_histogram")
    if not bars or found.accepted < 2:
        return None
    from bot.pictures import histogram as draw

    chars = found.stats["answer_chars"]
    alt = (
        f"Histogram of answer lengths over {found.accepted:,} rows: median {chars['p50']:,} characters, "
        f"from {chars['min']:,} to {chars['max']:,}."
    )
    return draw(bars["edges"], bars["counts"]), alt


def findings_file(found: CheckReport) -> bytes:
    """Every finding, one JSON object a line."""
    lines = [
        json.dumps(
            {
                "line": f.line,
                "code": f.code,
                "severity": f.severity.value,
                "message": f.message,
                **({"path": f.path} if f.path else {}),
            },
            ensure_ascii=False,
        )
        for f in found.findings
    ]
    return ("\n".join(lines) + "\n").encode()
