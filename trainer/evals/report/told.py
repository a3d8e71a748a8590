"""An evaluation told to people: verdict first, then figures; as lines, table, picture and JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

from trainer.evals.report.words import change as points, p_text, value as percent
from trainer.evals.outcome import EvalReport, MetricSummary
from trainer.evals.stats import Interval
from trainer.types import GateVerdict

VERDICTS = {
    GateVerdict.PASS: "PASS: better than the base, and its old skills are kept.",
    GateVerdict.FAIL: "FAIL: not fit for promotion.",
    GateVerdict.INCONCLUSIVE: "INCONCLUSIVE: the evidence does not decide.",
}


def headline(report: EvalReport) -> str:
    """The verdict in one sentence."""
    return VERDICTS[report.verdict]


def lines(report: EvalReport) -> list[str]:
    """The report as sentences: verdict, reasons, what this many rows can show, slices that lost the most."""
    said = [headline(report), *report.reasons]
    if report.metrics:
        points_shown = report.minimum_detectable_effect * 100
        said.append(f"{report.test_rows} test rows show gains of {points_shown:.0f} points or more, mostly.")
    return said + _worst_slices(report)


def _worst_slices(report: EvalReport, count: int = 3) -> list[str]:
    lost = [(s.base_right - s.kept, name, s) for name, s in report.slices.items() if s.kept < s.base_right]
    ranked = sorted(lost, key=lambda item: (-item[0], item[1]))[:count]
    return [f"{name}: {s.kept} of {s.base_right} kept." for _, name, s in ranked]


def markdown(report: EvalReport) -> str:
    """Verdict, reasons, then one table row a metric."""
    bullets = "\n".join(f"- {reason}" for reason in report.reasons)
    head = "| metric | n | base | tuned | difference | p |\n|---|---|---|---|---|---|"
    rows = "\n".join(_table_row(name, summary) for name, summary in report.metrics.items())
    table = f"\n\n{head}\n{rows}" if rows else ""
    return f"**{headline(report)}**\n\n{bullets}{table}{_regression_row(report)}\n"


def _table_row(name: str, summary: MetricSummary) -> str:
    figures = (percent(summary.base), percent(summary.tuned), points(summary.difference), p_text(summary.p))
    return f"| {name} | {summary.n} | {' | '.join(figures)} |"


def _regression_row(report: EvalReport) -> str:
    kept = report.regression
    if kept is None:
        return ""
    return f"\n\nOld skills: {kept.kept} of {kept.base_right} kept, {percent(kept.share)}."


def dump(report: EvalReport, path: Path) -> Path:
    """The whole report, every answer included, as JSON; written whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def load(path: Path) -> EvalReport:
    """A dumped report."""
    return EvalReport.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))


def chart(report: EvalReport, path: Path) -> Path:
    """Base beside tuned as bars with intervals, told apart by hatch and label, not by shade alone (PNG)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = _groups(report)
    figure = Figure(figsize=(max(4.8, 2.4 * len(groups)), 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for offset, side, (shade, hatch) in ((-0.2, 0, ("#d9d9d9", "//")), (0.2, 1, ("#4a6fa5", ""))):
        heights = [100 * sides[side][0] for _, sides in groups]
        spread = [[100 * sides[side][i] for _, sides in groups] for i in (1, 2)]
        places = [i + offset for i in range(len(groups))]
        label = ("base", "tuned")[side]
        bars = axes.bar(places, heights, 0.36, yerr=spread, capsize=4, color=shade, hatch=hatch, label=label)
        axes.bar_label(bars, labels=[f"{label} {h:.0f} %" for h in heights], fontsize=8, padding=3)
    axes.set_xticks(range(len(groups)), [name for name, _ in groups])
    axes.set_ylim(0, 118)
    axes.set_ylabel(f"right, %, with {100 * (1 - report.gate['alpha']):.0f} % intervals")
    axes.set_title(f"{report.verdict.value}: {report.candidate[:60]}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False, fontsize=8)
    figure.savefig(path, format="png")
    return Path(path)


Side = tuple[float, float, float]  # height, and how far the interval reaches down and up


def _groups(report: EvalReport) -> list[tuple[str, tuple[Side, Side]]]:
    groups: list[tuple[str, tuple[Side, Side]]] = []
    for name, summary in report.metrics.items():
        groups.append((f"{name}\nn = {summary.n}", (_side(summary.base), _side(summary.tuned))))
    kept = report.regression
    if kept and kept.base_right:
        groups.append((f"old skills\nn = {kept.base_right}", ((1.0, 0.0, 0.0), _side(kept.share))))
    return groups


def _side(share: Interval) -> Side:
    return share.estimate, max(0.0, share.estimate - share.low), max(0.0, share.high - share.estimate)
