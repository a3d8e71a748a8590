"""`tunesmith train | sweep | eval | status | cancel`: start a job and watch it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tools import approvals, datasets, evaluation, gates, sentences, sweep, training
from tools.cli import shapes
from tools.cli.follow import follow
from tools.cli.output import FINDINGS, GOOD, INTERRUPTED, Json, answers, finish, opened, progress_console
from tools.cli.run_options import VALUES, WHAT, takes_run_options
from tools.context import Context
from tools.specs import make_spec
from trainer.errors import BadInput
from trainer.evals.gate.reading import read
from trainer.store.tables import Dataset, Job
from trainer.types import CheckReport, GateVerdict, JobStatus, Severity, Verdict

DatasetArg = Annotated[str, typer.Argument(help="A JSONL file, or a dataset's id (file-…).")]
GateFile = Annotated[
    Path | None,
    typer.Option("--gate", metavar="FILE", help="A YAML file: what the model must show. Frozen before training."),
]
AliasName = Annotated[
    str | None, typer.Option("--alias", help="The alias that it is meant for: it must beat what that serves, too.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Watch the job to its end.")]


def register(app: typer.Typer) -> None:
    app.command("train")(train)
    app.command("sweep")(sweep_)
    app.command("eval")(evaluate)
    app.command("status")(status)
    app.command("cancel")(cancel)


@answers
@takes_run_options(*WHAT, *VALUES, "seed", "suffix", "provider", "learning_rate_multiplier")
def train(
    dataset: DatasetArg,
    *,
    said: dict[str, Any],
    gate: GateFile = None,
    alias: AliasName = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Train on a dataset. At a terminal you are the person who approves the cost, so it starts at once."""
    with opened() as context:
        make_spec(said)  # a wrong value is named before the file is read
        wanted = _gate(gate, alias)
        row = dataset_of(context, dataset)
        asked = training.request(context, row.id, said | {"gate": wanted})
        if not as_json:
            progress_console.print(sentences.estimate(asked.dataset, asked.spec, asked.estimate), markup=False)
            progress_console.print(gates.sentence(asked.approval), markup=False)
        job = approvals.decide(context, asked.approval.id, approve=True).job
        assert job is not None
        _watch(context, job, wait=wait, as_json=as_json)


@answers
@takes_run_options(*WHAT, "epochs")
def sweep_(
    dataset: DatasetArg,
    *,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", metavar="NAME=LOW..HIGH|A,B,C", help="What to vary. Repeat it; none: rate and rank."),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="How many runs; 6 unless said.")] = None,
    said: dict[str, Any],
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Try several settings and judge them on the dev rows. You approve the cost by typing it; no model is kept."""
    with opened() as context:
        make_spec(said)
        row = dataset_of(context, dataset)
        asked = sweep.request(context, row.id, said, over=over or [], trials=trials)
        if not as_json:
            progress_console.print(sentences.sweep_plan(asked), markup=False)
        job = approvals.decide(context, asked.approval.id, approve=True).job
        assert job is not None
        _watch(context, job, wait=wait, as_json=as_json)


@answers
def evaluate(
    model: Annotated[str, typer.Argument(help="A model's id (ft:…), its job's id, or an alias.")],
    alias: Annotated[str | None, typer.Option(help="Compare with what this alias serves now, too.")] = None,
    against: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Compare with this model, too. Repeat it.")
    ] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Compare a tuned model with its base on the sealed test rows and the gate's suites. Exit 1 unless it says PASS."""
    with opened() as context:
        job = evaluation.start(context, model, alias=alias, against=against or ())
        if not wait:
            _watch(context, job, wait=False, as_json=as_json)
        ended = follow(context, job, quiet=as_json)
        if ended.status != JobStatus.SUCCEEDED or not ended.result:
            _end(context, ended, as_json)
        found = context.services.models.evaluation((ended.result or {})["evaluation_id"])
    code = GOOD if found.verdict == GateVerdict.PASS else FINDINGS
    finish(shapes.evaluation(found), sentences.evaluation(found), as_json=as_json, code=code)


@answers
def status(
    job: Annotated[str | None, typer.Argument(help="A job's id; none: the newest jobs.")] = None,
    as_json: Json = False,
) -> None:
    """Tell how a job is, or list the newest."""
    with opened() as context:
        if job is None:
            rows = context.services.jobs.list(limit=20)
            finish({"jobs": [shapes.job(row) for row in rows]}, sentences.jobs(rows), as_json=as_json)
        row = context.services.jobs.get(job or "")
        progress = training.latest_progress(context, row)
    finish(shapes.job(row) | {"progress": progress}, sentences.job(row, progress), as_json=as_json)


@answers
def cancel(job: Annotated[str, typer.Argument(help="A job's id.")], as_json: Json = False) -> None:
    """Stop a job; its checkpoints are kept."""
    with opened() as context:
        row, state = training.cancel(context, job)
    finish(shapes.job(row), sentences.cancelled(row, state), as_json=as_json)


def _gate(file: Path | None, alias: str | None) -> dict[str, Any]:
    """What was asked of the gate; a wrong value is named before anything is read or asked."""
    wanted = (gates.from_file(file) if file else {}) | ({"alias": alias} if alias else {})
    read(wanted)
    return wanted


def dataset_of(context: Context, name: str) -> Dataset:
    """A dataset by id, or a file that is checked and kept now."""
    path = Path(name)
    if name.startswith("file-") and not path.exists():
        return context.services.datasets.get(name)
    if not path.is_file():
        fix = "Give the path of a JSONL file, or a dataset's id (file-…)."
        raise BadInput(f"There is no file or dataset {name[:200]}.", fix=fix, code="no_file", param="dataset")
    checked = datasets.check_file(context, path, filename=path.name)
    if checked.dataset is None or checked.report.verdict is Verdict.BROKEN:
        raise BadInput(
            f"{path.name} cannot be trained on: {_why_broken(checked.report)}",
            fix=f"See what is wrong with: tunesmith data check {path}",
            code="dataset_broken",
            param="dataset",
        )
    return checked.dataset


def _why_broken(report: CheckReport) -> str:
    """The first error's own words: that there are too few rows left is seldom the cause."""
    errors = [f for f in report.findings if f.severity is Severity.ERROR]
    first = min(errors, key=lambda f: f.code == "too_few_rows")
    where = f"line {first.line}: " if first.line else ""
    return f"{report.accepted:,} of {report.rows:,} rows are usable. {where}{first.message}"


def _watch(context: Context, job: Job, *, wait: bool, as_json: bool) -> None:
    if not wait:
        text = f"{job.id} is queued. See it with: tunesmith status {job.id}"
        finish(shapes.job(job), text, as_json=as_json)
    _end(context, follow(context, job, quiet=as_json), as_json)


def _end(context: Context, job: Job, as_json: bool) -> None:
    ended = JobStatus(job.status).ended
    code = INTERRUPTED if not ended else GOOD if job.status == JobStatus.SUCCEEDED else FINDINGS
    progress = training.latest_progress(context, job)
    finish(shapes.job(job), sentences.job(job, progress), as_json=as_json, code=code)
