"""Reports as the database keeps them: figures in the row, answers in a blob, both perhaps from an older version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from trainer.errors import BadInput, NotFound
from trainer.evals.case import BASE, CANDIDATE, Answer
from trainer.evals.outcome import EvalReport, Row
from trainer.store.blobs import Blobs
from trainer.store.tables import Evaluation


def figures(row: Evaluation) -> EvalReport:
    """The report without its answers, the candidate called by its model's id. Raises BadInput where it is none."""
    return replace(EvalReport.from_dict(row.report | {"rows": []}), candidate=row.model_id)


def whole(row: Evaluation, blobs: Blobs) -> EvalReport:
    """The report with every answer; without them where they are gone. Raises BadInput where it is no report."""
    made, sha = figures(row), row.report.get("rows_sha256")
    if not sha:
        return made
    try:
        kept = msgspec.json.decode(blobs.get_bytes(sha))
    except (NotFound, msgspec.DecodeError):
        return made
    return replace(made, rows=rows_of(kept))


def rows_of(kept: Sequence[dict[str, Any]]) -> tuple[Row, ...]:
    """Rows as they were written down, by this version or by the one that knew two contestants only."""
    try:
        return msgspec.convert([_old(row) if "base_scores" in row else row for row in kept], tuple[Row, ...])
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise BadInput(f"The answers of this evaluation cannot be read: {error}.") from None


def _old(row: dict[str, Any]) -> dict[str, Any]:
    sides = {BASE: "base", CANDIDATE: "tuned"}
    return {
        "suite": row["suite"],
        "id": row["id"],
        "messages": [],
        "expected": row["expected"],
        "answers": {
            key: msgspec.to_builtins(Answer(row[old], cut=bool(row.get(f"{old}_cut")))) for key, old in sides.items()
        },
        "scores": {key: row[f"{old}_scores"] for key, old in sides.items()},
        "slices": {"slice": row["slice"]} if row.get("slice") else {},
    }
