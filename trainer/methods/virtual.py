"""What prefix, prompt and p-tuning share: virtual tokens that are learned stand before every conversation, once."""

from __future__ import annotations

from typing import Any

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
