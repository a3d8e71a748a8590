"""The verbs as LangChain tools: one visible list.

A model sees arguments and short texts; identity and services come in the runtime context, which it can
neither see nor fill. The artifact names what a door may show as a card.
"""

from __future__ import annotations

from langchain_core.tools import BaseTool

from tools import advice, evaluation, promotion, sentences, training
from tools.answers import Answer, Runtime, card
from tools.build_tools import BUILD_TOOLS
from tools.dataset_tools import DATASET_TOOLS
from tools.evaluation_report import beside, for_models
from tools.lesson_tools import LESSON_TOOLS
from tools.poll_tools import POLL_TOOLS
from tools.run_tools import RUN_TOOLS
from tools.suite_tools import SUITE_TOOLS
from trainer.errors import Conflict


@card
def advise(question: str, runtime: Runtime, examples: int | None = None) -> Answer:
    """Answer whether to prompt, use RAG or fine-tune, by the rules.

    Pass the person's question in their own words; `examples` is how many they have, if they said so."""
    made = advice.advise(runtime.context, question, examples=examples)
    said = {} if examples is None else {"examples": str(examples)}
    return sentences.advice(made), {"card": "advice", "id": question[:2000], **said}


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
def evaluate_model(runtime: Runtime, model: str | None = None, alias: str | None = None) -> Answer:
    """Compare a tuned model (default: this thread's) with its base, and with what an alias serves where one is named,
    on the sealed test split, as a job."""
    job = evaluation.start(runtime.context, model, alias=alias)
    return sentences.evaluation_started(job), {"card": "job", "id": job.id}


@card
def show_evaluation(runtime: Runtime, model: str | None = None) -> Answer:
    """Show the newest evaluation of a model: verdict, numbers with intervals, reasons."""
    row = evaluation.pick_model(runtime.context, model)
    found = evaluation.latest(runtime.context, row)
    if found is None:
        return f"{row.id} has not been evaluated yet.", {}
    evaluation.remember(runtime.context, row.id)
    text = sentences.evaluation(found, beside(runtime.context.services, found))
    return for_models(found, text), {"card": "evaluation", "id": found.id}


@card
def request_promotion(runtime: Runtime, alias: str, model: str | None = None) -> Answer:
    """Ask to point an alias at a model: posts a card that a second person with the approver role decides."""
    try:
        asked = promotion.request(runtime.context, model, alias)
    except Conflict as refused:
        if refused.code != promotion.REFUSED:
            raise
        row = evaluation.pick_model(runtime.context, model)
        text = for_models(evaluation.latest(runtime.context, row), str(refused))
        return text, {"card": "refused", "id": row.id, "alias": alias, "text": str(refused)}
    return sentences.promotion_request(asked), {"card": "approval", "id": asked.id}


@card
def request_override(runtime: Runtime, alias: str, reason: str, model: str | None = None) -> Answer:
    """Ask to promote a model that the gate did not pass, for the person's own reason, word for word: two approvers
    sign. Only when the person asked for exactly that."""
    asked = promotion.request_override(runtime.context, model, alias, reason)
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
    *RUN_TOOLS,
    *SUITE_TOOLS,
    *POLL_TOOLS,
    *LESSON_TOOLS,
    job_status,
    list_jobs,
    cancel_job,
    evaluate_model,
    show_evaluation,
    request_promotion,
    request_override,
    request_rollback,
    list_models,
]
