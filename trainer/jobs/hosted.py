"""A training job whose work a hosted provider does: files and job made there once, watched to the end, registered here.

Everything that must outlive this process is an event of type `remote`: which file was uploaded, that a job is about to
be made, which job it is. Before anything is made, the provider is asked whether it is there already, so a crash
between making and recording never pays twice.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from trainer.advice.hosted import closed
from trainer.data.money import cost
from trainer.errors import BadInput, Conflict, LostLease, TunesmithError
from trainer.jobs.child import JobRun
from trainer.jobs.ledger import Jobs
from trainer.methods.spec import BESIDE, RunSpec
from trainer.providers.endpoint import SCHEME
from trainer.providers.errors import unclear
from trainer.providers.openai import OpenAI
from trainer.providers.remote import RemoteJob
from trainer.registry.models import add_model
from trainer.store import ids
from trainer.types import JobStatus

REMOTE = "remote"  # type of the events that say what is at the provider
LONGEST_ID = 200


@dataclass(slots=True)
class Known:
    """What earlier attempts recorded: uploaded files by part, whether a job was about to be made, its id, the ids of
    the provider's events that were mirrored."""

    files: dict[str, str] = field(default_factory=dict)
    intended: bool = False
    job: str = ""
    seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, jobs: Jobs, job_id: str) -> Known:
        known, after = cls(), 0
        while events := jobs.events(job_id, after=after):
            for event in events:
                known.hear(event.type, event.data)
            after = events[-1].seq
        return known

    def hear(self, type: str, data: dict[str, Any]) -> None:
        if seen := data.get("remote_id"):
            self.seen.add(str(seen))
        if type != REMOTE:
            return
        if "file" in data:
            self.files[str(data["part"])] = str(data["file"])
        self.intended = self.intended or data.get("intent") == "create"
        self.job = str(data.get("job") or self.job)


def record(run: JobRun, known: Known, **data: Any) -> None:
    """Write down, under the fence, what is at the provider."""
    run.event(REMOTE, data)
    known.hear(REMOTE, data)


@dataclass(frozen=True, slots=True)
class Approved:
    """What a person agreed to, as far as it is about the provider."""

    endpoint: str
    provider: str
    hyperparameters: dict[str, Any]


def approved_of(run: JobRun, spec: RunSpec, provider: OpenAI) -> Approved:
    """From the approval; a job without one was decided elsewhere, for the service of today's settings."""
    if run.job.approval_id is None:
        return Approved(provider.endpoint.host, provider.quirks.name, hyperparameters(spec))
    subject = run.services.approvals.get(run.job.approval_id).subject["hosted"]
    return Approved(subject["endpoint"], subject["provider"], subject["hyperparameters"])


def hyperparameters(spec: RunSpec, *, asked: frozenset[str] | None = None) -> dict[str, Any]:
    """In OpenAI's words. What nobody asked for is the provider's to choose; `asked` names what somebody did."""
    if spec.epochs != int(spec.epochs):
        raise BadInput(
            f"A hosted provider trains whole epochs, not {spec.epochs:g}.",
            fix=f"Ask for {max(1, round(spec.epochs))}.",
            code="bad_spec",
            param="epochs",
        )
    found: dict[str, Any] = {"n_epochs": int(spec.epochs)}
    if spec.learning_rate_multiplier is not None:
        found["learning_rate_multiplier"] = spec.learning_rate_multiplier
    if "batch_size" in (asked or ()):
        found["batch_size"] = spec.batch_size
    if spec.objective == "dpo":
        found["beta"] = spec.beta
    return found


def run(run: JobRun) -> None:
    """Entry for jobs of kind `train` whose spec names a hosted provider."""
    from trainer.jobs.hosted_create import Creation
    from trainer.jobs.hosted_watch import Watch

    spec = RunSpec(**{key: value for key, value in run.job.spec.items() if key not in BESIDE})
    known = Known.of(run.services.jobs, run.job.id)
    try:
        provider = OpenAI.of(run.services.settings)
        approved = approved_of(run, spec, provider)
        _still_there(provider, approved, spec, known)
        remote = Creation(run, spec, provider, known, approved).job()
        register(run, spec, provider, Watch(run, provider, known).to_the_end(remote))
    except TunesmithError as error:
        raise error if isinstance(error, LostLease) else _with_warning(error, known) from None


def _still_there(provider: OpenAI, approved: Approved, spec: RunSpec, known: Known) -> None:
    """Rows go only where a person agreed to send them, and only while something can be made there."""
    if (provider.endpoint.host, provider.quirks.name) != (approved.endpoint, approved.provider):
        raise Conflict(
            f"The hosted provider is no longer {approved.provider} at {approved.endpoint}, which was approved.",
            fix="Set it back, or ask again so that somebody can approve the new one.",
            code="endpoint_changed",
        )
    if not known.job:
        refuse_closed(provider, spec.base, date.today())


def refuse_closed(provider: OpenAI, base: str, today: date) -> None:
    ended = closed(provider.quirks.dates, base, provider.quirks.closes, today)
    if ended:
        raise BadInput(
            f"Nothing can be made there any more: {ended}",
            fix="Train locally instead (leave --provider out), or use another provider.",
            code="provider_ended",
            param="base",
        )


def _with_warning(error: TunesmithError, known: Known) -> TunesmithError:
    """The same error; where a job may live on at the provider, it says so."""
    if getattr(error, "ended_there", False):
        return error
    if known.job:
        more = f"Job {known.job} may go on at the provider and cost money: look there, or run `tunesmith hosted list`."
    elif known.intended and unclear(error):
        more = "Whether a job was made there is not known for sure: look there, since it would be billed."
    else:
        return error
    return type(error)(error.what, fix=f"{error.fix} {more}".strip(), code=error.code, param=error.param)


def register(run: JobRun, spec: RunSpec, provider: OpenAI, remote: RemoteJob) -> None:
    """End the job and register its model in one transaction. The model is a name at the provider, and no file here."""
    name = remote.fine_tuned_model
    if not name:
        raise TunesmithError(
            f"{provider.endpoint.title} says that {remote.id} succeeded, but names no model.",
            fix="Look at the job there.",
            code="provider_no_model",
        )
    tokens = remote.trained_tokens or 0
    spent = cost(tokens, 1, provider.quirks.prices, spec.base, today=date.today())
    told = {
        "provider": provider.quirks.name,
        "endpoint": provider.endpoint.host,
        "remote_job": remote.id,
        "remote_model": name,
        "hyperparameters": remote.hyperparameters,
        "result_files": list(remote.result_files),
        "trained_tokens": tokens,
        "cost_usd": spent.usd,
        "cost": spent.words,
    }
    dataset = run.services.datasets.get(run.job.dataset_id)
    card = told | {
        "job_id": run.job.id,
        "spec": spec.model_dump(mode="json"),
        "spec_digest": spec.digest(),
        "dataset": {"id": dataset.id, "sha256": dataset.sha256, "fingerprint": dataset.fingerprint},
        "base": {"name": spec.base, "location": f"{SCHEME}{spec.base}"},
        "is_adapter": False,
        "seed": spec.seed,
        "made_at": int(time.time()),
    }
    model_id = _id_for(run, spec, name)
    took = round(time.time() - (run.job.started_at or time.time()), 1)
    with run.lease.fenced() as session:
        add_model(
            session,
            run.job,
            model_id=model_id,
            base=spec.base,
            base_location=f"{SCHEME}{name}",
            method=f"hosted {spec.objective}",
            is_adapter=False,
            manifest={"files": {}},
            card=card,
        )
        run.lease.finish(
            session,
            JobStatus.SUCCEEDED,
            result=told | _figures(run) | {"model_id": model_id, "seconds": took},
            model_id=model_id,
            trained_tokens=tokens,
        )


def _figures(run: JobRun) -> dict[str, Any]:
    """Steps and last losses, of the provider's own events."""
    found: dict[str, Any] = {}
    after = 0
    while events := run.services.jobs.events(run.job.id, after=after):
        for event in events:
            if event.type == "progress" and event.data.get("step"):
                told = {"steps": "total_steps", "train_loss": "loss", "val_loss": "val_loss"}
                found |= {ours: event.data[name] for ours, name in told.items() if event.data.get(name) is not None}
        after = events[-1].seq
    return found


def _id_for(run: JobRun, spec: RunSpec, name: str) -> str:
    """The provider's own name where it has our shape and is free, so that programs go on calling what they call."""
    ours = re.fullmatch(r"ft:[\w./-]+(?::[\w.-]*){2,3}", name) and len(name) <= LONGEST_ID
    if ours and run.services.models.find(name) is None:
        return name
    return ids.model_id(spec.base, run.job.team, spec.suffix)
