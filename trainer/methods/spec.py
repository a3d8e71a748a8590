"""RunSpec: everything that decides a training run, as one frozen value that prints, saves and hashes."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ProviderName = Literal["local", "openai"]
ObjectiveName = Literal["supervised", "dpo", "orpo", "kto", "classify"]
MethodName = Literal["lora", "qlora", "full", "ia3", "prefix", "prompt", "p-tuning"]
Share = Annotated[float, Field(ge=0, le=1)]

Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=500)]


BESIDE = ("base_location", "gate", "registered")  # what a training job's spec holds beside the run itself


class Generation(BaseModel):
    """How the tuned model is meant to be asked; written beside its weights, and never used to judge it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_new_tokens: Annotated[int, Field(ge=1, le=100_000)] = 256
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0


class RunSpec(BaseModel):
    """One training run. Lengths are tokens; the batch is counted in (packed) sequences. What is None is chosen when
    the run is made, by rules that the run's card then tells."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # what and where
    base: Annotated[str, Field(min_length=1, max_length=300)] = "tiny-base"
    provider: ProviderName = "local"
    objective: ObjectiveName = "supervised"
    method: MethodName = "lora"
    suffix: Annotated[str, Field(max_length=18, pattern=r"^[a-z0-9-]*$")] = ""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 17

    # rows
    template: Literal["base", "instruction"] = "base"  # instruction: “### Instruction: … ### Response: …”
    max_length: Annotated[int, Field(ge=8, le=1_000_000)] | None = None  # None: the base's own, 2048 at most
    packing: bool = True
    replay: Annotated[float, Field(ge=0, le=10)] = 0.0  # old-task rows per new row; 1.0 = as many old as new
    replay_dataset: Annotated[str, Field(max_length=80)] | None = None  # a dataset's id; None: the base's own rows

    # steps
    epochs: Annotated[float, Field(gt=0, le=100)] = 3
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 8
    gradient_accumulation: Annotated[int, Field(ge=1, le=1024)] = 1
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None  # None: the method's default
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=100)] | None = None  # a hosted provider's word for it
    scheduler: Literal["linear", "cosine", "constant"] = "cosine"
    warmup_ratio: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    warmup_steps: Annotated[int, Field(ge=0, le=1_000_000)] | None = None  # instead of the ratio
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    weight_decay: Share = 0.0
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit"] = "adamw"
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    gradient_checkpointing: bool | None = None  # None: only where memory asks for it

    # adapters
    lora_r: Annotated[int, Field(ge=1, le=1024)] = 16
    lora_alpha: Annotated[int, Field(ge=1, le=4096)] = 32
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    lora_bias: Literal["none", "all", "lora_only"] = "none"
    use_rslora: bool = False
    use_dora: bool = False
    target_modules: Names | None = None  # None: every linear layer of the model
    quantization: Literal["nf4", "fp4"] = "nf4"
    double_quantization: bool = True
    virtual_tokens: Annotated[int, Field(ge=1, le=1024)] = 20  # of prefix, prompt and p-tuning

    # preference
    beta: Annotated[float, Field(gt=0, le=10)] = 0.1  # how far the answers may move from the base's (DPO, KTO, ORPO)

    # watching
    early_stopping_patience: Annotated[int, Field(ge=0, le=100)] = 3  # validations without gain; 0 = off
    evals_per_run: Annotated[int, Field(ge=1, le=200)] = 10
    log_every_steps: Annotated[int, Field(ge=1, le=10_000)] = 1
    save_every_s: Annotated[float, Field(gt=0)] = 30.0
    save_every_steps: Annotated[int, Field(ge=1, le=1_000_000)] | None = None  # besides the clock
    save_every_epoch: bool = False
    checkpoints_kept: Annotated[int, Field(ge=1, le=50)] = 2
    max_hours: Annotated[float, Field(gt=0, le=10_000)] | None = None  # then the run ends with its best weights

    generation: Generation = Generation()

    def digest(self) -> str:
        """sha256 over the canonical JSON: what an approval is bound to."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
