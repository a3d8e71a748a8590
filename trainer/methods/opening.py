"""Loading a base, with what is wrong about it said in words."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.data.kinds import objective_for
from trainer.data.split import shapes
from trainer.errors import BadInput, TunesmithError
from trainer.inference import encoders
from trainer.methods import fits, memory

if TYPE_CHECKING:
    from trainer.methods.run import Run

LONGEST_TOLD = 240
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
VOCABULARY = ("tokenizer", "vocab", "spiece", "sentencepiece", "tekken", "merges")  # how its files' names begin
ABSOLUTE = re.compile(r"(?<![\w:/])/(?:[^\s'\"/]+/)*([^\s'\"/]+)")


def load(run: Run) -> None:
    """`objective.load` of a spec whose parts go together, where every exception but ours, a full disk and a full memory
    means that the base cannot be read: BadInput with code base_unreadable."""
    fits.check(run.spec)
    _look_at_rows(run)
    try:
        fits.check(run.spec, _config(run.base))
        if Path(run.base).is_dir() and not _has_tokenizer(_names(Path(run.base))):
            raise FileNotFoundError("there is no tokenizer in its folder")  # transformers would make up an empty one
        run.objective.load(run)
    except TunesmithError:
        raise
    except Exception as error:
        if memory.ran_out(error) or (isinstance(error, OSError) and error.errno in FULL_DISK):
            raise
        raise BadInput(
            f"The base model {_name(run.spec.base)} cannot be loaded: {told(error, run.base)}",
            fix=_fix(run.base),
            code="base_unreadable",
            param="base",
        ) from error


def _look_at_rows(run: Run) -> None:
    """Raises BadInput where there is no row to learn from, or the first is of a kind that does not teach this."""
    with run.files.train.open(encoding="utf-8") as lines:
        first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise BadInput(
            "There is no row to train on.",
            fix="Bring rows, or a larger train part of the split.",
            code="no_rows",
            param="dataset",
        )
    kind = shapes.kind_of(json.loads(first))
    if kind:
        objective_for(kind, run.spec.objective, name="The file of rows")


def _config(base: str) -> dict[str, Any]:
    """The base's config.json, of a hub name too."""
    told = encoders.config_of(base)
    if told is not None:
        return told
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(base, local_files_only=Path(base).is_dir(), trust_remote_code=False).to_dict()


def _name(base: str) -> str:
    """A folder's own name where a path was given."""
    return Path(base).name if Path(base).is_absolute() or Path(base).is_dir() else base


def told(error: Exception, base: str) -> str:
    """The first sentence of an error, without the paths of this machine."""
    text = " ".join(str(error).split())
    text = ABSOLUTE.sub(r"\1", text.replace(base, Path(base).name))
    text = text[:LONGEST_TOLD].rsplit(" ", 1)[0] + " …" if len(text) > LONGEST_TOLD else text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _fix(base: str) -> str:
    folder = Path(base)
    if not folder.is_dir():
        return "Check its name and the connection to the hub, or give a folder that holds the model."
    files = _names(folder)
    missing = [what for what, found in _wanted(files) if not found]
    if missing:
        return f"Its folder has no {' and no '.join(missing)}: copy the model's folder again, whole."
    return "Copy the model's folder again, whole: a file of it is cut short or does not fit the others."


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _wanted(files: set[str]) -> list[tuple[str, bool]]:
    return [
        ("config.json", "config.json" in files),
        ("weights (*.safetensors)", any(name.endswith(".safetensors") for name in files)),
        ("tokenizer", _has_tokenizer(files)),
    ]


def _has_tokenizer(files: set[str]) -> bool:
    return any(name.startswith(VOCABULARY) or name.endswith(".model") for name in files)
