"""Metrics that Tunesmith does not bring."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.errors import BadInput
from trainer.evals.metrics.metric import Metric


def custom(name: str, arguments: Mapping[str, Any], allow_files: Path | None) -> Metric:
    from trainer.evals.metrics import METRICS

    said = f"There is no metric {name[:100]!r}."
    raise BadInput(said, fix=f"Known: {', '.join(METRICS)}.", code="bad_metric", param="metric")
