"""Ask for a training run, see how jobs are, stop one. Asking never starts anything: a person's click does."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from tools import companion, gates, hosting, replay, room
from tools.context import TRAINER, Context
from tools.datasets import ensure_split, pick_dataset
from tools.plans import Plan
from tools.specs import given, spec_for
from trainer.bases import Base, resolve_base
from trainer.data.kinds import objective_for
from trainer.data.quality.counting import TokenCount, count_tokens
from trainer.data.tokens import lacks_template
from trainer.errors import BadInput, Forbidden
from trainer.inference.chat import no_chat_template
from trainer.methods import fits, kinds_of_base
from trainer.methods.estimate import Estimate, estimate
from trainer.methods.hardware import base_config, gpu_of_this_machine
from trainer.methods.spec import RunSpec
from trainer.providers import LOCAL
from trainer.store.tables import Approval, Dataset, Job
from trainer.types import JobKind, JobStatus


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What somebody is asked to approve."""

    approval: Approval
    spec: RunSpec
    dataset: Dataset
    estimate: Estimate


def plan(context: Context, dataset: Dataset, spec: RunSpec) -> Plan:
    """Resolve the base and estimate the run; BadInput where it cannot be run at all."""
    if spec.provider != LOCAL:
        return hosting.plan(context, dataset, spec)
    settings = context.services.settings
    objective_for(dataset.kind, spec.objective, name=dataset.id)
    fits.check(spec)
    fits.check_asked(spec)
    base = resolve_base(spec.base, settings, allow_paths=context.caller.allow_paths)
    fits.check(spec, base_config(base))
    if base.folder and spec.template == "base" and spec.objective != "classify" and lacks_template(base.folder):
        raise no_chat_template()
    replay.check(context, dataset, base, spec)
    split = ensure_split(context, dataset)
    counted = _train_tokens(context, split["blobs"]["train"], base)
    tokens = _each_answer(counted, dataset.kind)
    gpu = gpu_of_this_machine()

    def again(wanted: RunSpec) -> Estimate:
        there = base if wanted.base == spec.base else resolve_base(wanted.base, settings)
        return estimate(
            wanted,
            rows=split["counts"]["train"],
            tokens=tokens.total,
            base_config=base_config(there),
            gpu=gpu,
            gpu_hour_usd=settings.gpu_hour_usd,
        )

    made = room.judged(spec, gpu, again=again, settings=settings)
    if made.trainable_params == 0:
        raise BadInput(
            f"None of {', '.join(spec.target_modules or ())[:120]} is a layer of {base.name} that can be adapted.",
            fix="Leave target_modules out to adapt every linear layer, or name layers of this base.",
            code="unknown_target_modules",
            param="target_modules",
        )
    basis = f"{made.basis} {str(tokens)[0].upper()}{str(tokens)[1:]}."
    return Plan(base, replace(made, basis=basis), counted)


def _train_tokens(context: Context, sha256: str, base: Base) -> TokenCount:
    """Of the rows to train on, by the base's own tokenizer where it is here."""
    name = base.location if base.folder else base.name
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        rows = context.services.blobs.get_file(sha256, Path(folder) / "train.jsonl")
        found = count_tokens(rows, name, context.services.settings)
    return replace(found, how=found.how.replace(name, base.name))


def _each_answer(tokens: TokenCount, kind: str) -> TokenCount:
    """A pair is read twice, its prompt with each answer; the worse one is taken to be as long as the better."""
    if kind != "preference":
        return tokens
    return replace(tokens, total=2 * tokens.total, how=f"{tokens.how}; a pair counts with each of its answers")


def request(context: Context, dataset_id: str | None, overrides: dict[str, Any]) -> TrainRequest:
    """Check, split, estimate, register the gate (`overrides["gate"]`, as `gates.register` takes it), and ask for
    approval. Nothing is started."""
    context.caller.need(TRAINER, "ask for training")
    dataset = pick_dataset(context, dataset_id)
    asked = gates.asked_in(overrides)
    overrides = {name: value for name, value in overrides.items() if name != "gate"}
    spec = spec_of(context, dataset, overrides)
    planned = plan(context, dataset, spec)
    gate = gates.register(context, dataset, planned.base, asked, objective=spec.objective)
    subject = {
        "dataset_id": dataset.id,
        "dataset_sha256": dataset.sha256,
        "split": dataset.split,
        "base_location": planned.base.location,
        "spec": spec.model_dump(mode="json"),
        "estimate": asdict(planned.estimate),
        **replay.covered(context, spec),
        **gates.covered(gate, dataset, gates.code(context, gate)),
        **({"hosted": planned.covered} if planned.covered else {}),
    }
    by, origin = context.caller.user, context.caller.origin
    approval = context.services.approvals.ask("train", subject, by=by, origin=origin)
    companion.send_ahead(context, approval)
    return TrainRequest(approval, spec, dataset, planned.estimate)


def spec_of(context: Context, dataset: Dataset, overrides: dict[str, Any]) -> RunSpec:
    """What was asked for, as a run: what nobody said comes from the dataset's kind of rows and the kind of base."""
    return spec_for(dataset, _as_the_base_learns(context, overrides))


def _as_the_base_learns(context: Context, overrides: dict[str, Any]) -> dict[str, Any]:
    """An encoder can only choose among labels: nobody needs to say so."""
    asked = given(overrides)
    if asked.get("objective") is not None or asked.get("base") is None or asked.get("provider", LOCAL) != LOCAL:
        return overrides
    base = resolve_base(str(asked["base"]), context.services.settings, allow_paths=context.caller.allow_paths)
    objective = kinds_of_base.default_objective(base_config(base))
    return overrides | {"objective": objective} if objective else overrides


def start(context: Context, session: Session, approval: Approval) -> Job:
    """Insert the approved job, within the transaction of the decision."""
    subject = approval.subject
    spec = subject["spec"] | {"base_location": subject["base_location"]} | gates.carried(approval)
    return context.services.jobs.add_approved(session, JobKind.TRAIN, approval, spec=spec, team=context.caller.team)


def pick_job(context: Context, job_id: str | None) -> Job:
    """The job named, the one this thread is about, or the caller's newest."""
    services = context.services
    wanted = job_id or services.threads.topic(context.caller.origin).job_id
    if wanted:
        return services.jobs.get(wanted)
    mine = [job for job in services.jobs.list(limit=100) if job.owner == context.caller.user]
    if not mine:
        raise BadInput(
            "There is no job of yours yet.",
            fix="Drop a dataset and ask me to train on it.",
            code="no_job",
            param="job",
        )
    return mine[0]


def cancel(context: Context, job_id: str | None) -> tuple[Job, JobStatus]:
    """Stop a job: at once when it waits, within seconds when it runs. Its checkpoints are kept."""
    job = pick_job(context, job_id)
    if job.owner != context.caller.user and TRAINER not in context.caller.roles:
        raise Forbidden("Only the owner or a trainer may cancel this job.", fix="Ask them.", code="missing_role")
    status = context.services.jobs.request_cancel(job.id, context.caller.user)
    if status is JobStatus.CANCELLED:
        hosting.cancelled_while_waiting(context, job)
    return context.services.jobs.get(job.id), status


def latest_progress(context: Context, job: Job) -> dict[str, Any]:
    """The newest progress event's data, or {}."""
    events = context.services.jobs.events(job.id, after=max(0, job.events - 50))
    return next((e.data for e in reversed(events) if e.type == "progress"), {})
