"""Options that say what a run is to be: one table for every command that plans, tries or starts one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, cast, get_type_hints

import typer

from tools.specs import from_assignments

SETTINGS = "settings"
RUN_OPTIONS: dict[str, Any] = {
    "base": Annotated[str | None, typer.Option(help="tiny-base, a folder, or a hub name.")],
    "method": Annotated[
        str | None, typer.Option(help="lora, qlora, dora, rslora, full, ia3, prefix, prompt or p-tuning.")
    ],
    "objective": Annotated[
        str | None, typer.Option(help="supervised, dpo, orpo, kto or classify; without it, the dataset decides.")
    ],
    "preset": Annotated[str | None, typer.Option(help="A set of values by name: tunesmith presets.")],
    "epochs": Annotated[float | None, typer.Option(help="Passes over the rows; 3 unless said.")],
    "learning_rate": Annotated[
        float | None,
        typer.Option("--learning-rate", "--lr", help="Without it, the method's own for the base's size."),
    ],
    "replay": Annotated[float | None, typer.Option(help="Old-task rows per new row; 1.0 = as many.")],
    "batch_size": Annotated[int | None, typer.Option(help="Sequences of a step; 8 unless said.")],
    "max_length": Annotated[
        int | None, typer.Option(help="Tokens a row may have; 2048 or the base's context unless said.")
    ],
    "lora_r": Annotated[int | None, typer.Option(help="The adapter's rank; 16 unless said.")],
    "seed": Annotated[int | None, typer.Option(help="Of adapters, the order of rows and dropout; 17 unless said.")],
    "suffix": Annotated[str | None, typer.Option(help="A word of your own in the model's name.")],
    "provider": Annotated[str | None, typer.Option(help="local, or openai: a hosted service with that API.")],
    "learning_rate_multiplier": Annotated[
        float | None, typer.Option("--lr-multiplier", help="Hosted: times the rate that the provider chooses.")
    ],
    SETTINGS: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any value of a run by name (docs/training.md), e.g. beta=0.2. Repeat it.",
        ),
    ],
}
WHAT = ("base", "method", "objective", "preset")
VALUES = ("epochs", "learning_rate", "replay", "batch_size", "max_length", "lora_r")


def takes_run_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put these options and `--set` in the place of a command's parameter `said`, which is given what was said by
    name, as `tools.specs` reads it."""
    options = {name: RUN_OPTIONS[name] for name in (*names, SETTINGS)}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def wrapper(**values: Any) -> None:
            said = {name: values.pop(name) for name in options}
            command(**values, said=said | {SETTINGS: from_assignments(said[SETTINGS] or [])})

        shown = cast(Any, wrapper)  # what typer reads of a command: its signature and its annotations
        shown.__signature__ = Signature(list(_in_place(command, options)))
        shown.__annotations__ = {one.name: one.annotation for one in shown.__signature__.parameters.values()}
        return wrapper

    return decorate


def _in_place(command: Callable[..., None], options: dict[str, Any]) -> Iterator[Parameter]:
    kind = Parameter.KEYWORD_ONLY
    hints = get_type_hints(command, include_extras=True)
    for name, own in signature(command).parameters.items():
        if name == "said":
            yield from (Parameter(o, kind, default=None, annotation=hint) for o, hint in options.items())
        else:
            yield own.replace(kind=kind, annotation=hints[name])
