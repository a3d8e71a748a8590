"""The evaluation job: everybody answers the sealed test part and the suites of the gate; the gate decides."""

from __future__ import annotations

import json

from trainer.bases import Base
from trainer.errors import BadInput
from trainer.evals.outcome import EvalReport
from trainer.evals.run import evaluate
from trainer.jobs import contestants, evaluate_gate, evaluate_judge, evaluate_suites
from trainer.jobs.child import JobRun
from trainer.jobs.evaluate_answers import Kept, key_of
from trainer.jobs.evaluate_progress import told
from trainer.jobs.train import lay_out, ready_base, tell
from trainer.registry.models import add_evaluation
from trainer.store import answers
from trainer.store.tables import Model
from trainer.types import JobStatus, TrainProgress


def run(run: JobRun) -> None:
    """Entry of the child process for jobs of kind `eval`."""
    if run.job.model_id is None:
        raise BadInput("The evaluation names no model.", fix="Ask for it again.")
    model = run.services.models.get(run.job.model_id)
    tell(run, TrainProgress("loading"))
    ready_base(run, Base(model.base, model.base_location))
    report, key = _evaluate(run, model)
    _register(run, report, key)


def _evaluate(run: JobRun, model: Model) -> tuple[EvalReport, str]:
    services = run.services
    gate, registered = evaluate_gate.of(services, model)
    files = lay_out(run, ("train", "test"))
    suites = evaluate_suites.of(run, model, gate, files["test"])
    entrants, notes = contestants.line_up(services, model, gate, run.job.spec)
    key = key_of(entrants, gate, suites)
    report = evaluate(
        suites,
        [entrant.contestant for entrant in entrants],
        ask=contestants.asker(run, entrants),
        gate=gate,
        seen=evaluate_suites.seen(run, model, files["train"]),
        shots=evaluate_suites.shots(files["train"], gate.few_shot),
        book=Kept(run, key),
        judge=evaluate_judge.of(run, gate, entrants),
        registered=registered,
        looks=evaluate_gate.looks(services, run.job),
        notes=notes,
        on_progress=told(run, "evaluating"),
    )
    return report, key


def _register(run: JobRun, report: EvalReport, key: str) -> None:
    """The evaluation is there, its answers are no longer owed, and the job has ended, in one transaction."""
    summary = report.to_dict()
    rows = json.dumps(summary.pop("rows"), ensure_ascii=False).encode()
    summary["rows_sha256"] = run.services.blobs.put_bytes(rows)  # every answer, kept out of the database
    with run.lease.fenced() as session:
        row = add_evaluation(session, run.job, verdict=report.verdict.value, report=summary)
        answers.forget(session, key)
        result = {"evaluation_id": row.id, "verdict": row.verdict, "model_id": run.job.model_id}
        run.lease.finish(session, JobStatus.SUCCEEDED, result=result)
