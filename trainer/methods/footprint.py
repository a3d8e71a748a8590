"""What a run holds in memory at its peak, part by part. No torch. benchmarks/memory.py compares it with the truth.

The peak is the moment when the backward pass begins: all activations are kept, and the loss is worked out. Gradients
come only as activations go, so that they count with what they need beyond that room.
"""

from __future__ import annotations

from trainer.methods.shape import Shape
from trainer.methods.spec import RunSpec

CPU_TILE = 512  # tokens whose logits are made at once on a CPU (see kernels.small_tiles)
GPU_TILE = 4096  # TRL's own
TILE_COPIES = {"cpu": 8.5, "gpu": 1.5}  # of a tile while its loss is worked out; on CUDA one kernel does it in place
CPU_HEAP = 1.6  # measured: what the C library's heap takes for each byte of activations that is kept in it
PROCESS_BYTES = {"cpu": 700e6, "gpu": 1.2e9}  # libraries; on a GPU its context and allocator
QLORA_BYTES = 0.53  # a 4-bit weight with its doubly quantized scales
SINGLE_QLORA_BYTES = 0.5625  # … with plain scales
OPTIMIZER_BYTES = {"adamw": 8.0, "adamw_8bit": 2.1, "paged_adamw_8bit": 2.1}
VIRTUAL = ("prefix", "prompt", "p-tuning")


def trained_parameters(spec: RunSpec, shape: Shape) -> int:
    if spec.method == "full":
        return shape.parameters
    if spec.method == "ia3":
        return shape.ia3_parameters(spec.target_modules)
    if spec.method in VIRTUAL:
        return shape.virtual_parameters(spec.method, spec.virtual_tokens)
    return shape.lora_parameters(spec.lora_r, spec.target_modules, dora=spec.use_dora)


def memory_parts(spec: RunSpec, shape: Shape, trained: int, length: int, *, on_gpu: bool) -> dict[str, int]:
    """Bytes by part, for rows of `length` tokens; the parts' sum is the peak."""
    device = "gpu" if on_gpu else "cpu"
    half = spec.precision in ("bf16", "fp16") or (on_gpu and spec.precision == "auto")
    tokens = spec.batch_size * length * rows_per_example(spec)
    activations = kept(spec, shape, tokens, half=half) * (1.0 if on_gpu else CPU_HEAP)
    activations += passing(spec, shape, tokens, on_gpu=on_gpu)
    logits = logit_bytes(shape, tokens, device)
    return {
        name: int(size)
        for name, size in {
            "weights": weight_bytes(spec, shape, trained, half=half),
            "gradients": gradient_bytes(spec, shape, trained, room=activations + logits),
            "optimizer": OPTIMIZER_BYTES[spec.optimizer] * trained,
            "activations": activations,
            "logits": logits,
            "process": PROCESS_BYTES[device],
        }.items()
    }


def rows_per_example(spec: RunSpec) -> int:
    """Preference rows are read twice: the answer that was chosen, and the one that was not."""
    return 2 if spec.objective in ("dpo", "orpo") else 1


def weight_bytes(spec: RunSpec, shape: Shape, trained: int, *, half: bool) -> float:
    size = 2.0 if half else 4.0
    if spec.method == "full":
        copies = 2 if spec.objective in ("dpo", "kto") else 1  # a reference that stays as the base was
        return (4.0 * copies + (2.0 if half else 0.0)) * shape.parameters  # fp32, and what autocast makes of it
    if spec.method == "qlora":
        packed = QLORA_BYTES if spec.double_quantization else SINGLE_QLORA_BYTES
        frozen = shape.parameters - shape.linear_parameters  # kept in fp32 by PEFT's preparation of a 4-bit base
        return packed * shape.linear_parameters + 4.0 * frozen + 4.0 * trained
    return size * shape.parameters + 4.0 * trained


def gradient_bytes(spec: RunSpec, shape: Shape, trained: int, *, room: float) -> float:
    """The output layer's gradient comes before any activation goes; the optimizer takes two copies of the largest."""
    if spec.method != "full":
        return 4.0 * trained
    largest = 4.0 * shape.vocab * (shape.embedded or shape.hidden)
    return max(0.0 if shape.encoder else largest, 4.0 * trained + 2 * largest - room)


def kept(spec: RunSpec, shape: Shape, tokens: int, *, half: bool) -> float:
    """Activations that wait for the backward pass, per layer: what the two norms, attention and the feed-forward
    keep. In half precision norms keep fp32, and each adapter its own copy of what it was given."""
    if half:
        layer = 24.0 * shape.hidden + 2.0 * (2 * shape.attended + 2 * shape.kept) + 8.0 * shape.inner
    else:
        layer = 4.0 * (4 * shape.hidden + 5 * shape.attended + 4 * shape.inner)
    if spec.gradient_checkpointing and spec.method != "prefix":
        return tokens * (shape.layers * shape.hidden * (2.0 if half else 4.0) + layer)
    return tokens * shape.layers * layer


def passing(spec: RunSpec, shape: Shape, tokens: int, *, on_gpu: bool) -> float:
    """What comes and goes: a layer's gradients on their way, and on a 4-bit base the weights of one matrix unpacked."""
    through = tokens * 4.0 * (3 * shape.inner + 4 * shape.hidden)
    unpacked = 8.0 * max((a * b for a, b in shape.linears.values()), default=0) if spec.method == "qlora" else 0.0
    return through * (0.5 if on_gpu else 1.0) + unpacked


def logit_bytes(shape: Shape, tokens: int, device: str) -> float:
    if shape.encoder:
        return 0.0
    tile = min(tokens, GPU_TILE if device == "gpu" else CPU_TILE)
    return TILE_COPIES[device] * 4.0 * tile * shape.vocab
