"""The verbs as LangChain tools: one visible list.

A model sees arguments and short texts; identity and services come in the runtime context, which it can
neither see nor fill. The artifact names what a door may show as a card.
"""

from __future__ import annotations

from typing import Any

from langchain_core.tools import BaseTool

from tools import advice, datasets, evaluation, hyperparameters, preflight, promotion, sentences, sweep, training
from tools.answers import Answer, Runtime, card
from tools.build_tools import BUILD_TOOLS
from tools.dataset_tools import DATASET_TOOLS
from trainer.methods.presets import presets


@card
def advise(question: str, runtime: Runtime, examples: int | None = None) -> Answer:
    """Answer whether to prompt, use RAG or fine-tune, by the rules.

    Pass the person's question in their own words; `examples` is how many they have, if they said so."""
    made = advice.advise(runtime.context, question, examples=examples)
    said = {} if examples is None else {"examples": str(examples)}
    return sentences.advice(made), {"card": "advice", "id": question[:2000], **said}


@card
def estimate_training(
    runtime: Runtime,
    dataset: str | None = None,
    base: str | None = None,
    method: str | None = None,
    epochs: float | None = None,
    replay: float | None = None,
    batch_size: int | None = None,
    max_length: int | None = None,
    lora_r: int | None = None,
    preset: str | None = None,
    objective: str | None = None,
    settings: dict[str, Any] | None = None,
) -> Answer:
    """Estimate time, memory and cost of a training run without asking for it. Arguments as in request_training."""
    row = datasets.pick_dataset(runtime.context, dataset)
    spec = training.spec_of(
        runtime.context,
        row,
        {
            "base": base,
            "method": method,
            "epochs": epochs,
            "replay": replay,
            "batch_size": batch_size,
            "max_length": max_length,
            "lora_r": lora_r,
            "preset": preset,
            "objective": objective,
            "settings": settings,
        },
    )
    _, made = training.plan(runtime.context, row, spec)
    return sentences.estimate(row, spec, made), {}


@card
def request_training(
    runtime: Runtime,
    dataset: str | None = None,
    base: str | None = None,
    method: str | None = None,
    epochs: float | None = None,
    learning_rate: float | None = None,
    replay: float | None = None,
    batch_size: int | None = None,
    max_length: int | None = None,
    lora_r: int | None = None,
    seed: int | None = None,
    suffix: str | None = None,
    preset: str | None = None,
    objective: str | None = None,
    settings: dict[str, Any] | None = None,
) -> Answer:
    """Ask for a training run: posts an estimate with an approval button for a person.

    `method` is lora, qlora, dora, rslora, full, ia3, prefix, prompt or p-tuning. `objective` is supervised, dpo, orpo,
    kto or classify; left out, the dataset decides. `preset` is a name that list_presets gives. `replay` mixes
    old-task rows in, per new row (1.0 = as many), against forgetting. `max_length` is the tokens a row may have.
    `settings` holds anything else by name: beta, warmup_steps, max_hours, lora_alpha, lora_dropout,
    gradient_accumulation, template ("instruction"), provider ("openai") … Leave out what the person did not say."""
    overrides = {
        "base": base,
        "method": method,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "replay": replay,
        "batch_size": batch_size,
        "max_length": max_length,
        "lora_r": lora_r,
        "seed": seed,
        "suffix": suffix,
        "preset": preset,
        "objective": objective,
        "settings": settings,
    }
    asked = training.request(runtime.context, dataset, overrides)
    return sentences.train_request(asked), {"card": "approval", "id": asked.approval.id}


@card
def preflight_training(
    runtime: Runtime,
    dataset: str | None = None,
    base: str | None = None,
    method: str | None = None,
    epochs: float | None = None,
    learning_rate: float | None = None,
    replay: float | None = None,
    batch_size: int | None = None,
    max_length: int | None = None,
    lora_r: int | None = None,
    seed: int | None = None,
    suffix: str | None = None,
    preset: str | None = None,
    objective: str | None = None,
    settings: dict[str, Any] | None = None,
) -> Answer:
    """Try a training run for about a minute, without training: checks, a measured step, the loss mask of three rows.

    Arguments as in request_training, which sends a preflight ahead by itself."""
    overrides = {
        "base": base,
        "method": method,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "replay": replay,
        "batch_size": batch_size,
        "max_length": max_length,
        "lora_r": lora_r,
        "seed": seed,
        "suffix": suffix,
        "preset": preset,
        "objective": objective,
        "settings": settings,
    }
    job = preflight.start(runtime.context, dataset, overrides)
    return preflight.sentence(job), {"card": "job", "id": job.id}


@card
def suggest_hyperparameters(
    runtime: Runtime,
    dataset: str | None = None,
    base: str | None = None,
    method: str | None = None,
    objective: str | None = None,
) -> Answer:
    """Advise rank, learning rate, epochs, batch and length for a dataset and a base, with reasons."""
    asked = {"base": base, "method": method, "objective": objective}
    return sentences.suggestion(hyperparameters.suggest(runtime.context, dataset, asked), in_chat=True), {}


@card
def request_sweep(
    runtime: Runtime,
    dataset: str | None = None,
    base: str | None = None,
    method: str | None = None,
    preset: str | None = None,
    objective: str | None = None,
    epochs: float | None = None,
    over: list[str] | None = None,
    trials: int | None = None,
    settings: dict[str, Any] | None = None,
) -> Answer:
    """Ask for a sweep: several runs with different values, judged on the dev rows; a person approves the cost of all.

    `over` names what to vary: "learning_rate=1e-4..1e-2", "lora_r=8,16,32"; left out, the learning rate and the rank.
    The rest is as in request_training."""
    asked: dict[str, Any] = {"base": base, "method": method, "preset": preset, "objective": objective}
    asked |= {"epochs": epochs, "settings": settings}
    made = sweep.request(runtime.context, dataset, asked, over=over or [], trials=trials)
    return sentences.sweep_request(made), {"card": "approval", "id": made.approval.id}


@card
def list_presets(runtime: Runtime) -> Answer:
    """List the presets of training runs, the guides' own among them, with what each sets."""
    return sentences.presets(presets().values()), {}


@card
def job_status(runtime: Runtime, job: str | None = None) -> Answer:
    """Tell how a job is: stage, loss, tokens/s, ETA. Without an id: the thread's, or the person's newest."""
    row = training.pick_job(runtime.context, job)
    return sentences.job(row, training.latest_progress(runtime.context, row)), {}


@card
def list_jobs(runtime: Runtime) -> Answer:
    """List the newest jobs with their status."""
    return sentences.jobs(runtime.context.services.jobs.list(limit=10)), {}


@card
def cancel_job(runtime: Runtime, job: str | None = None) -> Answer:
    """Cancel a waiting or running job. Only when the person asked for it."""
    row, status = training.cancel(runtime.context, job)
    return sentences.cancelled(row, status), {}


@card
def evaluate_model(runtime: Runtime, model: str | None = None) -> Answer:
    """Compare a tuned model (default: this thread's) with its base on the sealed test split, as a job."""
    job = evaluation.start(runtime.context, model)
    return sentences.evaluation_started(job), {"card": "job", "id": job.id}


@card
def show_evaluation(runtime: Runtime, model: str | None = None) -> Answer:
    """Show the newest evaluation of a model: verdict, numbers with intervals, reasons."""
    row = evaluation.pick_model(runtime.context, model)
    found = evaluation.latest(runtime.context, row)
    if found is None:
        return f"{row.id} has not been evaluated yet.", {}
    return sentences.evaluation(found), {"card": "evaluation", "id": found.id}


@card
def request_promotion(runtime: Runtime, alias: str, model: str | None = None) -> Answer:
    """Ask to point an alias at a model: posts a card that a second person with the approver role decides."""
    asked = promotion.request(runtime.context, model, alias)
    return sentences.promotion_request(asked), {"card": "approval", "id": asked.id}


@card
def request_rollback(runtime: Runtime, alias: str) -> Answer:
    """Ask to point an alias back at the model it served before: a second person decides."""
    asked = promotion.request_rollback(runtime.context, alias)
    return sentences.promotion_request(asked), {"card": "approval", "id": asked.id}


@card
def list_models(runtime: Runtime) -> Answer:
    """List tuned models with their newest verdict, the bases that can be trained, and the aliases."""
    return sentences.models(runtime.context), {}


TOOLBOX: list[BaseTool] = [
    advise,
    *DATASET_TOOLS,
    *BUILD_TOOLS,
    estimate_training,
    request_training,
    preflight_training,
    suggest_hyperparameters,
    request_sweep,
    list_presets,
    job_status,
    list_jobs,
    cancel_job,
    evaluate_model,
    show_evaluation,
    request_promotion,
    request_rollback,
    list_models,
]
