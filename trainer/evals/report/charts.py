"""Pictures of a report: shares as bars, differences as a forest; told apart by hatch, marker and label, not by shade
alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.evals.case import BASE, CANDIDATE
from trainer.evals.outcome import Comparison, EvalReport
from trainer.evals.report import table, words
from trainer.evals.stats import Interval

GROUPS, SIDES, DIFFERENCES = 8, 5, 24  # what a picture shows at most
LOOKS = (("#d9d9d9", "//"), ("#4a6fa5", ""), ("#b9cbe2", ".."), ("#8d8d8d", "xx"), ("#e3d3b8", "--"))
NAME = 40


def chart(report: EvalReport, path: Path) -> Path:
    """Everybody's shares below each other, by suite and metric, with intervals (PNG)."""
    lines, sides = bars_of(report)
    figure, axes = _axes(7.2, 1.3 + len(lines) * (0.3 + 0.27 * len(sides)))
    width = 0.84 / max(len(sides), 1)
    for i, (key, name) in enumerate(sides.items()):
        drawn = [(y, line.sides[key]) for y, line in enumerate(lines) if key in line.sides]
        shade, hatch = _look(key, i)
        bars = axes.barh(
            [y - 0.42 + width * (i + 0.5) for y, _ in drawn],
            [100 * share.estimate for _, share in drawn],
            width * 0.9,
            xerr=[[100 * reach for reach in reaches] for reaches in zip(*(_reach(s) for _, s in drawn), strict=True)],
            capsize=3,
            color=shade,
            edgecolor="#333333",
            linewidth=0.5,
            hatch=hatch,
        )
        labels = [f"{_short(name)} {100 * share.estimate:.0f} %" for _, share in drawn]
        axes.bar_label(bars, labels=labels, fontsize=8, padding=4)
    axes.set_yticks(range(len(lines)), [_tick(report, line) for line in lines], fontsize=8)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, 136)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel(f"right, %, with {100 * (1 - _alpha(report)):.0f} % intervals", fontsize=8)
    axes.set_title(_plain(f"{report.verdict.value}: {report.candidate}", 60), fontsize=10)
    figure.savefig(path, format="png")
    return Path(path)


def bars_of(report: EvalReport) -> tuple[list[table.Line], dict[str, str]]:
    """The lines that are shares, and who stands in them, by key."""
    known_lines = [*table.lines(report), *_old_skills(report)]
    lines = [line for line in known_lines if line.unit == "share" and _finite(*line.sides.values())][:GROUPS]
    there = {key for line in lines for key in line.sides}
    known = [contestant for contestant in table.contestants(report) if contestant.key in there]
    first = known[:1] + known[1:-1][: SIDES - 2] + known[1:][-1:]
    return lines, words.names(first)


def _old_skills(report: EvalReport) -> Iterator[table.Line]:
    """In reports without suites: of what the base has right, all of it beside what was kept."""
    kept = None if report.suites else report.regression
    if kept and kept.base_right:
        whole = Interval(1.0, 1.0, 1.0, kept.base_right, kept.share.confidence, "")
        sides = {BASE: whole, CANDIDATE: kept.share}
        yield table.Line(table.OLD_SKILLS, "old skills kept", kept.base_right, "share", "higher", sides)


def _look(key: str, place: int) -> tuple[str, str]:
    """Base and tuned always look the same."""
    return LOOKS[{BASE: 0, CANDIDATE: 1}.get(key, 2 + (place - 1) % 3)]


def _tick(report: EvalReport, line: table.Line) -> str:
    suite = f"{_plain(line.suite, 24)}\n" if len(report.suites) > 1 else ""
    return f"{suite}{_plain(words.metric(line.metric), 24)}\nn = {line.n:,}"


def _reach(share: Interval) -> tuple[float, float]:
    return max(0.0, share.estimate - share.low), max(0.0, share.high - share.estimate)


def _finite(*figures: Interval) -> bool:
    return bool(figures) and all(math.isfinite(x) for f in figures for x in (f.estimate, f.low, f.high))


def forest(report: EvalReport, path: Path) -> Path:
    """The candidate's differences with their intervals: right of the line is better (PNG)."""
    shown = differences(report)
    figure, axes = _axes(7.2, 1.1 + 0.32 * max(len(shown), 2))
    for place, one in enumerate(shown):
        low, mid, high = _points(report, one)
        marker, shade = ("s", "#4a6fa5") if not one.slice else ("o", "#8d8d8d")
        axes.errorbar(
            mid, place, xerr=[[mid - low], [high - mid]], fmt=marker, color=shade, ecolor="#333333", capsize=3
        )
    axes.axvline(0, color="#333333", linewidth=0.8)
    axes.set_yticks(range(len(shown)), [_named(report, one) for one in shown], fontsize=8)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel("← worse   difference in points   better →", fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, format="png")
    return Path(path)


def differences(report: EvalReport) -> list[Comparison]:
    """Of shares: the duels on whole suites first, then the slices, worst first."""
    both = [*table.duels(report), *table.slices(report)]
    shares = [one for one in both if table.unit_of(report, one) == "share"]
    return [one for one in shares if _finite(one.difference)][:DIFFERENCES]


def _points(report: EvalReport, one: Comparison) -> tuple[float, float, float]:
    """Low, estimate, high in points, turned so that more is better."""
    sign = 100 * table.sign(report, one)
    found = sorted(sign * x for x in (one.difference.low, one.difference.high))
    mid = sign * one.difference.estimate
    return min(found[0], mid), mid, max(found[1], mid)


def _named(report: EvalReport, one: Comparison) -> str:
    where = f"{one.suite}/{one.slice}" if one.slice else one.suite
    known = words.names(table.contestants(report))
    return f"{_plain(where)} vs {_short(known.get(one.against, one.against))}, n = {one.n:,}"


def described(report: EvalReport) -> str:
    """The bars in words."""
    return f"Bar chart with intervals, verdict {report.verdict.value}. " + "; ".join(_spoken(report))


def _spoken(report: EvalReport) -> Iterator[str]:
    lines, sides = bars_of(report)
    for line in lines:
        told = ", ".join(f"{name} {words.value(line.sides[key])}" for key, name in sides.items() if key in line.sides)
        yield f"{line.suite}, {words.metric(line.metric)}: {told}"


def forest_described(report: EvalReport) -> str:
    """The forest in words."""
    told = (f"{_named(report, one)}: {words.change(one.difference)}" for one in differences(report))
    return "Differences with intervals. " + "; ".join(told)


def _axes(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(min(width, 20), height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _alpha(report: EvalReport) -> float:
    return float(report.gate.get("alpha", 0.05))


def _short(name: str) -> str:
    return _plain(name, 18)


def _plain(text: str, most: int = NAME) -> str:
    """On one line, cut, and without `$`, which starts a formula."""
    flat = "".join(c if c.isprintable() and c != "$" else " " for c in text)
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"
