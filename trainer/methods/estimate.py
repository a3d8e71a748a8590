"""What a run will take, before it is started: parameters exactly, time and memory by stated rules. No
torch."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

from trainer.methods.families import guessed_shape, shape_of
from trainer.methods.footprint import VIRTUAL, memory_parts, trained_parameters
from trainer.methods.shape import LONGEST_DEFAULT, Shape
from trainer.methods.spec import RunSpec

__all__ = ["Estimate", "Shape", "count_steps", "estimate", "guessed_shape", "memory_parts", "shape_of", "throughput"]

# Dense bf16 matrix rates. H100 and H200: measured. Others: vendors' figures, which real kernels do not reach.
GPU_FLOPS = {
    "H200": 790e12,
    "H100": 790e12,
    "A100": 312e12,
    "L40": 181e12,
    "4090": 165e12,
    "A10": 125e12,
    "L4": 121e12,
    "T4": 65e12,
}
UNKNOWN_GPU_FLOPS = 60e12
GPU_SHARE = 0.35  # of that rate which a training step reaches; the best published 8B LoRA figure is near 0.5
CPU_CORE_FLOPS = 20e9  # measured: the tiny base's LoRA step on two cores of a shared machine
START_SECONDS = {"cpu": 15.0, "gpu": 45.0}  # importing, loading, tokenizing, saving
FULL_BINS = 0.95  # how full packing fills its sequences


@dataclass(frozen=True, slots=True)
class Estimate:
    """`memory` names its parts in bytes; `fits` is None where the memory here is not known. `room` says it in words,
    where somebody has asked."""

    total_params: int
    trainable_params: int
    steps: int
    tokens: int
    seconds: float
    memory: dict[str, int]
    memory_bytes: int
    cost_usd: float
    fits: bool | None
    basis: str
    room: str = ""


def estimate(
    spec: RunSpec,
    *,
    rows: int,
    tokens: int,
    base_config: dict[str, Any] | None,
    gpu: dict[str, Any] | None,
    gpu_hour_usd: float = 0.0,
    cores: int | None = None,
) -> Estimate:
    """`rows` and `tokens` are those of one epoch's new rows; `gpu` is {"name", "memory_bytes"} or None for
    CPU."""
    shape, admitted = (shape_of(base_config), "") if base_config else guessed_shape(spec.base)
    total = shape.parameters
    trained = trained_parameters(spec, shape)
    length = min(spec.max_length or LONGEST_DEFAULT, shape.context)
    epoch_tokens = math.ceil(tokens * (1 + spec.replay))
    steps = count_steps(spec, rows=rows, epoch_tokens=epoch_tokens, length=length)
    all_tokens = math.ceil(epoch_tokens * spec.epochs)
    rate, why = throughput(gpu, cores)
    seconds = START_SECONDS["gpu" if gpu else "cpu"] + flops_per_token(spec, shape) * all_tokens / rate
    memory = memory_parts(spec, shape, trained, length, on_gpu=gpu is not None)
    needed = sum(memory.values())
    return Estimate(
        total_params=total,
        trainable_params=trained,
        steps=steps,
        tokens=all_tokens,
        seconds=round(seconds, 1),
        memory=memory,
        memory_bytes=needed,
        cost_usd=round(seconds / 3600 * gpu_hour_usd, 4),
        fits=needed < 0.95 * gpu["memory_bytes"] if gpu and gpu.get("memory_bytes") else None,
        basis=" ".join(part for part in (admitted, why) if part),
    )


def count_steps(spec: RunSpec, *, rows: int, epoch_tokens: int, length: int) -> int:
    """Optimizer steps: of packed sequences where packing is on, else of rows."""
    all_rows = math.ceil(rows * (1 + spec.replay))
    packed = math.ceil(epoch_tokens / (length * FULL_BINS))
    packs = spec.packing and spec.objective == "supervised" and spec.method not in VIRTUAL
    sequences = max(1, min(packed, all_rows) if packs else all_rows)
    per_epoch = math.ceil(math.ceil(sequences / spec.batch_size) / spec.gradient_accumulation)
    return math.ceil(spec.epochs * per_epoch)


def flops_per_token(spec: RunSpec, shape: Shape) -> float:
    """Forward and backward, a tenth more for validation. A frozen base needs no weight gradients: 4 instead
    of 6 operations for each parameter; unpacking 4-bit weights costs about a third more, recomputed activations
    and a reference model's look another forward pass each."""
    used = shape.linear_parameters + (0 if shape.encoder else shape.vocab * (shape.embedded or shape.hidden))
    passes = {"full": 6.0, "qlora": 5.3}.get(spec.method, 4.0)
    passes += 2.0 * bool(spec.gradient_checkpointing) + 2.0 * (spec.objective in ("dpo", "kto"))
    return 1.1 * used * passes


def throughput(gpu: dict[str, Any] | None, cores: int | None = None) -> tuple[float, str]:
    """FLOP/s that training reaches here, and a sentence that says on what that is based."""
    if gpu is None:
        count = cores or _cores()
        rate = CPU_CORE_FLOPS * count
        return (
            rate,
            f"Time: {rate / 1e9:.0f} GFLOP/s on {count} CPU cores, measured with the tiny base (± half).",
        )
    name = str(gpu.get("name", ""))
    known = next((flops for key, flops in GPU_FLOPS.items() if key in name), None)
    rate = GPU_SHARE * (known or UNKNOWN_GPU_FLOPS)
    source = f"the rate of a {name}" if known else f"a modest GPU's rate, as “{name}” is not in the table"
    return rate, f"Time: {rate / 1e12:.0f} TFLOP/s, {GPU_SHARE:.0%} of {source}; not measured with this base."


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
