"""The evaluation job: everybody answers the sealed test part and the suites of the gate; the gate decides."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from trainer.bases import Base
from trainer.errors import BadInput
from trainer.evals.asking import Progress
from trainer.evals.gate import GateSpec
from trainer.evals.outcome import EvalReport, JudgeReport, Row
from trainer.evals.run import Judge, evaluate
from trainer.jobs import contestants, evaluate_gate, evaluate_suites
from trainer.jobs.child import Run
from trainer.jobs.evaluate_answers import Kept, key_of
from trainer.jobs.train import lay_out, ready_base, tell
from trainer.methods.method import Stopped
from trainer.registry.models import add_evaluation
from trainer.store import answers
from trainer.store.tables import Model
from trainer.types import JobStatus, TrainProgress


def run(run: Run) -> None:
    """Entry of the child process for jobs of kind `eval`."""
    if run.job.model_id is None:
        raise BadInput("The evaluation names no model.", fix="Ask for it again.")
    model = run.services.models.get(run.job.model_id)
    tell(run, TrainProgress("loading"))
    ready_base(run, Base(model.base, model.base_location))
    report, key = _evaluate(run, model)
    _register(run, report, key)


def _evaluate(run: Run, model: Model) -> tuple[EvalReport, str]:
    asked, services = run.job.spec, run.services
    gate, registered = evaluate_gate.of(services, model)
    files = lay_out(run, ("train", "test"))
    suites = evaluate_suites.of(run, model, gate, files["test"])
    entrants, notes = contestants.line_up(
        services, model, gate, alias=asked.get("alias", ""), against=asked.get("against", ())
    )
    key = key_of(entrants, gate, suites)
    report = evaluate(
        suites,
        [entrant.contestant for entrant in entrants],
        ask=contestants.asker(run, entrants),
        gate=gate,
        seen=evaluate_suites.seen(run, model, files["train"]),
        shots=evaluate_suites.shots(files["train"], gate.few_shot),
        book=Kept(run, key),
        judge=_judge(run, gate, entrants),
        registered=registered,
        looks=evaluate_gate.looks(services, run.job),
        notes=notes,
        on_progress=progress(run, "evaluating"),
    )
    return report, key


def progress(run: Run, stage: str) -> Progress:
    """Events at most twice a second, with the seconds left by the pace since the first call, so that what an earlier
    attempt did does not count; also the place where a request to stop is heard."""
    began, told, known = time.monotonic(), [0.0], [-1]

    def on_progress(done: int, total: int) -> None:
        if reason := run.should_stop():
            raise Stopped(reason)
        if known[0] < 0:
            known[0] = done
        clock = time.monotonic()
        if clock - told[0] < 0.5 and done < total:
            return
        told[0] = clock
        made = done - known[0]
        eta = (clock - began) / made * (total - done) if made else None
        tell(run, TrainProgress(stage, done, total, eta_s=eta))

    return on_progress


def _judge(run: Run, gate: GateSpec, entrants: Sequence[contestants.Entrant]) -> Judge | None:
    """A language model as a judge, where the gate names one; it sees answers, never who gave them."""
    if gate.judge is None:
        return None
    from trainer.evals.judges import judge

    def judged(rows: Sequence[Row]) -> JudgeReport:
        others = [e.contestant.key for e in entrants if e.contestant.key != contestants.CANDIDATE]
        return judge(
            gate.judge,
            rows=rows,
            against=contestants.HOLDER if contestants.HOLDER in others else others[0],
            contestants=[entrant.contestant for entrant in entrants],
            settings=run.services.settings,
            db=run.services.db,
            labels=(),
            on_progress=progress(run, "judging"),
            should_stop=run.should_stop,
        )

    return judged


def _register(run: Run, report: EvalReport, key: str) -> None:
    """The evaluation is there, its answers are no longer owed, and the job has ended, in one transaction."""
    summary = report.to_dict()
    rows = json.dumps(summary.pop("rows"), ensure_ascii=False).encode()
    summary["rows_sha256"] = run.services.blobs.put_bytes(rows)  # every answer, kept out of the database
    with run.lease.fenced() as session:
        row = add_evaluation(session, run.job, verdict=report.verdict.value, report=summary)
        answers.forget(session, key)
        result = {"evaluation_id": row.id, "verdict": row.verdict, "model_id": run.job.model_id}
        run.lease.finish(session, JobStatus.SUCCEEDED, result=result)
