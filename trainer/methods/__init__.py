"""How models are trained. `METHODS` is the visible table; a method is one small file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trainer.errors import BadInput

if TYPE_CHECKING:
    from trainer.methods.method import Method

METHODS: dict[str, str] = {
    "lora": "trainer.methods.lora:Lora",
    "qlora": "trainer.methods.qlora:QLora",
    "full": "trainer.methods.full:Full",
}


def resolve(name: str) -> Method:
    """Name → method."""
    if name not in METHODS:
        raise BadInput(
            f"I don't know a training method called “{name[:40]}”.",
            fix=f"Known: {', '.join(METHODS)}.",
            code="unknown_method",
            param="method",
        )
    module, _, cls = METHODS[name].partition(":")
    return getattr(import_module(module), cls)()
