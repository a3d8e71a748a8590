"""The artifact's papers: card.json for programs, README.md for people."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from trainer.methods.spec import RunSpec

LIBRARIES = ("torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "datasets", "tokenizers")
EDGE = 1024 * 1024


def fingerprint(base: str) -> str:
    """sha256 over what makes a base folder that base: its config and tokenizer in full, its weight files by
    name, size and their first and last MiB. A hub name stands for itself."""
    folder = Path(base)
    if not folder.is_dir():
        return hashlib.sha256(base.encode()).hexdigest()
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".jinja", ".safetensors", ".model"):
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(_edges(path))
    return digest.hexdigest()


def _edges(path: Path) -> bytes:
    with path.open("rb") as handle:
        head = handle.read(EDGE)
        if path.suffix != ".safetensors":
            return head + handle.read()
        handle.seek(max(len(head), path.stat().st_size - EDGE))
        return head + handle.read()


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write(folder: Path, spec: RunSpec, *, base: str, metrics: dict[str, Any], extra: dict[str, Any]) -> None:
    """card.json and README.md; `extra` is the caller's (dataset: {sha256 …}, job id …) and cannot shadow our
    keys."""
    card = {
        **extra,
        "spec": spec.model_dump(mode="json"),
        "spec_digest": spec.digest(),
        "base": {"name": spec.base, "location": base, "fingerprint": fingerprint(base)},
        "is_adapter": spec.method != "full",
        "seed": spec.seed,
        "libraries": versions(),
        "metrics": metrics,
        "made_at": int(time.time()),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_prose(spec, metrics, extra), encoding="utf-8")


def _prose(spec: RunSpec, metrics: dict[str, Any], extra: dict[str, Any]) -> str:
    kind = "Full weights" if spec.method == "full" else f"A {spec.method} adapter (rank {spec.lora_r})"
    dataset = extra.get("dataset", {}).get("sha256")
    lines = [
        f"# {spec.base} · {spec.method}{' · ' + spec.suffix if spec.suffix else ''}",
        "",
        f"{kind} for the base model `{spec.base}`, trained by Tunesmith.",
        "",
        f"- rows learned from: {metrics.get('rows', '?')} (of these replayed from old tasks: "
        f"{metrics.get('replay_rows', 0)})",
        f"- truncated rows: {metrics.get('truncated_rows', 0)}, dropped rows: {metrics.get('dropped_rows', 0)}",
        f"- validation loss: {_loss(metrics.get('first_val_loss'))} → {_loss(metrics.get('best_val_loss'))}, "
        f"best at step {metrics.get('best_step', '?')} of {metrics.get('steps', '?')}",
        f"- tokens trained: {metrics.get('trained_tokens', '?')}",
        f"- dataset sha256: {dataset}" if dataset else "- dataset sha256: not recorded",
        "",
        "Whether it is better than what it replaces is for the evaluation to say, not for this page. The "
        "whole specification, seeds and library versions are in `card.json`.",
    ]
    return "\n".join(lines) + "\n"


def _loss(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"
