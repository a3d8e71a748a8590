"""The tools around a training run: estimate, ask, try, advise, sweep. What a run can be told stands in one schema."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.tools import tool as make_tool
from pydantic import BaseModel, ConfigDict, Field

from tools import datasets, hyperparameters, preflight, sentences, sweep, training
from tools.answers import Answer, Runtime, card
from trainer.methods.presets import presets


class RunArguments(BaseModel):
    """Leave out what the person did not say."""

    dataset: str | None = Field(None, description="A dataset's id; left out, the one of this thread.")
    base: str | None = None
    method: str | None = Field(None, description="lora, qlora, dora, rslora, full, ia3, prefix, prompt or p-tuning.")
    objective: str | None = Field(None, description="supervised, dpo, orpo, kto or classify; else the dataset decides.")
    preset: str | None = Field(None, description="A name that list_presets gives.")
    epochs: float | None = None
    learning_rate: float | None = None
    replay: float | None = Field(None, description="Old-task rows per new row (1.0 = as many), against forgetting.")
    batch_size: int | None = None
    max_length: int | None = Field(None, description="Tokens that a row may have.")
    lora_r: int | None = None
    seed: int | None = None
    suffix: str | None = Field(None, description="A word in the model's name.")
    settings: dict[str, Any] | None = Field(
        None,
        description="Anything else by name: beta, warmup_steps, max_hours, lora_alpha, lora_dropout, "
        'gradient_accumulation, template ("instruction"), provider ("openai") …',
    )


class GateArguments(BaseModel):
    """What the tuned model must show, frozen before training. Only what the person said; the house decides the rest."""

    model_config = ConfigDict(extra="allow")  # so that a name that a gate has not is told with the one that was meant

    primary: str | None = Field(None, description="The metric that decides: exact_match, json_fields, f1 …")
    arguments: dict[str, Any] | None = Field(None, description="Of that metric.")
    effect: str | float | None = Field(None, description='The least gain that is worth it, like "3%".')
    alias: str | None = Field(None, description="The alias it is meant for: then it must beat what that serves, too.")
    holder: str | None = Field(None, description="Against that: superior, not_inferior or reported.")
    suites: list[str] | str | None = Field(
        None, description="What must not be lost: general, refusal-twins, old-skills …"
    )
    margin: str | float | None = Field(None, description='How much of that may be lost, like "5%".')
    few_shot: int | None = Field(None, description="Compare with the base given so many examples.")
    judge: str | None = Field(None, description="A language model that compares answers; it only advises.")
    good_enough: str | float | None = Field(None, description='The share at which to stop tuning, like "95%".')


class TrainArguments(RunArguments):
    gate: GateArguments | None = None


run_tool = make_tool(args_schema=RunArguments, response_format="content_and_artifact")


@run_tool
def estimate_training(runtime: Runtime, dataset: str | None = None, **said: Any) -> Answer:
    """Estimate time, memory and cost of a training run without asking for it."""
    row = datasets.pick_dataset(runtime.context, dataset)
    spec = training.spec_of(runtime.context, row, said)
    made = training.plan(runtime.context, row, spec).estimate
    return sentences.estimate(row, spec, made), {}


@make_tool(args_schema=TrainArguments, response_format="content_and_artifact")
def request_training(runtime: Runtime, dataset: str | None = None, gate: Any = None, **said: Any) -> Answer:
    """Ask for a training run: posts an estimate and its gate with an approval button for a person, and sends a
    preflight ahead."""
    wanted = gate.model_dump(exclude_none=True) if isinstance(gate, BaseModel) else gate
    asked = training.request(runtime.context, dataset, said | {"gate": wanted})
    return sentences.train_request(asked), {"card": "approval", "id": asked.approval.id}


@run_tool
def preflight_training(runtime: Runtime, dataset: str | None = None, **said: Any) -> Answer:
    """Try a training run for about a minute, without training: checks, a measured step, the loss mask of three rows."""
    job = preflight.start(runtime.context, dataset, said)
    return preflight.sentence(job), {"card": "job", "id": job.id}


@run_tool
def suggest_hyperparameters(runtime: Runtime, dataset: str | None = None, **said: Any) -> Answer:
    """Advise rank, learning rate, epochs, batch and length for a dataset and a base, with reasons."""
    return sentences.suggestion(hyperparameters.suggest(runtime.context, dataset, said), in_chat=True), {}


class SweepArguments(TrainArguments):
    over: list[str] | None = Field(
        None, description='What to vary: "learning_rate=1e-4..1e-2", "lora_r=8,16,32"; else learning rate and rank.'
    )
    trials: int | None = None


@make_tool(args_schema=SweepArguments, response_format="content_and_artifact")
def request_sweep(
    runtime: Runtime,
    dataset: str | None = None,
    over: list[str] | None = None,
    trials: int | None = None,
    **said: Any,
) -> Answer:
    """Ask for a sweep: several runs with different values, judged on the dev rows; a person approves the cost."""
    made = sweep.request(runtime.context, dataset, said, over=over or [], trials=trials)
    return sentences.sweep_request(made), {"card": "approval", "id": made.approval.id}


@card
def list_presets(runtime: Runtime) -> Answer:
    """List the presets of training runs, the guides' own among them, with what each sets."""
    return sentences.presets(presets().values()), {}


RUN_TOOLS: list[BaseTool] = [
    estimate_training,
    request_training,
    preflight_training,
    suggest_hyperparameters,
    request_sweep,
    list_presets,
]
