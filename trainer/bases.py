"""Base models by name: the tiny base, a folder, or a hub name. Resolving a name loads nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import BadInput
from trainer.inference.tiny_recipe import RECIPE
from trainer.settings import Settings

TINY = "tiny-base"
HUB_NAME = re.compile(r"^[\w.-]{1,96}/[\w.-]{1,96}$")


@dataclass(frozen=True, slots=True)
class Base:
    """Where a base is. `location` is a folder or a hub name; a folder may carry `tunesmith/replay.jsonl`
    (rows of old tasks, to mix into training) and `tunesmith/suite.jsonl` (what it could do before)."""

    name: str
    location: str

    @property
    def folder(self) -> Path | None:
        path = Path(self.location)
        return path if path.is_dir() else None

    def carried(self, name: str) -> Path | None:
        """`replay.jsonl` or `suite.jsonl` of this base, where it carries one."""
        path = Path(self.location) / "tunesmith" / name
        return path if path.is_file() else None


def tiny_base_folder(settings: Settings) -> Path:
    return settings.cache / f"tiny-base-{RECIPE.digest()[:12]}"


def known_bases(settings: Settings) -> dict[str, str]:
    """Names that Slack users may ask for → location."""
    found = {TINY: str(tiny_base_folder(settings))}
    for root in settings.base_folders:
        for config in sorted(Path(root).glob("*/config.json")):
            found.setdefault(config.parent.name, str(config.parent))
    return found


def find_base(name: str, settings: Settings) -> Base | None:
    """As resolve_base, for a name that may be none."""
    try:
        return resolve_base(name, settings)
    except BadInput:
        return None


def resolve_base(name: str, settings: Settings, *, allow_paths: bool = False) -> Base:
    """Name → Base, or BadInput that lists what is known. `allow_paths`: for the terminal, never for chat."""
    known = known_bases(settings)
    if name in known:
        return Base(name, known[name])
    if allow_paths and (Path(name) / "config.json").is_file():
        return Base(Path(name).resolve().name, str(Path(name).resolve()))
    if settings.hub and HUB_NAME.match(name):
        return Base(name, name)
    shown = re.sub(r"[^\w./:-]", "?", name)[:80]
    if allow_paths and ("/" in name or Path(name).is_dir()) and not HUB_NAME.match(name):
        raise BadInput(
            f"There is no base model in {shown}: " + ("no config.json." if Path(name).is_dir() else "no such folder."),
            fix="Give the folder of a Hugging Face model, whole.",
            code="unknown_base",
            param="base",
        )
    raise BadInput(
        f"I don't know a base model called “{shown}”.",
        fix=f"Known here: {', '.join(known)}. Add a folder to TUNESMITH_BASE_FOLDERS, or set TUNESMITH_HUB=1 "
        "to allow names of the Hugging Face hub.",
        code="unknown_base",
        param="base",
    )
