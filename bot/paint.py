"""Pictures that messages ask for by kind and id, drawn from what the database knows at that moment."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from trainer.services import Services

Picture = tuple[bytes, str, str]  # png, alt text, file name


class Painter:
    def __init__(self, services: Services) -> None:
        self.services = services

    def __call__(self, wanted: dict[str, Any]) -> Picture | None:
        draw = {"loss": self._loss, "evaluation": self._evaluation, "mask": self._mask}[wanted["kind"]]
        return draw(wanted["id"])

    def _loss(self, job_id: str) -> Picture | None:
        """The loss curve of a job; None when there are too few points to draw."""
        train: list[tuple[float, float]] = []
        validation: list[tuple[float, float]] = []
        for data in self._progress(job_id):
            step = float(data.get("step") or 0)
            if data.get("stage") == "training" and data.get("loss") is not None:
                train.append((step, data["loss"]))
            if data.get("val_loss") is not None:
                validation.append((step, data["val_loss"]))
        if len(train) + len(validation) < 2:
            return None
        from bot.pictures import loss_curve

        return loss_curve(train, validation), _in_words(train, validation), "loss-curve.png"

    def _mask(self, job_id: str) -> Picture | None:
        """Which tokens of three rows a run would learn, as its preflight drew them."""
        shown = (self.services.jobs.get(job_id).result or {}).get("mask") or {}
        if not shown.get("sha256"):
            return None
        return self.services.blobs.get_bytes(shown["sha256"]), shown["alt"], "loss-mask.png"

    def _progress(self, job_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = 0
        while events := self.services.jobs.events(job_id, after=after):
            found += [e.data for e in events if e.type == "progress"]
            after = events[-1].seq
        return found

    def _evaluation(self, evaluation_id: str) -> Picture | None:
        """Everybody side by side; None where nothing was scored, or the report can be read no more."""
        from bot.pictures import DRAWING
        from tools.evaluation_report import figures
        from trainer.evals.report import chart, charts, described

        report = figures(self.services.models.evaluation(evaluation_id))
        if report is None or not charts.bars_of(report)[0]:
            return None
        with tempfile.TemporaryDirectory() as folder, DRAWING:
            png = chart(report, Path(folder) / "chart.png").read_bytes()
        return png, described(report), "comparison.png"


def _in_words(train: list[tuple[float, float]], validation: list[tuple[float, float]]) -> str:
    parts = []
    if train:
        parts.append(f"training loss from {train[0][1]:.3f} to {train[-1][1]:.3f}")
    if validation:
        parts.append(f"validation loss from {validation[0][1]:.3f} to {validation[-1][1]:.3f}")
    last = max(step for step, _ in [*train, *validation])
    return f"Line chart over {last:,.0f} steps: {'; '.join(parts)}."
