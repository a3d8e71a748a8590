"""A preflight through its real child process: called off, it leaves at once and without a trace."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.trainer.inference.pebble import make_pebble
from tools import datasets, preflight
from tools.context import Caller, Context
from trainer.jobs.preflight import after_a_step
from trainer.jobs.worker import run_attempt
from trainer.methods.preflight import Check
from trainer.services import Services
from trainer.settings import Settings
from trainer.store.tables import Job
from trainer.types import JobStatus


@pytest.fixture
def job(services: Services, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("TUNESMITH_HOME", str(settings.home))
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    path = tmp_path / "rows.jsonl"
    turns = [[{"role": "user", "content": f"ask {n}"}, {"role": "assistant", "content": "yes"}] for n in range(30)]
    path.write_text("".join(json.dumps({"messages": pair}) + "\n" for pair in turns))
    context = Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "test", allow_paths=True), services)
    dataset = datasets.check_file(context, path, filename=path.name).dataset
    assert dataset is not None
    return preflight.start(context, dataset.id, {"base": str(make_pebble(tmp_path)), "max_length": 64})


def test_called_off_it_leaves_at_once(services: Services, settings: Settings, job: Job) -> None:
    attempt = threading.Thread(target=run_attempt, args=(services, job.id))
    attempt.start()
    wait_until(lambda: any(e.type == "progress" for e in services.jobs.events(job.id)), 60, "the preflight to begin")

    services.jobs.request_cancel(job.id, "U0ADA")
    attempt.join(20)

    assert not attempt.is_alive()
    row = services.jobs.get(job.id)
    assert (row.status, row.result, row.error) == (JobStatus.CANCELLED, None, None)
    assert [a.outcome for a in services.jobs.attempts(job.id)] == ["cancelled"]
    assert not any((settings.home / "work").glob(f"{job.id}/*/*.jsonl"))


def test_an_estimate_that_says_no_is_left_open_where_a_real_step_ran() -> None:
    refused = Check("memory", False, "20 GiB are estimated, but 10 GiB are there.", fix="Use qlora.")
    assert after_a_step(refused, {}) is refused
    held = after_a_step(refused, {"seconds_per_step": 1.0})
    assert held.ok is None and "Use qlora." in held.words
