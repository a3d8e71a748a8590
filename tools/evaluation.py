"""Compare a tuned model with its base on the sealed test split, as a job."""

from __future__ import annotations

from tools import hosting
from tools.context import TRAINER, Context
from trainer.errors import BadInput
from trainer.store.tables import Dataset, Evaluation, Job, Model
from trainer.types import JobKind


def pick_model(context: Context, model_id: str | None) -> Model:
    """The model named (by id, by job, or by alias), or the one this thread is about."""
    services = context.services
    wanted = model_id or services.threads.topic(context.caller.origin).model_id
    if wanted and wanted.startswith("ftjob-"):
        wanted = services.jobs.get(wanted).model_id
    if not wanted:
        raise BadInput(
            "I don't see a tuned model in this thread.",
            fix="Name one by its id (ft:…); “models” lists them.",
            code="no_model",
            param="model",
        )
    alias = None if wanted.startswith("ft:") else services.aliases.find(wanted)
    return services.models.get(alias.model_id if alias else wanted)


def start(context: Context, model_id: str | None) -> Job:
    """Queue the evaluation. It spends no money beyond this machine's, so no approval is asked."""
    context.caller.need(TRAINER, "evaluate a model")
    model = pick_model(context, model_id)
    services = context.services
    hosting.may_ask(context, model)
    _need_answers(services.datasets.get(model.dataset_id))
    with services.db.write() as session:
        job = services.jobs.add(
            session,
            JobKind.EVAL,
            spec={"base": model.base, "base_location": model.base_location, **hosting.where(model)},
            dataset_id=model.dataset_id,
            model_id=model.id,
            owner=context.caller.user,
            team=context.caller.team,
            origin=context.caller.origin,
        )
    services.threads.link(context.caller.origin, job_id=job.id, model_id=model.id)
    services.wakeups.enqueue(job)
    return job


def _need_answers(dataset: Dataset) -> None:
    """Raises BadInput where the sealed rows hold no answer that a model's could be compared with."""
    if dataset.kind == "text":
        raise BadInput(
            f"{dataset.id} holds plain texts: its test rows have no right answers to compare with.",
            fix="Its validation loss tells how well the texts were learned. To compare answers, train on rows that "
            "have them.",
            code="no_answers",
            param="model",
        )


def latest(context: Context, model: Model) -> Evaluation | None:
    return next(iter(context.services.models.evaluations(model.id)), None)
