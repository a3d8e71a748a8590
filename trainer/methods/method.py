"""What a training method answers for: loading the base, making it trainable, and saving what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from trainer.methods.spec import RunSpec


class Stopped(Exception):
    """Training ended because it was asked to: `reason` is "cancel" or "pause"."""

    def __init__(self, reason: str, step: int = 0) -> None:
        super().__init__(reason, step)
        self.reason = reason
        self.step = step


class Method(Protocol):
    is_adapter: bool
    packs: bool  # several conversations may stand in one sequence, kept apart by their positions
    recomputes: bool  # activations may be recomputed instead of kept (gradient checkpointing)

    def reserved(self, spec: RunSpec) -> int:
        """Tokens of the base's context that the method takes for itself."""
        ...

    def remarks(self, model: Any, spec: RunSpec) -> dict[str, str]:
        """What a person should know of this method on this base, a sentence by its code."""
        ...

    def learning_rate(self, parameters: int) -> float:
        """The default for a base of this many parameters."""
        ...

    def load(self, base: str, spec: RunSpec, **options: Any) -> Any:
        """The base in the precision that this method trains in, on the device it trains on; `options` go to
        `load_model`."""
        ...

    def wrap(self, model: Any, spec: RunSpec, task_type: str = "CAUSAL_LM") -> Any:
        """The model with what is to be trained, and nothing else, requiring gradients."""
        ...

    def restore(self, model: Any, folder: Path) -> None:
        """Put weights that `model.save_pretrained(folder)` wrote back into the live model."""
        ...


def full_rate(parameters: int) -> float:
    """Default learning rate of full fine-tuning: 2e-5 at a billion parameters, larger for smaller models.

    The square root law is a rule of thumb; with LoRA's factor of ten it gives 4.5e-3 for the tiny base, where
    4e-3 was measured to work well, and 1e-4 to 2e-4 for 1–8 billion, which is what recipes use.
    """
    return min(1e-3, max(1e-5, 2e-5 * (1e9 / max(parameters, 1)) ** 0.5))


def precision(spec: RunSpec) -> str:
    """What a run computes in: "bf16" where CUDA has it, "fp16" on older GPUs, else "fp32"; or what the spec says."""
    import torch

    if not torch.cuda.is_available():
        return "fp32" if spec.precision == "auto" else spec.precision
    able = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return able if spec.precision == "auto" else spec.precision


def frozen_dtype(spec: RunSpec) -> Any:
    """The type of weights that stay as they are: the run's own precision."""
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision(spec)]


def load_model(base: str, dtype: Any, *, auto: str = "AutoModelForCausalLM", **options: Any) -> Any:
    """A model from a folder (never asking a hub) or a hub name; safetensors only. `auto` names transformers' class;
    attention is PyTorch's own wherever the family has it, unless `options` say otherwise."""
    import torch
    import transformers

    if torch.cuda.is_available():
        options.setdefault("device_map", {"": torch.cuda.current_device()})
    return getattr(transformers, auto).from_pretrained(
        base,
        dtype=dtype,
        local_files_only=Path(base).is_dir(),
        use_safetensors=True,
        trust_remote_code=False,
        **options,
    )
