"""Recipes are data: `<name>.yaml` tells, `<name>.jsonl` holds rows of our own making to begin with."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from trainer.errors import BadInput, NotFound
from trainer.methods.spec import RunSpec

AT_TERMINAL = ("base", "method", "epochs", "learning_rate", "replay", "batch_size", "max_length", "lora_r", "suffix")
ROOM = "trainer.data.recipes"


class Claim(BaseModel):
    """What the guide says that tuning brings: shares from 0 to 1, never measured by us."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    before: float | None = None
    after: float | None = None
    model: str  # the guide's choice of base
    note: str


class Measure(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    note: str


class Recipe(BaseModel):
    """`run` are the values of a RunSpec that differ from its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    purpose: str
    examples: int
    examples_why: str
    claim: Claim
    shape: str
    system: str
    example: dict[str, Any]
    run: dict[str, Any]
    run_why: str
    evaluation: Measure
    insist: list[str]
    pitfalls: list[str]

    def spec(self) -> RunSpec:
        return RunSpec(**self.run)

    def rows(self) -> bytes:
        """The starter rows, as OpenAI chat JSONL."""
        return files(ROOM).joinpath(f"{self.name}.jsonl").read_bytes()


def recipe_names() -> list[str]:
    return sorted(entry.name.removesuffix(".yaml") for entry in files(ROOM).iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str) -> Recipe:
    known = recipe_names()
    if name not in known:
        raise NotFound(
            f"There is no recipe {name[:40]!r}.",
            fix=f"Known: {', '.join(known)}.",
            code="unknown_recipe",
            param="recipe",
        )
    import yaml

    return Recipe(**yaml.safe_load(files(ROOM).joinpath(f"{name}.yaml").read_text(encoding="utf-8")))


def start(recipe: Recipe, out: Path) -> dict[str, Path]:
    """Write data.jsonl, run.yaml and README.md into `out`; nothing that stands there is overwritten."""
    import yaml

    told = {
        "data.jsonl": recipe.rows(),
        "run.yaml": yaml.safe_dump(recipe.spec().model_dump(mode="json"), sort_keys=False).encode(),
        "README.md": readme(recipe).encode(),
    }
    out = Path(out)
    taken = [name for name in told if (out / name).exists()]
    if taken:
        raise BadInput(
            f"{out} holds {', '.join(taken)} already.", fix="Choose another folder.", code="exists", param="out"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name, data in told.items():
        (out / name).write_bytes(data)
    return {name: out / name for name in told}


def readme(recipe: Recipe) -> str:
    claim = recipe.claim
    told = f"{claim.metric}: {claim.before:.0%} → {claim.after:.0%}" if claim.before is not None else claim.metric
    options = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in recipe.run.items() if key in AT_TERMINAL)
    rows = len(recipe.rows().splitlines())
    parts = [
        f"# {recipe.title}",
        recipe.purpose,
        f"`data.jsonl` holds {rows} rows to show the shape. Put your own in their place: about {recipe.examples:,}. "
        f"{recipe.examples_why}",
        f"The guide claims ({claim.model}): {told}. {claim.note}",
        f"## Run\n\n```\ntunesmith data check data.jsonl\ntunesmith train data.jsonl {options}\n```",
        f"{recipe.run_why} All values stand in `run.yaml`.",
        f"## Measure\n\n{recipe.evaluation.metric}. {recipe.evaluation.note}",
        "## Insist on\n\n" + "\n".join(f"- {line}" for line in recipe.insist),
        "## Pitfalls\n\n" + "\n".join(f"- {line}" for line in recipe.pitfalls),
    ]
    return "\n\n".join(parts) + "\n"
