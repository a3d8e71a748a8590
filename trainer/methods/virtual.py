"""What prefix, prompt and p-tuning share: virtual tokens that are learned stand before every conversation, once."""

from __future__ import annotations

from typing import Any

from trainer.errors import BadInput
from trainer.methods.adapter import Adapter
from trainer.methods.spec import RunSpec


class VirtualTokens(Adapter):
    packs = False  # they stand before a sequence once, so a sequence may hold one conversation only

    def reserved(self, spec: RunSpec) -> int:
        return spec.virtual_tokens

    def remarks(self, model: Any, spec: RunSpec) -> dict[str, str]:
        if not spec.packing:
            return {}
        told = f"Nothing is packed: method {spec.method} puts its virtual tokens before every conversation."
        return {"not_packed": told}

    def load(self, base: str, spec: RunSpec, **options: Any) -> Any:
        from pathlib import Path

        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(base, local_files_only=Path(base).is_dir(), trust_remote_code=False)
        check_room(getattr(config, "max_position_embeddings", None), spec)
        return super().load(base, spec, **options)


def check_room(context: int | None, spec: RunSpec) -> None:
    """Virtual tokens and rows share the base's context (in tokens; None: not told)."""
    if not context or (spec.max_length or 1) + spec.virtual_tokens <= context:
        return
    room = context - spec.virtual_tokens
    told = f"max_length {spec.max_length} and {spec.virtual_tokens}" if spec.max_length else f"{spec.virtual_tokens}"
    raise BadInput(
        f"{told} virtual tokens do not fit the base's context of {context} tokens.",
        fix=f"Set max_length to {room} or less." if room >= 8 else "Use fewer virtual_tokens.",
        code="context_too_small",
        param="max_length" if room >= 8 else "virtual_tokens",
    )
