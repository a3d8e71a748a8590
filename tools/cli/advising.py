"""`tunesmith advise | estimate | suggest | presets | tiny-base`: before anything is started."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tools import advice, hyperparameters, sentences, training
from tools.cli.follow import LINE_EVERY_S
from tools.cli.jobs import DatasetArg, dataset_of
from tools.cli.output import Json, answers, finish, opened, progress_console
from tools.cli.run_options import VALUES, WHAT, takes_run_options
from tools.specs import make_spec
from trainer.data.money import cost
from trainer.errors import BadInput
from trainer.methods.presets import presets
from trainer.settings import load_settings
from trainer.types import TrainProgress


def register(app: typer.Typer) -> None:
    app.command("advise")(advise)
    app.command("estimate")(estimate)
    app.command("suggest")(suggest)
    app.command("presets")(show_presets)
    app.command("tiny-base")(tiny_base)


@answers
def advise(
    question: Annotated[list[str], typer.Argument(help="What you want, in your own words.")],
    examples: Annotated[int | None, typer.Option(min=0, help="How many training examples you have.")] = None,
    as_json: Json = False,
) -> None:
    """Say whether to prompt, use RAG or fine-tune, and why."""
    with opened() as context:
        made = advice.advise(context, " ".join(question), examples=examples)
    finish(made.to_dict(), sentences.advice(made), as_json=as_json)


@answers
@takes_run_options(*WHAT, *VALUES, "provider")
def estimate(
    dataset: DatasetArg,
    *,
    said: dict[str, Any],
    hosted: Annotated[
        list[str] | None, typer.Option(metavar="PROVIDER:MODEL", help="What a provider would charge. Repeat it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a training run would take, and whether it fits into the memory here; start nothing."""
    asked = [_hosted(name) for name in hosted or ()]
    with opened() as context:
        make_spec(said)  # a wrong value is named before the file is read
        row = dataset_of(context, dataset)
        spec = training.spec_of(context, row, said)
        made = training.plan(context, row, spec).estimate
    today, tokens = datetime.now(UTC).date(), round(made.tokens / spec.epochs)
    charged = [cost(tokens, spec.epochs, *name, today=today) for name in asked]
    value = {"dataset": row.id, "spec": spec.model_dump(mode="json"), **asdict(made)}
    value["hosted"] = [{"name": name, **asdict(found)} for name, found in zip(hosted or (), charged, strict=True)]
    finish(value, "\n".join((sentences.estimate(row, spec, made), *(c.words for c in charged))), as_json=as_json)


@answers
@takes_run_options(*WHAT)
def suggest(dataset: DatasetArg, *, said: dict[str, Any], as_json: Json = False) -> None:
    """Advise rank, learning rate, epochs and batch for a dataset and a base, with reasons; start nothing."""
    with opened() as context:
        made = hyperparameters.suggest(context, dataset_of(context, dataset).id, said)
    value = {"dataset": made.dataset.id, "spec": made.spec.model_dump(mode="json"), "basis": made.basis}
    value["advised"] = [asdict(one) for one in made.advised]
    finish(value, sentences.suggestion(made), as_json=as_json)


@answers
def show_presets(as_json: Json = False) -> None:
    """List the presets: sets of values for a training run, the guides' own among them."""
    known = list(presets().values())
    finish({"presets": [preset.model_dump() for preset in known]}, sentences.presets(known), as_json=as_json)


def _hosted(name: str) -> tuple[str, str]:
    provider, _, model = name.partition(":")
    if not model:
        raise BadInput(f"{name} names no model.", fix="Write --hosted openai:gpt-4o-mini.", param="hosted")
    return provider, model


@answers
def tiny_base(as_json: Json = False) -> None:
    """Build the tiny base model (about 90 s on two cores), or find it in the cache."""
    from trainer.inference.tiny_base import ensure_tiny_base

    began = told = time.monotonic()

    def tell(progress: TrainProgress) -> None:
        nonlocal told
        if not as_json and time.monotonic() - told > LINE_EVERY_S:
            told = time.monotonic()
            progress_console.print(f"tiny-base: {sentences.running(progress.to_dict())}")

    folder = ensure_tiny_base(load_settings(), progress=tell)
    seconds = round(time.monotonic() - began, 1)
    text = f"The tiny base is at {folder} ({seconds} s)."
    finish({"folder": str(folder), "seconds": seconds}, text, as_json=as_json)
