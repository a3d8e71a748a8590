"""Compare a tuned model with its base, and with others, on the sealed test split and the gate's suites, as a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools import hosting
from tools.context import TRAINER, Context
from trainer.errors import BadInput
from trainer.store.tables import Dataset, Evaluation, Job, Model
from trainer.types import JobKind

MOST_OTHERS = 8  # models beside base, candidate and holder


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


def start(context: Context, model_id: str | None, *, alias: str | None = None, against: Sequence[str] = ()) -> Job:
    """Queue the evaluation, beside the base also against what `alias` serves and against other models. It spends no
    money beyond this machine's, so no approval is asked."""
    context.caller.need(TRAINER, "evaluate a model")
    model = pick_model(context, model_id)
    services = context.services
    others = _others(context, model, against)
    for one in (model, *others):
        hosting.may_ask(context, one)
    _need_answers(services.datasets.get(model.dataset_id))
    spec: dict[str, Any] = {"base": model.base, "base_location": model.base_location, **_where(model, others)}
    if alias:
        spec["alias"] = services.aliases.get(alias).name
    if others:
        spec["against"] = [other.id for other in others]
    if context.caller.allow_paths:
        spec["may_send"] = True  # the sealed prompts, to the provider of a hosted model that an alias serves
    with services.db.write() as session:
        job = services.jobs.add(
            session,
            JobKind.EVAL,
            spec=spec,
            dataset_id=model.dataset_id,
            model_id=model.id,
            owner=context.caller.user,
            team=context.caller.team,
            origin=context.caller.origin,
        )
    services.threads.link(context.caller.origin, job_id=job.id, model_id=model.id)
    services.wakeups.enqueue(job)
    return job


def _others(context: Context, model: Model, names: Sequence[str]) -> list[Model]:
    if len(names) > MOST_OTHERS:
        raise BadInput(
            f"{len(names)} models to compare with are too many.",
            fix=f"Name {MOST_OTHERS} at most.",
            code="too_many_models",
            param="against",
        )
    found = {other.id: other for other in (pick_model(context, name) for name in names)}
    if model.id in found:
        raise BadInput(
            f"{model.id} cannot be compared with itself.", fix="Name another model.", code="same_model", param="against"
        )
    return list(found.values())


def _where(model: Model, others: Sequence[Model]) -> dict[str, str]:
    """Only what is answered elsewhere altogether needs no machine of ours."""
    places = [hosting.where(one) for one in (model, *others)]
    return places[0] if all(places) else {}


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


def remember(context: Context, model_id: str) -> None:
    """A thread that was about no model is about the one that somebody looks at, so that “rate it” means that one."""
    threads = context.services.threads
    if not threads.topic(context.caller.origin).model_id:
        threads.link(context.caller.origin, model_id=model_id)


def latest(context: Context, model: Model) -> Evaluation | None:
    return next(iter(context.services.models.evaluations(model.id)), None)
