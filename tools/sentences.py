"""Results as short sentences: what the agent reads and a terminal prints. Verdict first, then numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from tools import evaluation_report, gates, hosting, promotion
from tools.context import Context
from tools.evaluation_report import NOTHING, Beside
from tools.hyperparameters import Suggestion
from tools.sweep import SweepRequest
from tools.training import TrainRequest
from tools.units import cost, duration, size
from trainer.advice.rules import Advice
from trainer.bases import known_bases
from trainer.methods.estimate import Estimate
from trainer.methods.presets import Preset
from trainer.methods.spec import RunSpec
from trainer.providers import LOCAL
from trainer.store.tables import Approval, Dataset, Evaluation, Job
from trainer.types import CheckReport, JobKind, JobStatus


def advice(made: Advice) -> str:
    """The verdict, what speaks for and against it, how, what next, and what was taken for granted."""
    lines = [made.headline]
    lines += [f"For: {reason.text} [{reason.source}]" for reason in made.reasons_for]
    lines += [f"Against: {reason.text} [{reason.source}]" for reason in made.reasons_against]
    if made.method:
        lines.append(f"Method: {made.method.name}. {made.method.why} [{made.method.source}]")
    lines += [f"Next: {step}" for step in made.next_steps]
    lines += [f"Note: {note}" for note in (*made.notes, *made.notices)]
    if made.assumed:
        lines.append(f"Assumed: {'; '.join(made.assumed)}")
    lines += [f"Tell me: {question}" for question in made.questions]
    return "\n".join(lines)


def dataset(row: Dataset, report: CheckReport) -> str:
    worst = "; ".join(f"line {f.line}: {f.code}" for f in report.findings[:3])
    return (
        f"Dataset {row.id} ({row.verdict}): {row.accepted:,} of {row.rows:,} rows usable, "
        f"{report.errors} errors, {report.warnings} warnings, {report.duplicates} exact duplicates."
        + (f" First findings: {worst}." if worst else "")
    )


def split(row: Dataset, made: dict[str, Any]) -> str:
    counts = made["counts"]
    notes = "".join(f" {note}" for note in made.get("notes") or ())
    return (
        f"{row.id} is split with seed {made['seed']}: {counts['train']:,} train, {counts['dev']:,} dev, "
        f"{counts['test']:,} test (sealed). No {_group(made)} is in two parts.{notes}"
    )


def _group(made: dict[str, Any]) -> str:
    group = str(made.get("group", "prompt"))
    return f"value of {group.removeprefix('key:')[:60]}" if group.startswith("key:") else group


def taught(method: str, objective: str | None) -> str:
    """`lora`, or `dpo with lora` where it is not plain supervised training."""
    return method if objective in (None, "supervised") else f"{objective} with {method}"


def estimate(row: Dataset, spec: RunSpec, made: Estimate) -> str:
    if spec.provider != LOCAL:
        return hosting.estimate_words(row, spec, made)
    about = (
        f"{taught(spec.method, spec.objective)} on {spec.base} with {row.id}: about {duration(made.seconds)}, "
        f"{size(made.memory_bytes)} of memory, {cost(made.cost_usd)}."
    )
    parts = f"{made.trainable_params:,} of {made.total_params:,} parameters train."
    said = (made.room, about, parts, made.basis) if made.fits is False else (about, made.room, parts, made.basis)
    return " ".join(part for part in said if part)


def presets(known: Iterable[Preset]) -> str:
    """A line each: the name, what it is for, what it sets."""
    return "\n".join(f"{p.name}: {p.about} ({_values(p.spec)})" for p in known)


def suggestion(made: Suggestion, *, in_chat: bool = False) -> str:
    """The values as one could type them, at a terminal or in chat, then why, a line each."""
    values = [f"{one.name}={one.value:g}" for one in made.advised]
    words = f"train {' '.join(values)}" if in_chat else " ".join(f"--set {value}" for value in values)
    lines = [f"For {made.dataset.id}: {words if values else 'you have named everything that the data decides.'}"]
    lines += [f"{one.name} {one.value:g}: {one.why}." for one in made.advised]
    return "\n".join([*lines, f"Based on {made.basis} Rules of thumb; a sweep on the validation rows knows better."])


def _values(spec: dict[str, Any]) -> str:
    return ", ".join(
        _values(value) if isinstance(value, dict) else f"{key}={_as_typed(value)}" for key, value in spec.items()
    )


def _as_typed(value: Any) -> str:
    """As `--set` takes it."""
    return ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


def sweep_plan(asked: SweepRequest) -> str:
    over = "; ".join(str(axis) for axis in asked.sweep.axes)
    about = estimate(asked.dataset, asked.sweep.run, asked.estimate)
    return f"{asked.sweep.trials} trials on {asked.dataset.id}: {over}. In all: {about}"


def sweep_request(asked: SweepRequest) -> str:
    return f"Waiting for approval ({asked.approval.id}); nothing runs before. {sweep_plan(asked)}"


def swept(result: dict[str, Any]) -> str:
    """The best values as one could type them, then every trial from the best to the worst."""
    words = " ".join(f"--set {name}={_short(value)}" for name, value in result["best"].items())
    trials = sorted(result["trials"], key=lambda t: math.inf if t["val_loss"] is None else t["val_loss"])
    lines = [_trial(trial) for trial in trials]
    return f"best of {len(trials)} by validation loss ({result['val_loss']:.4f}): {words}\n" + "\n".join(lines)


def _trial(trial: dict[str, Any]) -> str:
    values = ", ".join(f"{name} {_short(value)}" for name, value in trial["values"].items())
    loss = "failed" if trial["val_loss"] is None else f"{trial['val_loss']:.4f}"
    return f"{loss}  {values}{' (' + trial['note'] + ')' if trial['note'] else ''}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def train_request(asked: TrainRequest) -> str:
    text = estimate(asked.dataset, asked.spec, asked.estimate)
    gate = gates.sentence(asked.approval)
    return "\n".join(filter(None, (f"Waiting for approval ({asked.approval.id}); nothing runs before. {text}", gate)))


NOUN: dict[str, str] = {
    JobKind.TRAIN: "training",
    JobKind.EVAL: "evaluation",
    JobKind.AUGMENT: "augmentation",
    JobKind.SWEEP: "sweep",
    JobKind.PREFLIGHT: "preflight",
    JobKind.CANARY: "canary",
}
STANDS: dict[str, str] = {
    JobStatus.QUEUED: "waits for a worker",
    JobStatus.SUCCEEDED: "succeeded",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "was cancelled",
}


def job(row: Job, progress: dict[str, Any]) -> str:
    parts = [f"{row.id} ({NOUN.get(row.kind, row.kind)}) {STANDS.get(row.status, f'is {row.status}')}"]
    if row.status == JobStatus.RUNNING:
        parts.append(running(progress))
    if row.error:
        parts.append(row.error["message"])
    if row.result:
        parts.append(", ".join(filter(None, _ending(row.result))))
    return ": ".join(p.rstrip(".") for p in parts if p) + "."


def _ending(result: dict[str, Any]) -> Iterator[str]:
    """`model ft:…, 48 steps in 2 min 0 s, training loss 0.180`, or an evaluation's verdict and id."""
    if result.get("verdict"):
        yield f"{result['verdict']} for {result.get('model_id')} ({result.get('evaluation_id')})"
    elif result.get("checks"):
        failed = [check["words"] for check in result["checks"] if check["ok"] is False]
        yield "; ".join(failed) or "every check holds"
        return
    elif result.get("trials"):
        yield swept(result)
        return
    elif result.get("dataset_id"):
        yield f"{result.get('made', 0):,} rows made of {result.get('asked', 0):,}, in dataset {result['dataset_id']}"
        yield str(result.get("stopped") or "").rstrip(".")
    elif result.get("model_id"):
        yield f"model {result['model_id']}"
    if result.get("steps") is not None:
        took = f" in {duration(result['seconds'])}" if result.get("seconds") else ""
        late = ", stopped at the time limit" if "time_limit" in (result.get("notes") or {}) else ""
        early = ", stopped early" if result.get("stopped_early") else late
        yield f"{result['steps']:,} steps{took}{early}"
    if result.get("cost_usd"):
        yield f"cost about {cost(result['cost_usd'])}"
    for key, name in (("train_loss", "training loss"), ("val_loss", "validation loss")):
        if result.get(key) is not None:
            yield f"{name} {result[key]:.3f}"


def running(progress: dict[str, Any]) -> str:
    """`training, step 40/120, loss 0.412, 5,120 tokens/s, about 12 s left`."""
    bits = [str(progress.get("stage", "starting"))]
    if progress.get("total_steps"):
        bits.append(f"step {progress.get('step', 0)}/{progress['total_steps']}")
    if progress.get("loss") is not None:
        bits.append(f"loss {progress['loss']:.3f}")
    if progress.get("val_loss") is not None:
        bits.append(f"validation loss {progress['val_loss']:.3f}")
    if progress.get("tokens_per_s"):
        bits.append(f"{progress['tokens_per_s']:,.0f} tokens/s")
    if progress.get("lr"):
        bits.append(f"learning rate {progress['lr']:.2g}")
    if progress.get("peak_memory_bytes"):
        bits.append(f"peak {size(progress['peak_memory_bytes'])}")
    if progress.get("eta_s") is not None:
        bits.append(f"about {duration(progress['eta_s'])} left")
    return ", ".join(bits)


def jobs(rows: list[Job]) -> str:
    if not rows:
        return "There are no jobs yet."
    return "\n".join(f"{row.id} ({NOUN.get(row.kind, row.kind)}): {STANDS.get(row.status, row.status)}" for row in rows)


def cancelled(row: Job, status: JobStatus) -> str:
    if status is JobStatus.CANCELLED:
        return f"{row.id} is cancelled; nothing ran it at that moment."
    return f"{row.id} is asked to stop and will within seconds; its checkpoints are kept."


def evaluation_started(row: Job) -> str:
    return f"Evaluation {row.id} of {row.model_id} is queued: everybody answers the same sealed test rows."


def evaluation(row: Evaluation, beside: Beside = NOTHING) -> str:
    return evaluation_report.sentences(row, beside)


def promotion_request(asked: Approval) -> str:
    subject = asked.subject
    came = f"from {subject['previous']}" if subject["previous"] else "as a new alias"
    what = f"{asked.kind} {subject['alias']} to {subject['model_id']}"
    if asked.kind == "override":
        signed = "one more approver" if asked.signatures else "two approvers"
        return f"Waiting for {signed} to sign ({asked.id}): {what}, {came}, against the gate's {subject['verdict']}."
    return f"Waiting for a second person ({asked.id}): {what}, {came}."


def decided(row: Approval) -> str:
    """`promote approved.`, or how many signatures an override still waits for."""
    if row.kind == "override" and row.status == "pending":
        return f"{row.id}: signed, 1 of 2. Another approver has to sign before anything happens."
    return f"{row.kind} {row.status}."


def models(context: Context) -> str:
    services = context.services
    lines = []
    for model in services.models.list(limit=10):
        newest = next(iter(services.models.evaluations(model.id)), None)
        lines.append(f"{model.id} ({model.method} of {model.base}): {newest.verdict if newest else 'not evaluated'}")
    for alias in services.aliases.list():
        override = promotion.override_behind(services, alias.name, alias.model_id)
        against = f". {promotion.told(override)}" if override else ""
        lines.append(f"alias {alias.name} → {alias.model_id} (revision {alias.revision}){against}")
    if not lines:
        lines.append("No tuned models yet: drop a dataset and ask for `train`.")
    lines.append(f"Bases: {', '.join(known_bases(services.settings))}.")
    return "\n".join(lines)
