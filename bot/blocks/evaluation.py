"""The comparison: verdict first, base against tuned with intervals and n, what was kept, what to press."""

from __future__ import annotations

from typing import Any

from bot import actions as ids
from bot.blocks.kit import Card, actions, button, card, context, section, table
from bot.blocks.mrkdwn import code, esc
from trainer.store.tables import Evaluation
from trainer.types import GateVerdict

HEAD = {
    GateVerdict.PASS: ("✅", "PASS – better, and it kept what the base could do"),
    GateVerdict.FAIL: ("❌", "FAIL – it must not be promoted"),
    GateVerdict.INCONCLUSIVE: ("❔", "INCONCLUSIVE – the evidence is not enough to promote"),
}
FORGOT = "forgot"
METRICS = 6


def shown(row: Evaluation) -> Card:
    report = row.report
    symbol, words = HEAD[GateVerdict(row.verdict)]
    reasons = "\n".join(f"• {esc(_spoken(reason, report))}" for reason in report.get("reasons", [])[:8])
    return card(
        f"{words}: {row.model_id}",
        section(f"{symbol} *{words}*\n{code(row.model_id)}"),
        section(reasons) if reasons else None,
        _numbers(report),
        actions(*_next(row)),
        context(f"Evaluation {code(row.id)} on {report.get('test_rows', 0):,} sealed test rows"),
    )


def _spoken(reason: object, report: dict[str, Any]) -> str:
    """A reason with its metrics as the table calls them: `exact_match` is “exact match”."""
    said = str(reason)
    for metric in report.get("metrics", {}):
        said = said.replace(metric, metric.replace("_", " "))
    return said


def _numbers(report: dict[str, Any]) -> dict[str, Any] | None:
    rows = [
        [
            metric.replace("_", " "),
            share(m["base"]),
            share(m["tuned"]),
            points(m["difference"]),
            f"{m['n']:,}",
        ]
        for metric, m in list(report.get("metrics", {}).items())[:METRICS]
    ]
    kept = report.get("regression")
    if kept:
        now = f"{kept['kept']:,} ({kept['kept'] / max(kept['base_right'], 1):.0%})".replace("%", " %")
        rows.append(
            [
                "old skills kept",
                f"{kept['base_right']:,}",
                now,
                share(kept["share"]),
                f"{kept['suite_rows']:,}",
            ]
        )
    return table([["Metric", "Base", "Tuned", "Difference", "n"], *rows]) if rows else None


def share(interval: dict[str, Any]) -> str:
    """`92.0 % (86.1–95.6)`"""
    return f"{interval['estimate']:.1%} ({interval['low'] * 100:.1f}–{interval['high'] * 100:.1f})".replace("%", " %")


def points(interval: dict[str, Any]) -> str:
    """`+92.0 points (85.9–96.1)`"""
    low, high = interval["low"] * 100, interval["high"] * 100
    return f"{interval['estimate'] * 100:+.1f} points ({low:.1f} to {high:.1f})"


def _next(row: Evaluation) -> list[dict[str, Any] | None]:
    passed = row.verdict == GateVerdict.PASS
    forgot = row.report.get("code") == FORGOT
    return [
        button("Promote…", ids.PROMOTE, row.model_id, style="primary") if passed else None,
        button("Train again with replay", ids.RETRAIN, row.model_id, style="primary") if forgot else None,
        button("Evaluate again", ids.EVALUATE, row.model_id) if not passed and not forgot else None,
    ]


def describe(row: Evaluation) -> str:
    """The chart in words."""
    parts = [
        f"{name.replace('_', ' ')}: base {share(m['base'])}, tuned {share(m['tuned'])}"
        for name, m in list(row.report.get("metrics", {}).items())[:METRICS]
    ]
    return f"Bar chart with intervals, verdict {row.verdict}. " + "; ".join(parts)
