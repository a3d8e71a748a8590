"""Which models are relatives, by their names: a judge tends to like its own kind."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from trainer.evals.case import Contestant


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    table = json.loads(files("trainer.evals.judges").joinpath("families.json").read_text(encoding="utf-8"))
    return {family: re.compile(pattern) for family, pattern in table.items()}


def families(model: str) -> frozenset[str]:
    """All that the name tells: a DeepSeek distilled into a Qwen is both."""
    name = model[:300].lower()
    return frozenset(family for family, pattern in _patterns().items() if pattern.search(name))


def kinship(judge: str, contestants: Sequence[Contestant]) -> list[str]:
    """A sentence for each relation that a reader must know of; none where the names tell of none."""
    own, told = families(judge), []
    for contestant in contestants:
        shared = sorted(own & families(contestant.model))
        if contestant.model == judge:
            told.append(f"The judge {judge} judges itself ({contestant.key}). Choose another one.")
        elif shared:
            told.append(
                f"Judges tend to prefer their own family: {judge} and {contestant.key} ({contestant.model}) are both "
                f"{shared[0]}. Choose a judge of another family, or trust people's votes."
            )
    if not told and not own and any(families(contestant.model) for contestant in contestants):
        told.append(f"The name {judge} tells no family: make sure that it is not that of the models it judges.")
    return told
