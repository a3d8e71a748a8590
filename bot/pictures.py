"""Pictures for messages, drawn with matplotlib at the moment of use: readable without colour, described in words."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import Any

DRAWING = threading.Lock()  # matplotlib's font cache is not safe between threads


def loss_curve(train: Sequence[tuple[float, float]], validation: Sequence[tuple[float, float]]) -> bytes:
    """Training loss as a thin line, validation loss as a dashed one with markers."""

    def draw(axes: Any) -> None:
        if train:
            axes.plot(*zip(*train, strict=True), linewidth=1.2, color="#4a6fa5", label="training")
        if validation:
            style = {"linestyle": "--", "marker": "o", "markersize": 4, "color": "#b0561d"}
            axes.plot(*zip(*validation, strict=True), **style, label="validation")
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats per token)")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)

    return _png(draw)


def _png(draw: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with DRAWING:
        figure = Figure(figsize=(7, 3.2), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        draw(axes)
        axes.grid(alpha=0.3)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        out = io.BytesIO()
        figure.savefig(out, format="png")
    return out.getvalue()
