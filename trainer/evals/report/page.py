"""The report as one HTML page: no scripts, nothing from elsewhere, every word of models and datasets escaped."""

from __future__ import annotations

import base64
import json
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.evals.outcome import Comparison, EvalReport
from trainer.evals.report import charts, examples, sentences, table, words
from trainer.evals.report.scores import spread

SYMBOL = {"PASS": "✓", "FAIL": "✕", "INCONCLUSIVE": "?"}
JOINERS = "\u200c\u200d"  # parts of words and signs, not orders


def html(
    report: EvalReport,
    *,
    evaluation: str = "",
    people: Sequence[str] = (),
    override: str = "",
    about: Mapping[str, Any] | None = None,
    most: int = examples.SHOWN,
) -> str:
    """The page. `people` and `override` are sentences, `about` is what the candidate was made of; at most `most`
    examples are shown, the worst."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    house = Environment(
        loader=PackageLoader("trainer.evals.report", "."),
        autoescape=True,
        finalize=plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    house.filters |= {"value": words.value, "change": words.change, "metric": words.metric, "p": words.p_text}
    found = examples.groups(report, most)
    return house.get_template("page.html.jinja").render(
        report=report,
        evaluation=evaluation,
        symbol=SYMBOL[report.verdict.value],
        headline=sentences.headline(report),
        reasons=sentences.reasons(report),
        remarks=sentences.remarks(report),
        override=override,
        people=people,
        sides=table.contestants(report),
        lines=table.lines(report),
        duels=[_compared(report, one) for one in table.duels(report)],
        slices=[_compared(report, one) for one in table.slices(report)],
        plain_slices={} if table.slices(report) else report.slices,
        kept=list(sentences.kept(report)),
        judges=[sentences.judge(report, one) for one in report.judges],
        shows=list(sentences.power(report)),
        clean=list(sentences.contamination(report)),
        about=list(_flat(about or {})),
        registered=sentences.registered(report),
        at=_day(report.registered.get("at")),
        gate=list(_flat(report.gate)),
        suites=list(report.suites.values()),
        spread=spread(report),
        groups=found,
        shown=sum(len(group.examples) for group in found),
        pictures=list(_pictures(report)),
        who=words.who,
        reads=words.reads,
        alpha=report.gate.get("alpha", 0.05),
    )


def _compared(report: EvalReport, one: Comparison) -> dict[str, Any]:
    unit, turn = table.unit_of(report, one), table.sign(report, one)
    return {
        "one": one,
        "against": sentences.against(report, one.against),
        "difference": words.change(one.difference, unit),
        "reads": words.reads(one.difference, "lower" if turn < 0 else "higher", one.p_holm or one.p),
        "detectable": (
            f"{words.amount(one.detectable * 100, 'points')} points"
            if unit == "share"
            else words.amount(one.detectable, unit)
        )
        if one.detectable
        else "–",
    }


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every field, one a line."""
    for name, value in nested.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for item in value:
                yield from _flat(item, f"{prefix}{name} {item.get('suite', '')}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _day(at: Any) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at)) if isinstance(at, int | float) else ""


def _pictures(report: EvalReport) -> Iterator[tuple[str, str, str]]:
    """(title, alternative text, address with the picture in it)"""
    if charts.bars_of(report)[0]:
        yield "Everybody side by side", charts.described(report), _inline(report, charts.chart)
    if charts.differences(report):
        yield "Differences", charts.forest_described(report), _inline(report, charts.forest)


def _inline(report: EvalReport, draw: Callable[[EvalReport, Path], Path]) -> str:
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        png = draw(report, Path(folder) / "picture.png").read_bytes()
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def plain(cell: Any) -> Any:
    """Text as text: what is no sign for the eye, or turns the direction of writing, is spelt out."""
    return "".join(map(_spelt, cell)) if type(cell) is str and not cell.isprintable() else cell


def _spelt(sign: str) -> str:
    if sign in "\n\t" or sign in JOINERS or sign.isprintable() or unicodedata.category(sign) == "Zs":
        return sign
    return f"\\u{ord(sign):04x}"
