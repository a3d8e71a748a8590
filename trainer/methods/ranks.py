"""One run on several processes: who am I, and how do we stay of one mind? Alone, every answer is the simple one."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from trainer.errors import BadInput

Value = TypeVar("Value")
PATIENCE = timedelta(hours=2)  # while rank 0 lays out files or stores a checkpoint, the others wait
PEER_GONE = ("closed by peer", "reset by peer", "NCCL", "gloo", "Broken pipe")


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """True in the one process that writes events, checkpoints and the artifact."""
    return rank() == 0


def share_of(batch_size: int, processes: int) -> int:
    """A process's part of the batch: the spec's batch is the whole run's, so that results do not depend on how many
    processes there were. Raises BadInput where it does not divide."""
    if batch_size % processes == 0:
        return batch_size // processes
    above = -(-batch_size // processes) * processes
    raise BadInput(
        f"A batch of {batch_size} cannot be shared by {processes} processes.",
        fix=f"Set batch_size to a multiple of {processes}, {above} for example, or ask for fewer GPUs per run.",
        code="batch_does_not_divide",
        param="batch_size",
    )


def agree(value: Value) -> Value:
    """What rank 0 gave, in every process; all of them must ask, in the same order. Anything that pickles."""
    if not _together():
        return value
    import torch.distributed as dist

    box: list[Any] = [value]
    dist.broadcast_object_list(box, src=0, device=_device())
    return box[0]


def gather(value: Value) -> list[Value]:
    """What each process gave, by rank, in every process; all of them must ask, in the same order."""
    if not _together():
        return [value]
    import torch.distributed as dist

    box: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(box, value)
    return box


def barrier() -> None:
    """Go on when every process has come here."""
    if _together():
        agree(None)


def join() -> None:
    """Meet the other processes (gloo on CPUs, nccl on GPUs); each takes the GPU of its place on the node."""
    if world_size() == 1 or _together():
        return
    import torch
    from accelerate import PartialState

    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    PartialState(cpu=not cuda, timeout=PATIENCE)


def lost_a_peer(error: Exception) -> bool:
    """Whether another process of this run is gone, which is for that one to explain."""
    return world_size() > 1 and any(sign in str(error) for sign in PEER_GONE)


def save(model: Any, folder: Path) -> None:
    """`model.save_pretrained(folder)` by rank 0, with weights put together first where they are in shards.

    Every process must call it.
    """
    state = _whole(model) if is_sharded(model) else None
    if is_main():
        model.save_pretrained(folder, **({"state_dict": state} if state is not None else {}))
    barrier()


def shards() -> bool:
    """Whether the launcher asked for FSDP: the weights are going to be cut up between the processes."""
    return world_size() > 1 and os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"


def storage_dtype(computes_in: Any) -> Any:
    """What 4-bit weights are stored as: bytes, or, where FSDP cuts them up, the type that the run computes in, as it
    cuts only tensors of floating point numbers."""
    import torch

    return computes_in if shards() else torch.uint8


def is_sharded(model: Any) -> bool:
    """Whether each process holds only a part of the weights (FSDP2's DTensors)."""
    tensor = sys.modules.get("torch.distributed.tensor")
    return tensor is not None and any(isinstance(p, tensor.DTensor) for p in model.parameters())


def _whole(model: Any) -> dict[str, Any]:
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    return get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))


def _together() -> bool:
    dist = sys.modules.get("torch.distributed")
    return dist is not None and dist.is_available() and dist.is_initialized()


def _device() -> Any:
    import torch

    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
