"""The command line of an attempt: plain Python for one process, `accelerate launch` with a config of its own for
several."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from trainer.jobs.launchers.control import Control
from trainer.methods.ranks import share_of
from trainer.settings import Settings
from trainer.store.tables import Job
from trainer.types import JobKind

GIB = 1024**3
ASSUMED_GPU = 80 * GIB  # where the worker sees no GPU itself (a cluster's login node)
ROOM_FOR_BASE = 0.5  # of a GPU's memory; the rest is for activations, adapters and their optimizer
CHILD = "trainer.jobs.child"
STOP_S = 55  # for the other processes to follow, before accelerate's agent kills them


@dataclass(frozen=True, slots=True)
class Shape:
    """How many processes a run has, and whether each holds the whole model ("ddp") or a part of it ("fsdp")."""

    nodes: int = 1
    per_node: int = 1
    sharding: Literal["ddp", "fsdp"] = "ddp"

    @property
    def processes(self) -> int:
        return self.nodes * self.per_node


def shape_of(settings: Settings, job: Job) -> Shape:
    """Training spreads over what the settings name; everything else is one process. Refuses a batch that does not
    divide, before anything starts."""
    nodes, per_node = settings.nodes_per_run, settings.gpus_per_run
    if JobKind(job.kind) is not JobKind.TRAIN or job.queue != "gpu" or nodes * per_node == 1:
        return Shape()
    share_of(int(job.spec.get("batch_size", nodes * per_node)), nodes * per_node)
    return Shape(nodes, per_node, _sharding(settings.sharding, job))


def child(job_id: str, fence: int, parent: int) -> list[str]:
    """The trainer as one process; `parent` 0: nobody to die with."""
    return [sys.executable, "-P", "-m", CHILD, job_id, str(fence), str(parent)]


def accelerate(job_id: str, fence: int, config: Path) -> list[str]:
    """The trainer as the config's number of processes on this node. Options for several nodes go after the fifth
    word."""
    launch = [sys.executable, "-P", "-m", "accelerate.commands.launch", "--config_file", str(config)]
    return [*launch, "-m", CHILD, job_id, str(fence), "0"]


def environment() -> dict[str, str]:
    """What the processes under `accelerate launch` need besides what the worker has."""
    return {"PYTHONSAFEPATH": "1", "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(STOP_S)}


def write_config(shape: Shape, control: Control) -> Path:
    control.config.write_text(yaml.safe_dump(config(shape), sort_keys=False), encoding="utf-8")
    return control.config


def config(shape: Shape) -> dict[str, Any]:
    """accelerate's config file as a dict. What the arithmetic is done in, the run itself says."""
    told: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "FSDP" if shape.sharding == "fsdp" else "MULTI_GPU",
        "num_machines": shape.nodes,
        "num_processes": shape.processes,
        "machine_rank": 0,
        "main_training_function": "main",
        "mixed_precision": "no",
        "use_cpu": False,  # decided by each process: gloo where it sees no GPU
        "downcast_bf16": "no",
    }
    if shape.nodes == 1:
        told |= {"rdzv_backend": "static", "same_network": True, "main_process_port": 0}
    else:
        told |= {"rdzv_backend": "c10d", "same_network": False}
    if shape.sharding == "fsdp":
        told["fsdp_config"] = fsdp()
    return told


def fsdp() -> dict[str, Any]:
    """FSDP2, a unit per transformer block. Checkpoints and artifacts must be whole: the full state dict, by rank 0."""
    return {
        "fsdp_version": 2,
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_reshard_after_forward": True,
        "fsdp_offload_params": False,
        "fsdp_state_dict_type": "FULL_STATE_DICT",
        "fsdp_cpu_ram_efficient_loading": False,  # 4-bit weights do not survive it, and adapters start from the seed
        "fsdp_activation_checkpointing": False,  # the run's own gradient_checkpointing does it
    }


def _sharding(wanted: str, job: Job) -> Literal["ddp", "fsdp"]:
    """ "auto": adapters over a base that fits on one GPU are copied to each (less to send); the rest is sharded."""
    if wanted in ("ddp", "fsdp"):
        return wanted  # type: ignore[return-value]
    if job.spec.get("method", "lora") == "full":
        return "fsdp"
    size = weights_bytes(str(job.spec.get("base_location", "")))
    if job.spec.get("method") == "qlora":
        size //= 4
    return "ddp" if size <= ROOM_FOR_BASE * (smallest_gpu() or ASSUMED_GPU) else "fsdp"


def weights_bytes(base: str) -> int:
    """Size of a base's weight files; 0 where it is no folder here."""
    return sum(file.stat().st_size for file in Path(base).glob("*.safetensors")) if base.startswith("/") else 0


def smallest_gpu() -> int:
    """Bytes of the smallest GPU of this machine; 0 without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    query = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
        return min((int(line) * 1024**2 for line in done.stdout.split()), default=0)
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return 0
