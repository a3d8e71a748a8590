"""The loss mask as a picture: each token in a box, the prompt pale, what is learned green and underlined, ends dark."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.methods.preflight.mask import ANSWER, END, GAP, PROMPT, Masked, Token

WIDE = 96  # letters in a line
LETTER_IN, LINE_IN = 0.086, 0.25  # inches that a letter takes along and a line takes down
POINTS = 10.5
LONGEST = 40  # letters of one token
INK = {PROMPT: "#6b7280", ANSWER: "#10331f", END: "#ffffff", GAP: "#6b7280"}
PAPER = {PROMPT: "#f1f2f4", ANSWER: "#c9ecd4", END: "#15693a", GAP: "#ffffff"}
LEGEND = (("prompt, no loss", PROMPT), ("answer, learned", ANSWER), ("end of turn, learned", END))


@dataclass(frozen=True, slots=True)
class Placed:
    text: str
    kind: str
    column: float
    line: float


def draw(rows: Sequence[Masked]) -> bytes:
    """A PNG of the rows, one below the other, with the legend on top."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    placed, heads, lines = _layout(rows)
    width, height = (WIDE + 4) * LETTER_IN, (lines + 1) * LINE_IN
    figure = Figure(figsize=(width, height), dpi=144, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-2, WIDE + 2)
    axes.set_ylim(lines + 0.5, -0.5)
    axes.axis("off")
    shown = _letters()
    for text, line in heads:
        axes.text(0, line + 0.5, text, fontsize=POINTS, fontweight="bold", color="#111827", va="center")
    for one in placed:
        _box(axes, one, shown)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _box(axes: Any, one: Placed, shown: frozenset[int]) -> None:
    from matplotlib.patches import FancyBboxPatch

    text = _drawable(one.text, shown)
    wide = len(text)
    if one.kind != GAP:
        shape = FancyBboxPatch(
            (one.column + 0.08, one.line + 0.1),
            wide + 0.55,
            0.78,
            boxstyle="round,pad=0,rounding_size=0.18",
            mutation_aspect=LETTER_IN / LINE_IN,
            linewidth=0,
            facecolor=PAPER[one.kind],
        )
        axes.add_patch(shape)
    if one.kind in (ANSWER, END):
        axes.plot([one.column + 0.2, one.column + wide + 0.5], [one.line + 0.93] * 2, color="#15693a", linewidth=1.4)
    style = {"fontstyle": "italic"} if one.kind == GAP else {}
    weight = "bold" if one.kind == END else "normal"
    axes.text(
        one.column + wide / 2 + 0.35,
        one.line + 0.49,
        text,
        family="DejaVu Sans Mono",
        fontsize=POINTS * 0.86,
        fontweight=weight,
        color=INK[one.kind],
        ha="center",
        va="center_baseline",
        parse_math=False,
        **style,
    )


def _layout(rows: Sequence[Masked]) -> tuple[list[Placed], list[tuple[str, float]], float]:
    """Where each token stands, the heads of the rows with their lines, and how many lines there are."""
    shown = _letters()
    placed, column = [], 0.0
    for text, kind in LEGEND:
        placed.append(Placed(text, kind, column, 0.0))
        column += len(text) + 3.0
    heads: list[tuple[str, float]] = []
    line = 1.7
    for number, row in enumerate(rows, 1):
        share = row.learned / max(row.count, 1)
        heads.append((f"Row {number}: {row.learned:,} of {row.count:,} tokens are learned ({share:.0%})", line))
        line += 1.15
        column = 0.0
        for token in _short(row.tokens):
            wide = len(_drawable(token.text, shown)) + 0.8
            if column + wide > WIDE and column:
                column, line = 0.0, line + 1.12
            placed.append(Placed(token.text, token.kind, column, line))
            column += wide
        line += 1.75
    return placed, heads, line - 0.6


def _short(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        long = token.kind != GAP and len(token.text) > LONGEST
        text = f"… {token.text} …" if token.kind == GAP else f"{token.text[: LONGEST - 1]}…" if long else token.text
        yield Token(text, token.kind)


def _letters() -> frozenset[int]:
    """What the font can draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans Mono"))).get_charmap())


def _drawable(text: str, shown: frozenset[int]) -> str:
    return "".join(letter if ord(letter) in shown else f"\\u{ord(letter):04x}" for letter in text)
