"""What this machine trains on, and what a base's config says; read without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from trainer.bases import TINY, Base
from trainer.errors import BadInput
from trainer.inference.tiny_recipe import RECIPE

QUERY = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]


@lru_cache(maxsize=1)
def gpu_of_this_machine() -> dict[str, Any] | None:
    """{"name", "memory_bytes"} of the first NVIDIA GPU, or None."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        done = subprocess.run([tool, *QUERY], capture_output=True, text=True, timeout=10, check=True)
        name, mebibytes = done.stdout.splitlines()[0].rsplit(",", 1)
        return {"name": name.strip(), "memory_bytes": int(mebibytes) * 1024 * 1024}
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None


def cpu_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def base_config(base: Base) -> dict[str, Any] | None:
    """The base's config.json; of the tiny base also before it is built; None where there is none here."""
    folder = base.folder
    if folder is not None and (folder / "config.json").is_file():
        return _read(folder / "config.json", base)
    if base.name == TINY:
        return RECIPE.llama_config()
    return None


def _read(path: Path, base: Base) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(config, dict):
            return config
    except (OSError, ValueError):
        pass
    raise BadInput(
        f"The config.json of base model {base.name} is not a JSON object.",
        fix="Copy the model's folder again, whole.",
        code="base_unreadable",
        param="base",
    )
