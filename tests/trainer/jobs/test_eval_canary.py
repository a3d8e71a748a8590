"""Canaries: due a day after the promotion, quiet while nothing changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from bot import milestones
from tests.scripted_models import Upstream
from tools import canaries
from trainer.errors import TunesmithError
from trainer.evals.case import CANDIDATE, Answer
from trainer.evals.gate import GateSpec
from trainer.evals.outcome import Row
from trainer.jobs import canary, evaluate_gate
from trainer.jobs.child import JobRun, _fail
from trainer.jobs.lease import claim
from trainer.registry.aliases import swap
from trainer.registry.models import add_evaluation, add_model
from trainer.services import Services, build_services
from trainer.settings import Settings
from trainer.store import answers
from trainer.store.tables import Alias, Job
from trainer.types import ChatMessage, JobKind, JobStatus

MODEL = "ft:pebble:acme::1"
THREAD = {"channel": "C1", "thread_ts": "1.0"}


class Serving:
    """What the alias serves; `right` says how."""

    right = True

    def __call__(self, model: str, prompt: str) -> str:
        assert model == MODEL
        return prompt.upper() if self.right else "?"


@pytest.fixture
def serving() -> Serving:
    return Serving()


@pytest.fixture
def engine(serving: Serving) -> Iterator[Upstream]:
    made = Upstream(serving)
    yield made
    made.stop()


@pytest.fixture
def house(settings: Settings, engine: Upstream) -> Iterator[Services]:
    served = settings.model_copy(update={"engine_url": f"http://{engine.host}", "canary_hours": 1.0})
    with build_services(served, migrate=True) as services:
        promoted(services)
        yield services


def promoted(services: Services, rows: int = 20) -> str:
    """A model with an evaluation, and the alias that was moved to it on the strength of that."""
    said = [(f"ask {n}", f"ASK {n}") for n in range(rows)]
    kept = [
        Row("test", str(n), (ChatMessage("user", q),), a, {CANDIDATE: Answer(a)}, {CANDIDATE: {"exact_match": 1.0}})
        for n, (q, a) in enumerate(said)
    ]
    report = {"gate": GateSpec().model_dump(mode="json"), "rows": [asdict(row) for row in kept]}
    report["rows_sha256"] = services.blobs.put_bytes(json.dumps(report.pop("rows")).encode())
    with services.db.write() as session:
        wish = {"owner": "U0ADA", "team": "acme", "origin": {}, "dataset_id": "file-1"}
        trained = services.jobs.add(session, JobKind.TRAIN, spec={}, **wish)
        where = {"base": "pebble", "base_location": "/nowhere", "method": "lora", "is_adapter": True}
        add_model(session, trained, model_id=MODEL, manifest={}, card={}, **where)
        judged = services.jobs.add(session, JobKind.EVAL, spec={}, model_id=MODEL, **wish)
        trained.status = judged.status = JobStatus.SUCCEEDED.value
        evidence = add_evaluation(session, judged, verdict="PASS", report=report).id
    subject = {"alias": "tickets", "model_id": MODEL, "evaluation_id": evidence}
    approval = services.approvals.ask("promote", subject, by="U0ADA", origin=THREAD)
    with services.db.write() as session:
        swap(session, "tickets", MODEL, expected=0, by="U0GRACE", approval_id=approval.id)
    return evidence


def nightly(services: Services) -> Job:
    """A day later: the canary is asked for, and one attempt is made."""
    with services.db.write() as session:
        session.get_one(Alias, "tickets").updated_at -= 2 * 3600
        for job in session.query(Job).filter(Job.kind == "canary"):
            job.created_at -= 2 * 3600
    (job,) = canary.enqueue(services)
    assert canary.enqueue(services) == [] and job.origin == THREAD
    lease = claim(services.db, job.id, worker="test", lease_s=30)
    assert lease is not None
    try:
        canary.run(JobRun(services, services.jobs.get(job.id), lease))
    except TunesmithError as error:
        _fail(lease, error.code, str(error))
    return services.jobs.get(job.id)


def said(services: Services, job: Job) -> list[Any]:
    """What the thread of the promotion hears."""
    job, events = services.jobs.get(job.id), services.jobs.events(job.id)
    return [card for event in events for _, card, _ in milestones.of(services, job, event)]


def test_it_speaks_when_the_alias_gets_worse_and_when_it_is_well_again(house: Services, serving: Serving) -> None:
    assert canary.enqueue(house) == []  # it was promoted just now
    heard = []
    for right in (True, False, False, True):
        serving.right = right
        job = nightly(house)
        assert job.status == JobStatus.SUCCEEDED, job.error
        heard.append((job, said(house, job)))
    results = [job.result or {} for job, _ in heard]
    assert [(r["rows"], r["same"], r["worse"]) for r in results] == [
        (20, 20, False),
        (20, 0, True),
        (20, 0, True),
        (20, 20, False),
    ]
    assert [len(cards) for _, cards in heard] == [0, 1, 0, 1]
    assert "0 of 20 rows" in str(heard[1][1]) and "rollback tickets" in str(heard[1][1])
    assert "well again" in str(heard[3][1])


def test_an_alias_that_cannot_be_asked_is_said_once(house: Services, engine: Upstream) -> None:
    engine.gone_after[MODEL] = 0
    first, second = nightly(house), nightly(house)
    assert first.status == JobStatus.FAILED and (first.error or {})["code"] == "contestant_silent"
    assert len(said(house, first)) == 1 and said(house, second) == []
    assert "could not be asked" in str(said(house, first))


def test_so_many_rows_and_no_more_are_asked(services: Services) -> None:
    evidence = services.models.evaluation(promoted(services, rows=130))
    chosen = [row.id for row in canary._rows(services, evidence)]
    assert len(set(chosen)) == canary.ROWS and chosen == [row.id for row in canary._rows(services, evidence)]


def test_without_hours_there_is_no_canary(house: Services) -> None:
    never: Any = SimpleNamespace(
        settings=house.settings.model_copy(update={"canary_hours": 0.0}), aliases=house.aliases
    )
    assert canary.enqueue(never) == []
    assert canaries.state(Job(status="succeeded", result={"worse": False})) == canaries.WELL


def test_questions_to_the_database_are_understood_by_both(any_services: Services) -> None:
    services, answer = any_services, Answer("yes", tokens=1, nats=0.5, nats_tokens=2)
    evidence = services.models.evaluation(promoted(services))
    with services.db.write() as session:
        for _ in range(2):
            answers.keep(session, "run", [((CANDIDATE, "test", "1"), answer), ((CANDIDATE, "test", "2"), Answer(""))])
        answers.keep(session, "other", [((CANDIDATE, "test", "1"), answer)])
    assert services.answers.known("run") == {(CANDIDATE, "test", "1"): answer, (CANDIDATE, "test", "2"): Answer("")}
    with services.db.write() as session:
        answers.forget(session, "run")
        session.get_one(Alias, "tickets").updated_at -= 48 * 3600
    assert services.answers.known("run") == {} and len(services.answers.known("other")) == 1
    services.answers.drop_older(-1)
    assert services.answers.known("other") == {}
    mine: Any = services.jobs.get(evidence.job_id)
    another: Any = SimpleNamespace(dataset_id=mine.dataset_id, model_id="ft:another")
    assert (evaluate_gate.looks(services, mine), evaluate_gate.looks(services, another)) == (1, 2)
    (job,) = canary.enqueue(services)
    assert canary.enqueue(services) == [] and canaries.news(services, job) is None
