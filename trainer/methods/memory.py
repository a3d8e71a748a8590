"""Memory of a run that is about to step: whether activations must be recomputed, and what to do when it ran out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.errors import BadInput
from trainer.methods.preflight.fit import free_ram
from trainer.methods.spec import RunSpec

if TYPE_CHECKING:
    from trainer.methods.run import Run

SPARE = 0.9  # of what is free may be planned with
GIB = 1024**3
RAN_OUT = ("can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def ran_out(error: BaseException) -> bool:
    """Whether an exception says that memory is full, of the accelerator or of this process."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in RAN_OUT)


def must_recompute(run: Run) -> bool:
    """Whether activations are recomputed in the backward pass: as the spec says, else where the estimate says that
    keeping them does not fit beside the weights, which are loaded by now."""
    spec = run.spec
    if not run.method.recomputes:
        return False
    if spec.gradient_checkpointing is not None:
        return spec.gradient_checkpointing
    if run.steward.state.spared:
        return True
    needed, free = _still_needed(run), free_bytes()
    if needed is None or free is None or needed < SPARE * free:
        return False
    run.steward.note(
        "recompute",
        f"Activations are recomputed, which costs about a third more time: keeping them would need "
        f"{needed / GIB:.1f} GiB, and {free / GIB:.1f} GiB are free.",
    )
    return True


def _still_needed(run: Run) -> float | None:
    """Bytes that the first steps will add, by the estimate; None for a base whose shape it cannot read."""
    import torch

    from trainer.methods.estimate import memory_parts, shape_of

    try:
        shape = shape_of(run.model.config.to_dict())
    except BadInput:
        return None
    length, trained = run.metrics.get("max_length") or shape.context, run.metrics["trainable_parameters"]
    mine = run.spec.model_copy(update={"batch_size": run.batch_size})  # of several processes, this one's share
    parts = memory_parts(mine, shape, trained, length, on_gpu=torch.cuda.is_available())
    return sum(parts[name] for name in ("gradients", "optimizer", "activations", "logits") if name in parts)


def free_bytes() -> int | None:
    """What the accelerator, else this machine or its container, has left."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    return free_ram()


def spared(batch_size: int) -> int:
    """The batch after memory ran out: the largest divisor up to half of it, so that the effective batch stays equal."""
    return next((size for size in range(batch_size // 2, 0, -1) if batch_size % size == 0), 1)


def can_spare(spec: RunSpec, recomputing: bool) -> bool:
    """Whether a second try would need less than the first."""
    return spec.batch_size > 1 or (not recomputing and spec.gradient_checkpointing is None)


def told_of_retry(spec: RunSpec, step: int) -> str:
    size = spared(spec.batch_size)
    again = f"from step {step}" if step else "from the start"
    return (
        f"Memory ran out: trying once more {again} with batches of {size} instead of {spec.batch_size}, "
        f"{spec.batch_size // size} times as many for each step, so that the steps stay the same."
    )


def refusal(spec: RunSpec, *, tried_less: bool) -> BadInput:
    import torch

    whose: Any = "The GPU's memory" if torch.cuda.is_available() else "This machine's memory"
    tried = f"with batches of {spared(spec.batch_size)} too" if tried_less else f"at batch size {spec.batch_size}"
    return BadInput(
        f"{whose} is too small for this run ({tried}).",
        fix="Lower max_length or batch_size, or use method qlora, which holds the base in 4 bits.",
        code="out_of_memory",
        param="batch_size",
    )
