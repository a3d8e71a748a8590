"""The comparison: verdict first, why, everybody's figures with intervals and n, what was lost, what to press."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot import actions as ids
from bot.blocks import poll
from bot.blocks.kit import Card, Json, actions, button, card, context, section, table
from bot.blocks.mrkdwn import code, esc, person
from tools.evaluation_report import NOTHING, Beside, figures
from trainer.evals.case import Contestant
from trainer.evals.outcome import EvalReport
from trainer.evals.report import sentences, words
from trainer.evals.report import table as tables
from trainer.store.tables import Evaluation
from trainer.types import GateVerdict

HEAD = {
    GateVerdict.PASS: ("✅", "PASS – better, and it kept what the base could do"),
    GateVerdict.FAIL: ("❌", "FAIL – it must not be promoted"),
    GateVerdict.INCONCLUSIVE: ("❔", "INCONCLUSIVE – the evidence is not enough to promote"),
}
FORGOT = "forgot"
REASONS, LINES, SIDES, SAID, LONG = 8, 12, 4, 8, 280  # the most that a card shows; a table has 8 columns


def shown(row: Evaluation, beside: Beside = NOTHING) -> Card:
    symbol, spoken = HEAD[GateVerdict(row.verdict)]
    report = figures(row)
    return card(
        f"{spoken}: {row.model_id}",
        section(f"{symbol} *{spoken}*\n{code(row.model_id)}"),
        section(f"⚠️ *Overridden*: {esc(beside.override)}") if beside.override else None,
        *(_details(report, beside) if report else _bare(row)),
        actions(*_next(row)),
        context(*_foot(row, report)),
    )


def _bare(row: Evaluation) -> list[Json | None]:
    """A report that this version cannot read: its verdict and its reasons can still be told."""
    return [_bullets("", map(str, row.report.get("reasons", [])[:REASONS]))]


def _details(report: EvalReport, beside: Beside) -> list[Json | None]:
    judges = [line for one in report.judges for line in sentences.judge(report, one)]
    contamination = [] if not report.contamination.test_rows else sentences.contamination(report)
    return [
        _reasons(report),
        _numbers(report),
        _bullets("Row by row", sentences.duels(report)),
        _bullets("Kept", sentences.kept(report, beyond_reasons=True)),
        _bullets("Slices that lost the most", sentences.worst_slices(report)),
        _bullets("Judges", judges),
        _bullets("People", beside.people),
        _bullets("Know, too", [*contamination, *sentences.remarks(report), *sentences.power(report)]),
    ]


def _reasons(report: EvalReport) -> Json | None:
    found = sentences.reasons(report)[:REASONS]
    told = (f"{HEAD[verdict][0] if verdict else '•'} {_line(_spoken(text, report))}" for verdict, text in found)
    return section("\n".join(told)) if found else None


def _bullets(title: str, lines: Iterable[str]) -> Json | None:
    told = [f"• {_line(text)}" for text in list(lines)[:SAID]]
    return section("\n".join([*([f"*{title}*"] if title else []), *told])) if told else None


def _line(text: str) -> str:
    return esc(text if len(text) <= LONG else f"{text[: LONG - 1]}…")


def _spoken(said: str, report: EvalReport) -> str:
    """A reason with its metrics as the table calls them: `exact_match` is “exact match”."""
    for metric in report.metrics:
        said = said.replace(metric, metric.replace("_", " "))
    return said


def _numbers(report: EvalReport) -> Json | None:
    lines, sides = tables.lines(report)[:LINES], _sides(tables.contestants(report))
    head = ["Metric", *(_head(side) for side in sides), "Difference", "n"]
    rows = [[_name(report, line), *_figures(line, sides), _change(line), f"{line.n:,}"] for line in lines]
    return table([head, *rows]) if rows else None


def _sides(known: tuple[Contestant, ...]) -> tuple[Contestant, ...]:
    """The base first, the candidate last, and as many between them as there are columns for."""
    return known if len(known) <= SIDES else (*known[: SIDES - 1], known[-1])


def _head(side: Contestant) -> str:
    name = words.who(side)
    return name[:1].upper() + name[1:]


def _name(report: EvalReport, line: tables.Line) -> str:
    metric = words.metric(line.metric, line.better)
    return metric if tables.is_test(report, line.suite) else f"{line.suite}: {metric}"


def _figures(line: tables.Line, sides: Iterable[Contestant]) -> list[str]:
    return [words.value(line.sides[side.key], line.unit) if side.key in line.sides else "–" for side in sides]


def _change(line: tables.Line) -> str:
    if line.difference is None:
        return "–"
    read = words.reads(line.difference, line.better, line.p)
    told = words.change(line.difference, line.unit)
    return f"{told}, {read}" if read and line.better == "lower" else told


def _foot(row: Evaluation, report: EvalReport | None) -> list[str]:
    rows = f"Evaluation {code(row.id)} on {row.report.get('test_rows', 0):,} sealed test rows"
    if report is None:
        return [rows]
    by = report.registered.get("by")
    mark = "@@"
    said = esc(sentences.registered(report, mark if by else "")).replace(mark, person(str(by)))
    return [rows, said]


def _next(row: Evaluation) -> list[dict[str, Any] | None]:
    passed = row.verdict == GateVerdict.PASS
    forgot = row.report.get("code") == FORGOT
    return [
        button("Promote…", ids.PROMOTE, row.model_id, style="primary") if passed else None,
        button("Train again with replay", ids.RETRAIN, row.model_id, style="primary") if forgot else None,
        button("Evaluate again", ids.EVALUATE, row.model_id) if not passed and not forgot else None,
        button("Full report", ids.REPORT, row.id),
        button("Failures…", ids.FAILURES, row.id) if row.report.get("rows_sha256") else None,
        poll.ask_button(row.id) if row.report.get("rows_sha256") else None,
    ]
