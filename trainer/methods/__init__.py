"""How models are trained: what changes in the base (`METHODS`) and what it is taught by (`OBJECTIVES`). Both tables are
visible; a method or an objective is one small file and one line here."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from trainer.errors import BadInput

if TYPE_CHECKING:
    from trainer.methods.method import Method
    from trainer.methods.objectives.objective import Objective

METHODS: dict[str, str] = {
    "lora": "trainer.methods.lora:Lora",
    "qlora": "trainer.methods.qlora:QLora",
    "full": "trainer.methods.full:Full",
    "ia3": "trainer.methods.ia3:IA3",
    "prefix": "trainer.methods.prefix:Prefix",
    "prompt": "trainer.methods.prompt:Prompt",
    "p-tuning": "trainer.methods.p_tuning:PTuning",
}
OBJECTIVES: dict[str, str] = {
    "supervised": "trainer.methods.objectives.supervised:Supervised",
    "dpo": "trainer.methods.objectives.dpo:Dpo",
    "orpo": "trainer.methods.objectives.orpo:Orpo",
    "kto": "trainer.methods.objectives.kto:Kto",
    "classify": "trainer.methods.objectives.classify:Classify",
}


def resolve(name: str) -> Method:
    """Name → method."""
    return _look_up(METHODS, name, "method")


def resolve_objective(name: str) -> Objective:
    """Name → objective."""
    return _look_up(OBJECTIVES, name, "objective")


def known(table: dict[str, str], name: str, noun: str) -> None:
    """Raises BadInput for a name that the table does not have."""
    if name not in table:
        raise BadInput(
            f"I don't know a training {noun} called “{name[:40]}”.",
            fix=f"Known: {', '.join(table)}.",
            code=f"unknown_{noun}",
            param=noun,
        )


def _look_up(table: dict[str, str], name: str, noun: str) -> Any:
    known(table, name, noun)
    return resolve_name(table[name])()
