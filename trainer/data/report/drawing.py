"""How long the answers are, as an inline SVG with its words beside it."""

from __future__ import annotations

from typing import Any

WIDTH, HEIGHT, FOOT = 640, 200, 24


def histogram(stats: dict[str, Any]) -> str:
    """The figure with a text alternative and a caption; "" where there is nothing to draw."""
    drawn, chars = stats.get("answer_histogram"), stats.get("answer_chars")
    if not drawn or not chars or not max(drawn["counts"], default=0):
        return ""
    first = next(i for i, count in enumerate(drawn["counts"]) if count)
    edges, counts = drawn["edges"][first:], drawn["counts"][first:]
    said = (
        f"Answers have {chars['p50']:,} characters in the middle, from {chars['min']:,} to {chars['max']:,}; "
        f"nine of ten have at most {chars['p90']:,}."
    )
    bars = "".join(_bar(i, count, counts, edges) for i, count in enumerate(counts))
    ends = (
        f'<text x="0" y="{HEIGHT + FOOT - 6}">{edges[0]:,}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + FOOT - 6}" text-anchor="end">{edges[-1]:,} and more characters</text>'
    )
    return (
        f'<h2>Answer lengths</h2><figure><svg viewBox="0 0 {WIDTH} {HEIGHT + FOOT}" role="img" aria-label="{said}">'
        f"{bars}{ends}</svg><figcaption>{said}</figcaption></figure>"
    )


def _bar(i: int, count: int, counts: list[int], edges: list[int]) -> str:
    step = WIDTH / len(counts)
    height = HEIGHT * count / max(counts)
    return (
        f'<rect x="{i * step:.1f}" y="{HEIGHT - height:.1f}" width="{step * 0.92:.1f}" height="{height:.1f}">'
        f"<title>{edges[i]:,} to {edges[i + 1]:,} characters: {count:,} rows</title></rect>"
    )
