"""Ask for a sweep: several runs that differ in a few values, judged on the validation rows. A person approves the cost
of all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from tools import replay
from tools.context import TRAINER, Context
from tools.datasets import pick_dataset
from tools.training import plan, spec_of
from tools.units import duration
from trainer.errors import BadInput
from trainer.methods import fits, resolve, resolve_objective
from trainer.methods.estimate import Estimate
from trainer.methods.hardware import base_config
from trainer.methods.spec import RunSpec
from trainer.methods.sweep import Axis, SweepSpec, default_axes, make_sweep, parse_axis
from trainer.store.tables import Approval, Dataset, Job
from trainer.types import JobKind


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What somebody is asked to approve; `estimate` is of all trials together."""

    approval: Approval
    sweep: SweepSpec
    dataset: Dataset
    estimate: Estimate


def request(
    context: Context, dataset_id: str | None, overrides: dict[str, Any], *, over: list[str], trials: int | None
) -> SweepRequest:
    """`over` holds axes as people write them; without any, the learning rate and the rank are swept."""
    context.caller.need(TRAINER, "ask for a sweep")
    _no_gate(overrides)
    dataset = pick_dataset(context, dataset_id)
    spec = spec_of(context, dataset, overrides)
    if spec.provider != "local":
        raise BadInput("A sweep runs here, not at a provider.", fix="Leave the provider out.", param="provider")
    planned = plan(context, dataset, spec)
    base, one = planned.base, planned.estimate
    axes = tuple(parse_axis(text) for text in over) or _usual(spec, one)
    sweep = make_sweep(spec, axes, _counted(trials))
    for trial in sweep.ends():
        fits.check(trial, base_config(base))
        replay.check(context, dataset, base, trial)
    made = _all(one, sweep)
    subject = {
        "dataset_id": dataset.id,
        "dataset_sha256": dataset.sha256,
        "split": dataset.split,
        "base_location": base.location,
        "sweep": sweep.model_dump(mode="json"),
        "axes": [str(axis) for axis in axes],
        "estimate": asdict(made),
        **replay.covered(context, spec),
    }
    approval = context.services.approvals.ask("sweep", subject, by=context.caller.user, origin=context.caller.origin)
    return SweepRequest(approval, sweep, dataset, made)


def _no_gate(overrides: dict[str, Any]) -> None:
    """Trials are told apart on the dev rows alone, and none of their models is kept: there is nothing to promote, and
    the sealed test rows stay unseen. The run that is then trained with the best values gets the gate."""
    if overrides.get("gate"):
        raise BadInput(
            "A sweep keeps no model, so there is nothing that a gate could judge.",
            fix="Leave the gate out here, and name it when you train with the values that the sweep finds.",
            code="no_gate",
            param="gate",
        )


def _counted(trials: int | None) -> int:
    if trials is None:
        return SweepSpec.model_fields["trials"].default
    if not 2 <= trials <= 100:
        raise BadInput(
            f"A sweep of {str(trials)[:20]} trials does not fit.",
            fix="Ask for 2 to 100; without a number it makes 6.",
            code="bad_sweep",
            param="trials",
        )
    return trials


def _usual(spec: RunSpec, one: Estimate) -> tuple[Axis, ...]:
    usual = resolve(spec.method).learning_rate(one.total_params) * resolve_objective(spec.objective).rate
    return default_axes(spec, spec.learning_rate or usual)


def _all(one: Estimate, sweep: SweepSpec) -> Estimate:
    """All trials as long as the usual one: an upper bound unless epochs or replay are swept."""
    times = sweep.trials
    about = f"{times} trials of about {duration(one.seconds)} each. {one.basis}"
    return replace(
        one,
        steps=one.steps * times,
        tokens=one.tokens * times,
        seconds=one.seconds * times,
        cost_usd=round(one.cost_usd * times, 4),
        basis=about,
    )


def start(context: Context, session: Session, approval: Approval) -> Job:
    """Insert the approved job, within the transaction of the decision."""
    subject = approval.subject
    spec = subject["sweep"] | {"base_location": subject["base_location"]}
    return context.services.jobs.add_approved(session, JobKind.SWEEP, approval, spec=spec, team=context.caller.team)
