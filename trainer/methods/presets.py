"""Presets are data: `presets.yaml` names run specs, the guides' own among them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from trainer.errors import NotFound
from trainer.methods.spec import RunSpec


class Preset(BaseModel):
    """`spec` holds the values that differ from RunSpec's defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    about: str
    spec: dict[str, Any]

    def run_spec(self) -> RunSpec:
        return RunSpec(**self.spec)


@cache
def presets() -> dict[str, Preset]:
    """Every preset by name, in the file's order."""
    import yaml

    text = files("trainer.methods").joinpath("presets.yaml").read_text(encoding="utf-8")
    return {entry["name"]: Preset(**entry) for entry in yaml.safe_load(text)}


def load_preset(name: str) -> Preset:
    known = presets()
    if name not in known:
        raise NotFound(
            f"There is no preset {name[:40]!r}.",
            fix=f"Known: {', '.join(known)}.",
            code="unknown_preset",
            param="preset",
        )
    return known[name]
