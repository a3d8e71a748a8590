"""The report as files: JSON with every answer, and a Markdown page."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from trainer.evals.outcome import EvalReport
from trainer.evals.report import sentences, table, words


def dump(report: EvalReport, path: Path) -> Path:
    """The whole report, every answer included, as JSON; written whole."""
    return write(json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n", path)


def write(text: str, path: Path) -> Path:
    """To a temporary name beside `path`, then renamed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path


def load(path: Path) -> EvalReport:
    """A dumped report."""
    return EvalReport.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))


def markdown(report: EvalReport, people: Sequence[str] = ()) -> str:
    """Verdict, reasons, then one table row a metric of a suite, then what else is to be said."""
    told = sentences.lines(report, people)[1:]
    why = [text for _, text in sentences.reasons(report)]
    rest = [line for line in told if line not in why]
    parts = [f"**{sentences.headline(report)}**", _bullets(why), _table(report), _bullets(rest)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {_text(text)}" for text in texts)


def _table(report: EvalReport) -> str:
    lines = table.lines(report)
    if not lines:
        return ""
    sides = table.contestants(report)
    head = ["suite", "metric", "n", *(words.who(side) for side in sides), "difference", "p"]
    rows = [
        [
            line.suite,
            words.metric(line.metric, line.better),
            f"{line.n:,}",
            *(words.value(line.sides[s.key], line.unit) if s.key in line.sides else "–" for s in sides),
            words.change(line.difference, line.unit) if line.difference else "–",
            words.p_text(line.p) if line.p is not None else "–",
        ]
        for line in lines
    ]
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_text(cell) for cell in row)} |" for row in cells)


def _text(value: object) -> str:
    """Text from outside as text: no markup, no HTML, no second line."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", flat).replace("&", "&amp;")
