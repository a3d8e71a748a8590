"""Which values to train with: measured from the dataset and the base, by stated rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.context import Context
from tools.datasets import pick_dataset
from tools.specs import given
from tools.training import plan, spec_of
from trainer.advice.hyperparameters import Advised, Known, hyperparameters
from trainer.methods.estimate import LONGEST_DEFAULT
from trainer.methods.hardware import base_config
from trainer.methods.spec import RunSpec
from trainer.store.tables import Dataset


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`spec` is what was asked for with the advised values in it; what a person named stays as it was named."""

    dataset: Dataset
    spec: RunSpec
    advised: list[Advised]
    basis: str


def suggest(context: Context, dataset_id: str | None, overrides: dict[str, Any]) -> Suggestion:
    """Advise by what planning such a run counts of the train rows. Nothing is started, no test row is read."""
    dataset = pick_dataset(context, dataset_id)
    asked = given(overrides)
    wished = spec_of(context, dataset, overrides)
    planned = plan(context, dataset, wished)
    base, tokens = planned.base, planned.tokens
    parameters = planned.estimate.total_params
    config = base_config(base) or {}
    known = Known(
        rows=tokens.rows,
        tokens=tokens.total,
        p95=tokens.p95,
        longest=tokens.longest,
        parameters=parameters,
        context=int(config.get("max_position_embeddings") or LONGEST_DEFAULT),
        method=wished.method,
        objective=wished.objective,
        replay=base.carried("replay.jsonl") is not None or base.name == "tiny-base",
    )
    advised = [one for one in hyperparameters(known) if one.name not in asked]
    spec = spec_of(context, dataset, asked | {one.name: one.value for one in advised})
    basis = f"{tokens.rows:,} train rows, {tokens}; {base.name} with {parameters:,} parameters."
    return Suggestion(dataset, spec, advised, basis)
