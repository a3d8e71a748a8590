"""The artifact's papers: card.json for programs, README.md for people."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from trainer.methods.fits import VIRTUAL
from trainer.methods.spec import RunSpec

LIBRARIES = ("torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "datasets", "tokenizers")
EDGE = 1024 * 1024
NAMES = {"lora": "LoRA", "qlora": "QLoRA", "prefix": "prefix tuning", "prompt": "prompt tuning", "p-tuning": "p-tuning"}


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


def revision(base: str) -> str:
    """Which state of the base this was: the hub's commit where its config or its cache folder names one, else the
    fingerprint."""
    try:
        told = json.loads((Path(base) / "config.json").read_text(encoding="utf-8")).get("_commit_hash")
    except (OSError, ValueError, AttributeError):
        told = None
    if told:
        return str(told)
    folder = Path(base)
    return folder.name if folder.parent.name == "snapshots" else _of_hub(base) or fingerprint(base)


def _of_hub(base: str) -> str | None:
    """The commit of a hub name whose files are in the hub's cache."""
    if Path(base).is_dir():
        return None
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(base, "config.json")
    except (ImportError, ValueError):
        return None
    return Path(found).parent.name if isinstance(found, str) else None


def git_commit() -> str | None:
    """The commit of the checkout that runs, with “-dirty” behind it where files differ; None where it is none."""
    here = Path(__file__).parent
    ask = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        told = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
        tracked = subprocess.run(
            ["git", "-C", str(here), "ls-files", "card.py"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told if tracked.stdout.strip() and told else None


def trainable(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """How much of the model was trained; `parameters` and `trainable_parameters` are the run's."""
    learned, of = metrics.get("trainable_parameters"), metrics.get("parameters")
    if learned is None or not of:
        return None
    return {"parameters": learned, "of": of, "percent": round(100 * learned / of, 4)}


def write(folder: Path, spec: RunSpec, *, base: str, metrics: dict[str, Any], extra: dict[str, Any]) -> None:
    """card.json and README.md; `extra` is the caller's (dataset: {sha256 …}, job id …) and cannot shadow our
    keys."""
    card = {
        **extra,
        "spec": spec.model_dump(mode="json"),
        "spec_digest": spec.digest(),
        "base": {"name": spec.base, "location": base, "fingerprint": fingerprint(base), "revision": revision(base)},
        "is_adapter": spec.method != "full",
        "trainable": trainable(metrics),
        "seed": spec.seed,
        "libraries": versions(),
        "git_commit": git_commit(),
        "metrics": metrics,
        "made_at": int(time.time()),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_prose(spec, metrics, extra), encoding="utf-8")


def _prose(spec: RunSpec, metrics: dict[str, Any], extra: dict[str, Any]) -> str:
    dataset = extra.get("dataset", {}).get("sha256")
    learned = trainable(metrics)
    lines = [
        f"# {spec.base} · {spec.method}{' · ' + spec.suffix if spec.suffix else ''}",
        "",
        f"{_kind(spec)} for the base model `{spec.base}`, trained by Tunesmith.",
        "",
        f"- parameters trained: {learned['parameters']:,} of {learned['of']:,} ({learned['percent']:g} %)"
        if learned
        else "- parameters trained: not recorded",
        f"- rows learned from: {metrics.get('rows', '?')} (of these replayed from old tasks: "
        f"{metrics.get('replay_rows', 0)})",
        f"- truncated rows: {metrics.get('truncated_rows', 0)}, dropped rows: {metrics.get('dropped_rows', 0)}",
        f"- validation loss: {_loss(metrics.get('first_val_loss'))} → {_loss(metrics.get('best_val_loss'))}, "
        f"best at step {metrics.get('best_step', '?')} of {metrics.get('steps', '?')}",
        *(
            [f"- accuracy {metrics['accuracy']:.1%}, macro F1 {metrics['macro_f1']:.3f}"]
            if "accuracy" in metrics
            else []
        ),
        f"- tokens trained: {metrics.get('trained_tokens', '?')}",
        f"- dataset sha256: {dataset}" if dataset else "- dataset sha256: not recorded",
        "",
        "Whether it is better than what it replaces is for the evaluation to say, not for this page. The "
        "whole specification, seeds and library versions are in `card.json`.",
    ]
    return "\n".join(lines) + "\n"


def _kind(spec: RunSpec) -> str:
    """What lies in the folder, in words."""
    if spec.method == "full":
        return "Full weights"
    if spec.method in VIRTUAL:
        return f"{spec.virtual_tokens} virtual tokens ({NAMES[spec.method]})"
    if spec.method == "ia3":
        return "An IA3 adapter"
    extras = [word for word, on in (("rsLoRA", spec.use_rslora), ("DoRA", spec.use_dora)) if on]
    return f"A {NAMES[spec.method]} adapter ({', '.join([f'rank {spec.lora_r}', *extras])})"


def _loss(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"
