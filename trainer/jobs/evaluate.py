"""The evaluation job: base and tuned model answer the sealed test split and the regression suite."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.bases import Base
from trainer.errors import BadInput
from trainer.evals.gate import GateSpec
from trainer.evals.run import EvalReport, evaluate
from trainer.evals.suites import load_cases
from trainer.jobs.child import Run
from trainer.jobs.train import lay_out, ready_base, tell
from trainer.methods.method import Stopped
from trainer.registry.models import add_evaluation
from trainer.store.tables import Model
from trainer.types import GenerateRequest, GenerateResult, JobStatus, TrainProgress

CANDIDATE = "candidate"


def run(run: Run) -> None:
    """Entry of the child process for jobs of kind `eval`."""
    if run.job.model_id is None:
        raise BadInput("The evaluation names no model.", fix="Ask for it again.")
    model = run.services.models.get(run.job.model_id)
    base = Base(model.base, model.base_location)
    tell(run, TrainProgress("loading"))
    ready_base(run, base)
    files = lay_out(run)
    artifact = run.services.blobs.get_folder(model.manifest, run.folder / "artifact")
    report = _evaluate(run, model, base, files, artifact)
    _register(run, report)


def _evaluate(run: Run, model: Model, base: Base, files: dict[str, Path], artifact: Path) -> EvalReport:
    suite = base.carried("suite.jsonl")
    return evaluate(
        load_cases(files["test"]),
        load_cases(suite) if suite else [],
        generate=_generator(run, model, base, artifact),
        candidate=CANDIDATE,
        train_prompts=[case.messages for case in load_cases(files["train"])],
        on_progress=_progress(run),
        gate=GateSpec(),
    )


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


def _generator(run: Run, model: Model, base: Base, artifact: Path) -> Any:
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
    with run.lease.fenced() as session:
        row = add_evaluation(session, run.job, verdict=report.verdict.value, report=report.to_dict())
        result = {"evaluation_id": row.id, "verdict": row.verdict, "model_id": run.job.model_id}
        run.lease.finish(session, JobStatus.SUCCEEDED, result=result)
