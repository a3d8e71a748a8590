"""Will a serving engine take this adapter? Read from adapter_config.json alone; vLLM's rules, as of late 2026."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import BadInput

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM's --max-lora-rank can be
DEFAULT_RANK = 16
EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "word_embeddings")


@dataclass(frozen=True, slots=True)
class Note:
    """`level`: "refused" (vLLM will not load it as it is), "flag" (it will, with the option named) or "fine"."""

    level: str
    what: str
    fix: str = ""


def lint(folder: Path) -> list[Note]:
    """Every rule that matters for an adapter folder, worst first."""
    config = _config(folder)
    if config.get("peft_type") != "LORA":
        kind = str(config.get("peft_type", "?"))[:30]
        return [Note("refused", f"vLLM serves LoRA adapters only; this is {kind}.", "Serve it by Tunesmith's engine.")]
    notes = [*_rank(config), *_parts(config)]
    order = {"refused": 0, "flag": 1, "fine": 2}
    return sorted(notes, key=lambda note: order[note.level]) or [Note("fine", "vLLM takes this adapter.")]


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(
            "There is no adapter_config.json: these are full weights, which any engine loads as a model.",
            fix="Nothing has to be checked; export it with --as merged.",
            code="not_an_adapter",
        ) from None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise BadInput("The adapter_config.json cannot be read.", fix="Export the model again.", code="bad_adapter")
    return found


def _rank(config: dict[str, Any]) -> list[Note]:
    ranks = [config.get("r", 0), *(config.get("rank_pattern") or {}).values()]
    rank = max(int(r) for r in ranks)
    needed = next((r for r in RANKS if r >= rank), None)
    if needed is None:
        return [
            Note("refused", f"Rank {rank} is above vLLM's limit of {RANKS[-1]}.", "Merge it, or train a lower rank.")
        ]
    if needed > DEFAULT_RANK:
        return [Note("flag", f"Rank {rank} is above vLLM's default.", f"Start vLLM with --max-lora-rank {needed}.")]
    return []


def _parts(config: dict[str, Any]) -> list[Note]:
    found: list[Note] = []
    if config.get("use_dora"):
        found.append(Note("refused", "vLLM does not serve DoRA adapters.", "Export it merged."))
    if config.get("modules_to_save"):
        names = ", ".join(str(name)[:40] for name in config["modules_to_save"])
        found.append(Note("refused", f"It carries whole modules ({names}), which vLLM refuses.", "Export it merged."))
    if config.get("bias", "none") != "none":
        found.append(Note("refused", "It trained biases, which vLLM does not load.", "Export it merged."))
    targets = config.get("target_modules") or []
    touched = [name for name in EMBEDDINGS if not isinstance(targets, str) and name in targets]
    if touched:
        found.append(Note("flag", f"It adapts {', '.join(touched)}.", "Check that your vLLM supports that layer."))
    return found
