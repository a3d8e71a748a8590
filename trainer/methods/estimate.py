"""What a run will take, before it is started: parameters exactly, time and memory by stated rules. No
torch."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Any

from trainer.errors import BadInput
from trainer.methods.spec import RunSpec

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
PROCESS_BYTES = {"cpu": 700e6, "gpu": 1.2e9}  # libraries; on a GPU its context and allocator
GUESS_PARAMETERS = 7e9
FULL_BINS = 0.95  # how full packing fills its sequences
LONGEST_DEFAULT = 2048
QLORA_BYTES = 0.53  # a 4-bit weight with its doubly quantized scales


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama-like model by its config.json. `linears` holds (inputs, outputs) of one layer's matrices by
    name."""

    layers: int
    hidden: int
    vocab: int
    context: int
    tied: bool
    linears: dict[str, tuple[int, int]]

    @property
    def linear_parameters(self) -> int:
        return self.layers * sum(a * b for a, b in self.linears.values())

    @property
    def parameters(self) -> int:
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        norms = (2 * self.layers + 1) * self.hidden
        return self.linear_parameters + embeddings + norms

    def lora_parameters(self, rank: int, targets: tuple[str, ...] | None) -> int:
        chosen = self.linears if targets is None else {k: v for k, v in self.linears.items() if k in targets}
        return self.layers * sum(rank * (a + b) for a, b in chosen.values())


@dataclass(frozen=True, slots=True)
class Estimate:
    """`memory` names its parts in bytes; `fits` is None where no GPU's memory is known."""

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


def shape_of(config: dict[str, Any]) -> Shape:
    """A config.json → Shape, or BadInput. Missing keys get transformers' defaults for Llama."""
    try:
        return _shape(config)
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise BadInput(
            f"The base's config.json has a size that is not a number ({error}).",
            fix="Copy the model's folder again, whole.",
            code="base_unreadable",
            param="base",
        ) from None


def _shape(config: dict[str, Any]) -> Shape:
    text = config.get("text_config") or config
    hidden = int(text.get("hidden_size") or 4096)
    heads = int(text.get("num_attention_heads") or 32)
    groups = int(text.get("num_key_value_heads") or heads)
    size = int(text.get("head_dim") or hidden // heads)
    mlp = int(text.get("intermediate_size") or 4 * hidden)
    return Shape(
        layers=int(text.get("num_hidden_layers") or 32),
        hidden=hidden,
        vocab=int(text.get("vocab_size") or 32_000),
        context=int(text.get("max_position_embeddings") or LONGEST_DEFAULT),
        tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
        linears={
            "q_proj": (hidden, heads * size),
            "k_proj": (hidden, groups * size),
            "v_proj": (hidden, groups * size),
            "o_proj": (heads * size, hidden),
            "gate_proj": (hidden, mlp),
            "up_proj": (hidden, mlp),
            "down_proj": (mlp, hidden),
        },
    )


def guessed_shape(base: str) -> tuple[Shape, str]:
    """A shape of about the size that the name tells (“…-8B…”), with the sentence that admits it."""
    told = re.search(r"(\d+(?:\.\d+)?)\s*([bBmM])(?![a-zA-Z])", base)
    size = float(told[1]) * (1e9 if told and told[2] in "bB" else 1e6) if told else GUESS_PARAMETERS
    hidden = max(64, round((size / (12 * 32)) ** 0.5 / 64) * 64)
    layers = max(1, round(size / (12 * hidden**2)))
    how = f"its name says {told[0]}" if told else "its name gives no size, so 7B was assumed"
    config = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, hidden // 64),
        "intermediate_size": round(8 / 3 * hidden),
        "vocab_size": 64_000 if size > 3e8 else 2_000,
    }
    return shape_of(config), f"The base's config cannot be read here; {how}."


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
    trained = total if spec.method == "full" else shape.lora_parameters(spec.lora_r, spec.target_modules)
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
    sequences = max(1, min(packed, all_rows) if spec.packing else all_rows)
    per_epoch = math.ceil(math.ceil(sequences / spec.batch_size) / spec.gradient_accumulation)
    return math.ceil(spec.epochs * per_epoch)


def flops_per_token(spec: RunSpec, shape: Shape) -> float:
    """Forward and backward, a tenth more for validation. A frozen base needs no weight gradients: 4 instead
    of 6 operations for each parameter; unpacking 4-bit weights costs about a third more."""
    used = shape.linear_parameters + shape.vocab * shape.hidden
    return 1.1 * used * {"full": 6.0, "qlora": 5.3}.get(spec.method, 4.0)


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


def memory_parts(spec: RunSpec, shape: Shape, trained: int, length: int, *, on_gpu: bool) -> dict[str, int]:
    """Bytes by part. Activations: about 17 values per token, layer and hidden unit, as nothing is
    recomputed, and the logits of one chunk."""
    half = 2 if on_gpu else 4
    frozen = shape.parameters - shape.linear_parameters
    weights = {
        "full": 4.0 * shape.parameters,
        "lora": half * shape.parameters + 4.0 * trained,
        "qlora": QLORA_BYTES * shape.linear_parameters + half * frozen + 4.0 * trained,
    }[spec.method]
    batch = spec.batch_size * length
    parts = {
        "weights": weights,
        "gradients": 4.0 * trained,
        "optimizer": 8.0 * trained,
        "activations": 17.0 * half * batch * shape.hidden * shape.layers,
        "logits": 8.0 * min(batch, 1024) * shape.vocab,
        "process": PROCESS_BYTES["gpu" if on_gpu else "cpu"],
    }
    return {name: int(size) for name, size in parts.items()}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
