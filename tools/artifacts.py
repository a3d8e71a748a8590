"""Hand a trained model over: as its adapter, merged into its base, as GGUF. And say who will take the adapter."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.context import Context
from tools.evaluation import pick_model
from trainer.errors import BadInput
from trainer.methods.export.gguf import to_gguf
from trainer.methods.export.lint import Note, lint
from trainer.store.tables import Model

Shape = Literal["adapter", "merged", "gguf"]
SHAPES: tuple[Shape, ...] = ("adapter", "merged", "gguf")


@dataclass(frozen=True, slots=True)
class Exported:
    model: Model
    shape: Shape
    path: Path
    words: str


def lint_model(context: Context, model_id: str | None) -> tuple[Model, list[Note]]:
    """What vLLM would say of the model's adapter; full weights have none."""
    model = pick_model(context, model_id)
    if model.manifest.get("files") and not model.is_adapter:
        return model, [Note("fine", "These are full weights, which any engine loads as a model.")]
    with _laid_out(context, model) as folder:
        return model, lint(folder)


def export(context: Context, model_id: str | None, shape: str, out: Path) -> Exported:
    """Write the model to `out` (a folder, or a file for gguf), which must not exist yet."""
    model = pick_model(context, model_id)
    if shape not in SHAPES:
        raise BadInput(f"I cannot export as {shape[:20]!r}.", fix=f"Known: {', '.join(SHAPES)}.", param="as")
    if out.exists():
        raise BadInput(f"{out} exists already.", fix="Name a new place; nothing is overwritten.", param="out")
    with _laid_out(context, model) as folder:
        if shape == "adapter":
            return _as_it_is(model, folder, out)
        if shape == "merged":
            return Exported(model, "merged", out, _merged(model, folder, out))
        merged = folder.parent / "merged"
        words = _merged(model, folder, merged)
        to_gguf(merged, out, llama_cpp=context.services.settings.llama_cpp)
        return Exported(model, "gguf", out, words)


def _as_it_is(model: Model, folder: Path, out: Path) -> Exported:
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, out)
    kind = "The adapter" if model.is_adapter else "The full weights"
    return Exported(model, "adapter", out, f"{kind} as trained, in safetensors.")


def _merged(model: Model, folder: Path, out: Path) -> str:
    if not model.is_adapter:
        shutil.copytree(folder, out)
        return "These are full weights already; nothing had to be merged."
    from trainer.methods.export.merge import merge

    made = merge(model.base_location, folder, out)
    return (
        f"Merged in {made.dtype} and compared: logits differ from base + adapter by {made.difference:.2g} standard "
        f"deviations, and from the base alone by {made.effect:.2g}."
    )


@contextmanager
def _laid_out(context: Context, model: Model) -> Iterator[Path]:
    if not model.manifest.get("files"):
        raise BadInput(
            f"{model.id} lives at its provider, which does not hand out weights.",
            fix="Train it here (provider local) to have its weights.",
            code="hosted_model",
            param="model",
        )
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as room:
        yield context.services.blobs.get_folder(model.manifest, Path(room) / "artifact")
