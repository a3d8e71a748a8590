"""The evaluation job: base and tuned model answer the sealed test split and the regression suite."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.bases import Base
from trainer.data.split import prompt_keys
from trainer.errors import BadInput
from trainer.evals.gate import GateSpec
from trainer.evals.outcome import EvalReport
from trainer.evals.run import evaluate
from trainer.evals.suites import load_suite
from trainer.jobs.child import Run
from trainer.jobs.hosted_answers import CANDIDATE, hosted_generator
from trainer.jobs.train import lay_out, ready_base, tell
from trainer.methods.method import Stopped
from trainer.registry.models import add_evaluation
from trainer.store.tables import Model
from trainer.types import GenerateRequest, GenerateResult, JobStatus, TrainProgress


def run(run: Run) -> None:
    """Entry of the child process for jobs of kind `eval`."""
    if run.job.model_id is None:
        raise BadInput("The evaluation names no model.", fix="Ask for it again.")
    model = run.services.models.get(run.job.model_id)
    base = Base(model.base, model.base_location)
    tell(run, TrainProgress("loading"))
    ready_base(run, base)
    files = lay_out(run, ("train", "test"))
    artifact = run.services.blobs.get_folder(model.manifest, run.folder / "artifact")
    report = _evaluate(run, model, base, files, artifact)
    _register(run, report)


def _evaluate(run: Run, model: Model, base: Base, files: dict[str, Path], artifact: Path) -> EvalReport:
    suite = base.carried("suite.jsonl")
    test = load_suite(files["test"])
    report = evaluate(
        test.cases,
        load_suite(suite).cases if suite else (),
        generate=hosted_generator(run, model) or _generator(model, base, artifact),
        candidate=CANDIDATE,
        train_prompts=_seen_in_training(run, model, base, files["train"]),
        on_progress=_progress(run),
        gate=GateSpec(),
    )
    said = [*test.notes]
    if test.skipped:
        said.append(f"{len(test.skipped)} test rows in which tools take part, or nothing is asked, were not scored.")
    return replace(report, reasons=(*report.reasons, *said)) if said else report


def _seen_in_training(run: Run, model: Model, base: Base, train_file: Path) -> set[str]:
    """Prompts of every row that training may have seen: the train part, and replay rows where mixed in."""
    seen = prompt_keys(train_file)
    replay = base.carried("replay.jsonl")
    if replay and run.services.jobs.get(model.job_id).spec.get("replay"):
        seen |= prompt_keys(replay)
    return set(seen)


def _progress(run: Run) -> Any:
    """Events at most twice a second, with an ETA; also the place where a request to stop is heard."""
    began, told = time.monotonic(), [0.0]

    def on_progress(done: int, total: int) -> None:
        reason = run.should_stop()
        if reason:
            raise Stopped(reason)
        clock = time.monotonic()
        if clock - told[0] < 0.5 and done < total:
            return
        told[0] = clock
        eta = (clock - began) / done * (total - done) if done else None
        tell(run, TrainProgress("evaluating", done, total, eta_s=eta))

    return on_progress


def _generator(model: Model, base: Base, artifact: Path) -> Any:
    """One function that answers for the base and, by `adapter`, for the candidate."""
    from trainer.inference.model import load

    if model.is_adapter:
        return load(base.location, adapters={CANDIDATE: str(artifact)}).generate
    sides = {None: load(base.location), CANDIDATE: load(str(artifact))}

    def generate(requests: Sequence[GenerateRequest], **options: Any) -> list[GenerateResult]:
        answers: dict[int, GenerateResult] = {}
        for side, generator in sides.items():
            mine = [(i, r) for i, r in enumerate(requests) if r.adapter == side]
            plain = [GenerateRequest(r.messages, None, r.max_tokens, r.temperature) for _, r in mine]
            answers |= dict(zip([i for i, _ in mine], generator.generate(plain, **options), strict=True))
        return [answers[i] for i in range(len(requests))]

    return generate


def _register(run: Run, report: EvalReport) -> None:
    summary = report.to_dict()
    rows = json.dumps(summary.pop("rows"), ensure_ascii=False).encode()
    summary["rows_sha256"] = run.services.blobs.put_bytes(rows)  # every answer, kept out of the database
    with run.lease.fenced() as session:
        row = add_evaluation(session, run.job, verdict=report.verdict.value, report=summary)
        result = {"evaluation_id": row.id, "verdict": row.verdict, "model_id": run.job.model_id}
        run.lease.finish(session, JobStatus.SUCCEEDED, result=result)
