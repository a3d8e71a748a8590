"""Canaries: every night what an alias serves answers rows of promotion day again. They speak only where it is worse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.request import urlopen

from pydantic import SecretStr
from sqlalchemy import func, select

from trainer.errors import BadInput, NotFound
from trainer.evals.asking import Ask, ask_all
from trainer.evals.case import CANDIDATE, Answer, Case, Contestant, Role, Suite
from trainer.evals.gate import GateSpec
from trainer.evals.metrics import load_metric, scored
from trainer.evals.outcome import Row
from trainer.evals.stats import Paired, mcnemar_exact
from trainer.jobs import hosted_answers
from trainer.jobs.child import JobRun
from trainer.jobs.contestants import Entrant, asker, base_of
from trainer.jobs.evaluate_progress import told
from trainer.providers.endpoint import Endpoint, remote_name
from trainer.providers.openai import OpenAI
from trainer.providers.quirks import load_quirks
from trainer.services import Services
from trainer.store.tables import Alias, Evaluation, Job, now
from trainer.types import JobKind, JobStatus

ROWS = 100  # of the test part, the same ones every time
TEST = "test"


# when


def enqueue(services: Services) -> list[Job]:
    """A canary for every alias that serves a promoted model and was not asked for `settings.canary_hours`. What a
    provider serves is left alone: to ask there costs money, and only people spend it."""
    hours = services.settings.canary_hours
    due = [made for alias in services.aliases.list() if hours > 0 and (made := _due(services, alias, hours))]
    for job in due:
        services.wakeups.enqueue(job)
    return due


def _due(services: Services, alias: Alias, hours: float) -> Job | None:
    model, evidence = services.models.find(alias.model_id), _evidence(services, alias)
    if model is None or evidence is None or remote_name(model.base_location):
        return None
    evaluation, origin = evidence
    mine = select(func.max(Job.created_at)).where(
        Job.kind == JobKind.CANARY.value, Job.spec["alias"].as_string() == alias.name
    )
    with services.db.write() as session:
        last = max(alias.updated_at, session.scalar(mine) or 0.0)
        if (session.scalar(select(now())) or 0.0) - last < hours * 3600:
            return None
        return services.jobs.add(
            session,
            JobKind.CANARY,
            spec={"base": model.base, "alias": alias.name, "revision": alias.revision, "evaluation": evaluation.id},
            dataset_id=evaluation.dataset_id,
            model_id=model.id,
            owner=alias.updated_by,
            team=services.settings.team,
            origin=origin,
        )


def _evidence(services: Services, alias: Alias) -> tuple[Evaluation, dict[str, Any]] | None:
    """The evaluation that the model was promoted with, and the thread of that promotion."""
    for change in services.aliases.history(alias.name):
        if change.model_id != alias.model_id:
            continue
        try:
            approval = services.approvals.get(change.approval_id)
            return services.models.evaluation(str(approval.subject.get("evaluation_id"))), approval.origin
        except NotFound:
            continue
    return None


# what


def run(run: JobRun) -> None:
    """Entry of the child process for jobs of kind `canary`."""
    services, spec = run.services, run.job.spec
    evaluation = services.models.evaluation(spec["evaluation"])
    gate = GateSpec.model_validate(evaluation.report["gate"])
    rows = _rows(services, evaluation)
    today = _ask(run, rows, gate)
    said = compare(rows, today, gate)
    result = {"alias": spec["alias"], "model_id": run.job.model_id, "evaluation_id": evaluation.id, **said}
    with run.lease.fenced() as session:
        run.lease.finish(session, JobStatus.SUCCEEDED, result=result)


def _rows(services: Services, evaluation: Evaluation) -> list[Row]:
    import msgspec

    whole = json.loads(services.blobs.get_bytes(evaluation.report["rows_sha256"]))
    rows = [msgspec.convert(row, Row) for row in whole if row["suite"] == TEST and CANDIDATE in row["answers"]]
    if not rows:
        raise BadInput("Promotion day's evaluation holds no answers to compare with.", code="no_answers")
    return sorted(rows, key=lambda row: hashlib.blake2b(row.id.encode()).digest())[:ROWS]


def _ask(run: JobRun, rows: Sequence[Row], gate: GateSpec) -> dict[str, Answer]:
    """What the model says now: by the engine that serves it, else loaded here."""
    model = run.services.models.get(run.job.model_id or "")
    suite = Suite(TEST, "", tuple(_case(row) for row in rows), Role.TEST)
    entrant = Entrant(Contestant(CANDIDATE, model.id), base_of(model), model)
    served = _engine(run, model.id)
    answers = ask_all(
        [suite],
        [entrant.contestant],
        ask=served or asker(run, [entrant]),
        decoding=gate.decoding,
        on_progress=told(run, "evaluating"),
    )
    return {case: answer for (_, _, case), answer in answers.items()}


def _engine(run: JobRun, model: str) -> Ask | None:
    """The engine behind the gateway, where it is up."""
    url = run.services.settings.engine
    try:
        urlopen(f"{url}/health", timeout=3).close()  # noqa: S310 (an address of the settings)
    except (OSError, ValueError):
        return None
    engine = OpenAI(Endpoint(load_quirks("custom"), f"{url}/v1", SecretStr(""), timeout_s=300), retries=2)
    return lambda requests: hosted_answers.answers(engine, {CANDIDATE: model}, requests, range(len(requests)))


def _case(row: Row) -> Case:
    return Case(row.id, row.messages, row.expected, row.slices, (), row.group)


def compare(rows: Sequence[Row], today: dict[str, Answer], gate: GateSpec) -> dict[str, Any]:
    """Then and now, row by row: {"rows", "same", "changed", "right_then", "right_now", "p", "worse"}. Worse means
    fewer rows right by the gate's primary metric, beyond chance by its alpha; a primary metric that knows no right and
    wrong tells only what changed."""
    metric = load_metric(gate.primary, **gate.arguments)
    judged = [row for row in rows if metric.unit == "share" and gate.primary in row.scores.get(CANDIDATE, {})]
    then = [row.scores[CANDIDATE][gate.primary] >= 1 for row in judged]
    fresh = [scored(metric, _case(row), today[row.id]) >= 1 for row in judged]
    pairs = Paired.of(then, fresh)
    p = mcnemar_exact(pairs.base_only, pairs.tuned_only)
    same = sum(row.answers[CANDIDATE].text == today[row.id].text for row in rows)
    return {
        "rows": len(rows),
        "same": same,
        "changed": len(rows) - same,
        "right_then": sum(then),
        "right_now": sum(fresh),
        "p": p,
        "worse": p < gate.alpha and sum(fresh) < sum(then),
    }
