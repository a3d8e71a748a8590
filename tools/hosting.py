"""Training at a hosted provider: what is checked and said before anybody approves, and verbs for what runs there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from tools.context import TRAINER, Context
from tools.datasets import ensure_split
from tools.plans import Plan
from trainer.advice.hosted import NEAR_DAYS, notices_for
from trainer.bases import Base
from trainer.data.kinds import objective_for
from trainer.data.money import cost
from trainer.data.quality.counting import count_tokens
from trainer.data.targets import load_target
from trainer.errors import BadInput, Forbidden, TunesmithError
from trainer.jobs.hosted import Known, hyperparameters, refuse_closed
from trainer.jobs.ledger import write_event
from trainer.methods.estimate import Estimate
from trainer.methods.spec import RunSpec
from trainer.providers import is_hosted
from trainer.providers.endpoint import SCHEME, remote_name
from trainer.providers.errors import passes
from trainer.providers.openai import OpenAI
from trainer.providers.parts import Written, write_part
from trainer.providers.remote import RemoteCheckpoint, RemoteJob
from trainer.store.tables import Dataset, Job, Model
from trainer.types import JobStatus

ASK_S = 10.0  # for a question while somebody waits
SENT = {"base", "provider", "objective", "suffix", "seed", "epochs", "batch_size", "learning_rate_multiplier", "beta"}
SPENT_ROWS = ("target_too_few_rows", "target_too_many_rows", "target_too_large")
FORMATS = {"supervised": "openai-chat", "dpo": "openai-preference"}


def plan(context: Context, dataset: Dataset, spec: RunSpec, *, today: date | None = None) -> Plan:
    """Everything that can be known to fail is refused here, before anybody approves. Asks the provider for the base
    model; when it does not answer, that is said and stops nothing."""
    today = today or date.today()
    settings = context.services.settings
    provider = OpenAI.of(settings.model_copy(update={"tuning_timeout_s": min(ASK_S, settings.tuning_timeout_s)}))
    asked = _asked(spec)
    _fits(provider, dataset, spec, asked)
    refuse_closed(provider, spec.base, today)
    notices = [*notices_for(provider.quirks.dates, spec.base, today), *_shutdown(provider, spec.base, today)]
    split = ensure_split(context, dataset)
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        rows = context.services.blobs.get_file(split["blobs"]["train"], Path(folder) / "train.jsonl")
        written = write_part(rows, Path(folder) / "out.jsonl", provider.quirks, spec.objective)
        tokens = count_tokens(rows, spec.base, settings)
    _enough(provider, spec, written, today)
    price = cost(tokens.total, spec.epochs, provider.quirks.prices or provider.endpoint.title, spec.base, today=today)
    notices += [*_left_out(written), *_unsent(asked, spec)]
    counted = str(tokens)
    basis = f"{counted[:1].upper()}{counted[1:]}. {price.words} How long it takes is the provider's to say."
    covered = {
        "provider": provider.quirks.name,
        "title": provider.endpoint.title,
        "endpoint": provider.endpoint.host,
        "hyperparameters": hyperparameters(spec, asked=asked),
        "cost_usd": price.usd,
        "cost": price.words,
        "rows": written.rows,
        "notices": notices,
    }
    made = Estimate(
        total_params=0,
        trainable_params=0,
        steps=0,
        tokens=round(tokens.total * spec.epochs),
        seconds=0.0,
        memory={},
        memory_bytes=0,
        cost_usd=price.usd or 0.0,
        fits=None,
        basis=" ".join([basis, *notices]),
    )
    return Plan(Base(spec.base, f"{SCHEME}{spec.base}"), made, tokens, covered)


def _asked(spec: RunSpec) -> frozenset[str]:
    """What somebody set: the fields given, or, for a spec that was saved whole, those that differ from the defaults."""
    given = spec.model_fields_set
    if given >= set(RunSpec.model_fields):
        usual = RunSpec()
        given = {name for name in given if getattr(spec, name) != getattr(usual, name)}
    return frozenset(given)


def _fits(provider: OpenAI, dataset: Dataset, spec: RunSpec, asked: frozenset[str]) -> None:
    title, quirks = provider.endpoint.title, provider.quirks
    if spec.objective not in quirks.methods:
        raise BadInput(
            f"{title} cannot train with objective {spec.objective}.",
            fix=f"It knows: {', '.join(quirks.methods)}. Local training knows more.",
            code="objective_not_hosted",
            param="objective",
        )
    objective_for(dataset.kind, spec.objective, name=dataset.id)
    hyperparameters(spec)
    if spec.base == RunSpec.model_fields["base"].default:
        raise BadInput(
            f"{spec.base} is here, not at {title}.",
            fix="Name one of its models, for example --base gpt-4o-mini-2024-07-18.",
            code="base_not_hosted",
            param="base",
        )
    if "learning_rate" in asked and spec.learning_rate is not None:
        raise BadInput(
            "A hosted provider takes no learning rate, only a multiplier of its own.",
            fix="Use --lr-multiplier, for example 2, or leave it out.",
            code="bad_spec",
            param="learning_rate",
        )
    if spec.replay > 0 or spec.replay_dataset:
        raise BadInput(
            "Replay rows are of bases that are here; they are not sent to a provider.",
            fix="Leave replay out; to keep old skills there, add such rows to the dataset.",
            code="replay_not_hosted",
            param="replay",
        )


def _shutdown(provider: OpenAI, base: str, today: date) -> list[str]:
    """What the provider itself says of the base's end. A past one is refused; no answer is said."""
    title = provider.endpoint.title
    try:
        said = provider.shutdown_date(base)
    except TunesmithError as error:
        if not passes(error):
            raise
        return [f"Whether {base} ends soon could not be asked: {error.what}"]
    try:
        ends = date.fromisoformat(said[:10])
    except ValueError:
        return [f"{title} says that {base} ends: {said}."] if said else []
    days = (ends - today).days
    if days <= 0:
        raise BadInput(
            f"{title} shut {base} down on {ends}.",
            fix="Choose another base, or train locally.",
            code="provider_ended",
            param="base",
        )
    near = f"{title} shuts {base} down on {ends}, in {days} day{'s' * (days != 1)}; its fine-tunes may end with it."
    return [near] if days <= NEAR_DAYS else []


def _enough(provider: OpenAI, spec: RunSpec, written: Written, today: date) -> None:
    target = load_target(provider.quirks.target)
    for problem in target.whole(written.rows, written.bytes, FORMATS[spec.objective], today):
        if problem.code in SPENT_ROWS or problem.code == "target_format":
            raise BadInput(
                f"The train part does not fit: {problem.message}",
                fix="The split keeps rows for validation and for the sealed test, so bring more of them."
                if problem.code == "target_too_few_rows"
                else "Make a dataset that fits.",
                code=problem.code,
                param="dataset",
            )


def _left_out(written: Written) -> list[str]:
    if not written.skipped:
        return []
    line, reason = written.skipped[0]
    return [f"{len(written.skipped):,} rows of the train part are left out; row {line}: {reason}"]


def _unsent(asked: frozenset[str], spec: RunSpec) -> list[str]:
    usual = RunSpec()
    names = sorted(name for name in asked - SENT if getattr(spec, name) != getattr(usual, name))
    return (
        [f"Not sent, because the provider decides: {', '.join(n.replace('_', ' ') for n in names)}."] if names else []
    )


def estimate_words(row: Dataset, spec: RunSpec, made: Estimate) -> str:
    """For `sentences.estimate`."""
    return f"{spec.objective} fine-tuning of {spec.base} at a hosted provider with {row.id}. {made.basis}"


# what runs there


@dataclass(frozen=True, slots=True)
class Row:
    """One of our hosted jobs, with what the provider says of it; `said` explains where it says nothing."""

    job: Job
    remote_id: str
    remote: RemoteJob | None
    said: str


def rows(context: Context, limit: int = 20) -> list[Row]:
    """Our newest hosted jobs."""
    mine = [job for job in context.services.jobs.list(limit=200) if is_hosted(job.spec) and job.kind == "train"][:limit]
    if not mine:
        return []
    provider = OpenAI.of(context.services.settings, retries=1)
    return [_row(context, provider, job) for job in mine]


def _row(context: Context, provider: OpenAI, job: Job) -> Row:
    known = Known.of(context.services.jobs, job.id)
    if not known.job:
        return Row(job, "", None, "nothing was made at the provider, as far as we know")
    try:
        remote = provider.job(known.job)
    except TunesmithError as error:
        return Row(job, known.job, None, error.what)
    live = JobStatus(job.status).ended and not (remote.status and remote.status.ended)
    warning = f"it goes on there and may be billed: tunesmith hosted cancel {job.id}" if live else ""
    return Row(job, known.job, remote, warning)


def act(context: Context, job_id: str, verb: Literal["pause", "resume", "cancel"]) -> RemoteJob:
    """Pause, resume or cancel at the provider. Our own job hears of it as it watches."""
    job, remote_id = _mine(context, job_id)
    if job.owner != context.caller.user and TRAINER not in context.caller.roles:
        raise Forbidden(f"Only the owner or a trainer may {verb} this job.", fix="Ask them.", code="missing_role")
    provider = OpenAI.of(context.services.settings)
    return {"pause": provider.pause, "resume": provider.resume, "cancel": provider.cancel}[verb](remote_id)


def checkpoints(context: Context, job_id: str) -> list[RemoteCheckpoint]:
    _, remote_id = _mine(context, job_id)
    return OpenAI.of(context.services.settings, retries=1).checkpoints(remote_id)


def _mine(context: Context, job_id: str) -> tuple[Job, str]:
    job = context.services.jobs.get(job_id)
    if not is_hosted(job.spec):
        raise BadInput(
            f"{job.id} runs here, not at a provider.", fix="Use tunesmith status or cancel.", code="not_hosted"
        )
    known = Known.of(context.services.jobs, job.id)
    if not known.job:
        raise BadInput(
            f"{job.id} has no job at the provider yet.",
            fix=f"Look again in a moment: tunesmith status {job.id}",
            code="no_remote_job",
        )
    return job, known.job


def cancelled_while_waiting(context: Context, job: Job) -> None:
    """A job was cancelled between two attempts: nobody watches, so its cancel is handed on here, and what came of it
    is written down."""
    known = Known.of(context.services.jobs, job.id)
    if not is_hosted(job.spec) or not (known.job or known.intended):
        return
    text = _handed_on(context, job, known)
    with context.services.db.write() as session:
        write_event(session, job.id, job.fence, "note", {"text": text, "code": "cancelled_there"})


def _handed_on(context: Context, job: Job, known: Known) -> str:
    try:
        provider = OpenAI.of(context.services.settings, retries=1)
        remote_id = known.job or getattr(provider.find(job.id, known.files.get("train", "")), "id", "")
        if not remote_id:
            return f"{provider.endpoint.title} has no job for {job.id}; nothing is billed."
        remote = provider.cancel(remote_id)
        return f"{provider.endpoint.title} says of {remote.id}: {remote.said}."
    except TunesmithError as error:
        where = known.job or "the job that may have been made"
        return f"{error.what} {where} at the provider may go on and be billed: tunesmith hosted cancel {job.id}"


def where(model: Model) -> dict[str, str]:
    """What a job's spec says of a model that answers at a provider."""
    return {"provider": "openai"} if remote_name(model.base_location) else {}


def may_ask(context: Context, model: Model) -> None:
    """To evaluate a hosted model sends the sealed prompts to its provider and costs money: only a person at the
    terminal starts that, never a language model and no button."""
    if remote_name(model.base_location) and not context.caller.allow_paths:
        raise BadInput(
            f"{model.id} answers at {model.card.get('endpoint')}: evaluating it sends the test prompts there and costs "
            "money.",
            fix=f"Somebody at the terminal can start it: tunesmith eval {model.id}",
            code="hosted_evaluation",
            param="model",
        )
