"""A worker that is killed in the middle of an evaluation: the next one asks nothing twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import wait_until
from tests.faults.conftest import Farm, row
from tests.scripted_models import Upstream
from tools import datasets, evaluation
from tools.context import Caller, Context
from tools.datasets.splitting import make_split
from trainer.jobs.hosted_answers import AT_ONCE
from trainer.jobs.reconcile import reconcile
from trainer.jobs.worker import run_attempt
from trainer.registry.models import add_model
from trainer.services import build_services
from trainer.settings import load_settings
from trainer.store.tables import GivenAnswer, Job
from trainer.types import JobKind, JobStatus

pytestmark = pytest.mark.timeout(120)
ROWS = 600  # of which about 100 are sealed
TUNED = "ft:gpt-4o-mini:acme::1"


def voice(model: str, prompt: str) -> str:
    return '{"printer": 3}' if model == TUNED else "I do not know."


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream(voice, seconds=0.05)
    yield made
    made.stop()


@pytest.fixture
def farm(tmp_path: Path, redis_url: str, upstream: Upstream) -> Iterator[Farm]:
    """As for training, with a provider and without the tiny base."""
    home = tmp_path / "home"
    own = {
        "TUNESMITH_HOME": str(home),
        "TUNESMITH_LEASE_S": "2",
        "TUNESMITH_HEARTBEAT_S": "0.3",
        "TUNESMITH_TUNING_PROVIDER": "custom",
        "TUNESMITH_TUNING_BASE_URL": upstream.url,
        "TUNESMITH_TUNING_API_KEY": "sk-test-0123456789",
        "REDIS_URL": redis_url,
    }
    with build_services(
        load_settings(home=home, redis_url=redis_url, lease_s=4.0, heartbeat_s=0.5), migrate=True
    ) as services:
        built = Farm(services, os.environ | own)
        try:
            yield built
        finally:
            built.stop()


def submit(farm: Farm, upstream: Upstream) -> Job:
    caller = Caller("U0ADA", "Ada", frozenset({"trainer"}), "test", allow_paths=True)
    context = Context(caller, farm.services)
    path = farm.services.settings.home / "rows.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(ROWS)))
    dataset = datasets.check_file(context, path, filename="rows.jsonl").dataset
    assert dataset is not None
    make_split(context, dataset)
    with farm.services.db.write() as session:
        wish = {"owner": "U0ADA", "team": "test", "origin": {}, "dataset_id": dataset.id}
        trained = farm.services.jobs.add(session, JobKind.TRAIN, spec={"provider": "openai"}, **wish)
        trained.status = JobStatus.SUCCEEDED.value
        where = {"base": "gpt-4o-mini", "base_location": f"openai:{TUNED}", "method": "supervised", "is_adapter": False}
        card = {"endpoint": upstream.host}
        add_model(session, trained, model_id=TUNED, manifest={}, card=card, **where)
    return evaluation.start(context, TUNED)


def kept(farm: Farm) -> set[tuple[str, str]]:
    with farm.services.db.read() as session:
        return {(row.contestant, row.case_id) for row in session.query(GivenAnswer)}


def test_kill_9_in_the_middle_asks_no_answered_row_again(
    farm: Farm, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(farm, upstream)
    worker = farm.start("worker", "cpu")
    wait_until(lambda: len(kept(farm)) >= 60, 60, "answers to be kept")
    (child,) = farm.trainers(job)

    worker.kill()

    wait_until(lambda: not psutil.pid_exists(child), 5, "the orphan's death")
    known = kept(farm)
    wait_until(lambda: reconcile(farm.services.db, farm.services.wakeups).requeued, 10, "the lease to run out")
    for name, value in farm.env.items():
        monkeypatch.setenv(name, value)
    assert run_attempt(farm.services, job.id) is JobStatus.SUCCEEDED, farm.services.jobs.get(job.id).error

    rows = answered(farm, job)
    names = {"base": "gpt-4o-mini", "candidate": TUNED}
    assert len(upstream.asked) == 2 * len(rows) > 150 and len(known) < 2 * len(rows)
    twice = {what for what, times in upstream.asked.items() if times > 1}
    assert not {(names[who], rows[case]) for who, case in known} & twice
    assert len(twice) <= 2 * AT_ONCE  # what was on its way when the worker died
    assert "resumed" in [e.data.get("code") for e in farm.services.jobs.events(job.id)]
    assert [a.outcome for a in farm.services.jobs.attempts(job.id)] == ["lost", "succeeded"]
    assert not kept(farm)


def answered(farm: Farm, job: Job) -> dict[str, str]:
    """The prompts of the report's rows, by case."""
    result = farm.services.jobs.get(job.id).result or {}
    report = farm.services.models.evaluation(result["evaluation_id"]).report
    rows = json.loads(farm.services.blobs.get_bytes(report["rows_sha256"]))
    return {row["id"]: row["messages"][-1]["content"] for row in rows}
