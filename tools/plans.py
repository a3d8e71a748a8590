"""What is known of a run before anybody approves it, wherever it would run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trainer.bases import Base
from trainer.data.quality.counting import TokenCount
from trainer.methods.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Plan:
    """`tokens` are of the rows to train on, each read once. `covered` is what the approval of a hosted run binds beside
    the spec: provider, endpoint, hyperparameters, cost, notices."""

    base: Base
    estimate: Estimate
    tokens: TokenCount
    covered: dict[str, Any] = field(default_factory=dict)
