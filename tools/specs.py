"""What somebody asked for, as a RunSpec: a preset, words for methods, single values."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from trainer.data.kinds import objective_for
from trainer.errors import BadInput
from trainer.methods import METHODS
from trainer.methods.fits import meaningless
from trainer.methods.presets import load_preset
from trainer.methods.spec import Generation, RunSpec
from trainer.store.tables import Dataset

SAID = {"lora_r": "rank", "lora_alpha": "alpha"}  # how people call what a spec names otherwise
METHOD_WORDS: dict[str, dict[str, Any]] = {
    "dora": {"method": "lora", "use_dora": True},
    "rslora": {"method": "lora", "use_rslora": True},
    "prefix-tuning": {"method": "prefix"},
    "prompt-tuning": {"method": "prompt"},
    "ptuning": {"method": "p-tuning"},
    "sft": {"objective": "supervised"},
    **{name: {"objective": name} for name in ("supervised", "dpo", "orpo", "kto", "classify")},
}
IN_LISTS = ("target_modules",)
NOTHING = ("", "none", "auto")  # for a value that is chosen when the run is made


def given(overrides: dict[str, Any]) -> dict[str, Any]:
    """Only what was asked for, by a RunSpec's names: the preset's values, then what was said beside it.

    `overrides` may hold `preset` (a name) and `settings` (more values by name; texts are read as a RunSpec's own)."""
    said = {key: value for key, value in overrides.items() if value is not None}
    preset = said.pop("preset", None)
    found: dict[str, Any] = dict(load_preset(str(preset)).spec) if preset else {}
    said = _settings(said.pop("settings", None)) | said
    if "method" in said:
        word = str(said.pop("method")).strip().lower().replace("_", "-")
        said = METHOD_WORDS.get(word, {"method": word}) | said
    both = found | said
    unused = meaningless(both.get("method", "lora"), both.get("objective"))  # a preset's values, beside what was said
    return {name: value for name, value in both.items() if name in said or name not in unused}


def make_spec(overrides: dict[str, Any]) -> RunSpec:
    """Only what was given; everything else keeps its default. A wrong value is named with what is allowed."""
    try:
        return RunSpec(**given(overrides))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(p) for p in first["loc"]) or "spec"
        said = SAID.get(name, name.replace("_", " "))
        raise BadInput(
            f"{said} {_short(first.get('input'))} does not fit: {_allowed(name, first)}.",
            fix="Correct it and ask again; nothing was started.",
            code="bad_spec",
            param=name,
        ) from None


def spec_for(dataset: Dataset, overrides: dict[str, Any]) -> RunSpec:
    """As `make_spec`; where no objective was asked for, the usual one of the dataset's kind of rows."""
    if given(overrides).get("objective") is not None:
        return make_spec(overrides)
    return make_spec(overrides | {"objective": objective_for(dataset.kind, name=dataset.id)})


def from_assignments(words: list[str]) -> dict[str, str]:
    """["name=value", …] → {name: value}: what `--set` was given."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"{word[:60]!r} sets nothing.", fix="Write --set name=value.", code="bad_spec", param="set")
        found[name.strip()] = value.strip()
    return found


def _settings(values: Any) -> dict[str, Any]:
    """`values` may be what a language model wrote: anything."""
    found: dict[str, Any] = {}
    generation: dict[str, Any] = {}
    if not isinstance(values or {}, dict):
        fix = 'For example {"beta": 0.2}.'
        raise BadInput(
            "Settings are names with values, not a list or a text.", fix=fix, code="bad_spec", param="settings"
        )
    for word, value in (values or {}).items():
        name = str(word)
        key = name.strip().replace("-", "_").removeprefix("generation.")
        if key in Generation.model_fields:
            generation[key] = value
        elif key == "generation" and isinstance(value, dict):
            generation = value | generation
        elif key in RunSpec.model_fields:
            if value is not None or RunSpec.model_fields[key].default is None:  # else nothing was said
                found[key] = _value(key, value)
        else:
            raise BadInput(
                f"A run has no setting called {name[:40]!r}.",
                fix=f"Known: {', '.join(sorted({*RunSpec.model_fields, *Generation.model_fields} - {'generation'}))}.",
                code="bad_spec",
                param=name[:40],
            )
    return found | ({"generation": generation} if generation else {})


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in IN_LISTS and value.strip():
        return tuple(part.strip() for part in value.split(",") if part.strip())
    word = value.strip().lower()
    return None if word in NOTHING and RunSpec.model_fields[name].default is None else value


def _short(given: Any) -> str:
    return f"{given:.10g}" if isinstance(given, float) else str(given)[:40]


def _allowed(name: str, error: Any) -> str:
    """What would fit, in plain words."""
    if name == "method":
        return f"known are {', '.join(METHODS)}, and dora and rslora"
    if name == "suffix":
        return "it takes at most 18 small letters, digits and dashes"
    return re.sub(r"^input should be", "it should be", str(error["msg"]).lower())
