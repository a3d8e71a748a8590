"""RunSpec: everything that decides a training run, as one frozen value that prints, saves and hashes."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MethodName = Literal["lora", "qlora", "full"]


class RunSpec(BaseModel):
    """One supervised fine-tuning run. Lengths are tokens; the batch is counted in (packed) sequences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: Annotated[str, Field(min_length=1, max_length=300)] = "tiny-base"
    method: MethodName = "lora"
    epochs: Annotated[float, Field(gt=0, le=100)] = 3
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None  # None: the method's default
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 8
    gradient_accumulation: Annotated[int, Field(ge=1, le=1024)] = 1
    max_length: Annotated[int, Field(ge=8, le=1_000_000)] | None = None  # None: the base's own, 2048 at most
    packing: bool = True
    scheduler: Literal["linear", "cosine", "constant"] = "cosine"
    warmup_ratio: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    lora_r: Annotated[int, Field(ge=1, le=1024)] = 16
    lora_alpha: Annotated[int, Field(ge=1, le=4096)] = 32
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: tuple[str, ...] | None = None  # None: every linear layer
    replay: Annotated[float, Field(ge=0, le=10)] = 0.0  # old-task rows per new row; 1.0 = as many old as new
    early_stopping_patience: Annotated[int, Field(ge=0, le=100)] = 3  # validations without gain; 0 = off
    evals_per_run: Annotated[int, Field(ge=1, le=200)] = 10
    checkpoints_kept: Annotated[int, Field(ge=1, le=50)] = 2
    save_every_s: Annotated[float, Field(gt=0)] = 30.0
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 17
    suffix: Annotated[str, Field(max_length=18, pattern=r"^[a-z0-9-]*$")] = ""

    def digest(self) -> str:
        """sha256 over the canonical JSON: what an approval is bound to."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
