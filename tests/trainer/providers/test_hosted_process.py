"""The same with real processes: a trainer killed between making the job and recording it, and the terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from tests.conftest import ROOT, wait_until
from tests.trainer.providers.conftest import BASE, KEY, Fake, House, chat_row
from tools.cli.main import app
from trainer.jobs.worker import run_attempt
from trainer.store.tables import Job
from trainer.types import JobStatus


def environment(house: House) -> dict[str, str]:
    settings = house.services.settings
    return {
        "TUNESMITH_HOME": str(settings.home),
        "REDIS_URL": settings.redis,
        "TUNESMITH_TUNING_PROVIDER": "custom",
        "TUNESMITH_TUNING_BASE_URL": house.fake.url,
        "TUNESMITH_TUNING_API_KEY": KEY,
        "TUNESMITH_TUNING_TIMEOUT_S": "20",
        "TUNESMITH_TUNING_POLL_S": "0.05",
    }


def trainers(job: Job) -> list[int]:
    return [
        p.pid
        for p in psutil.process_iter(["cmdline"])
        if {"trainer.jobs.child", job.id} <= set(p.info["cmdline"] or [])
    ]


def test_kill_9_between_making_the_job_and_recording_it_pays_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(house).items():
        monkeypatch.setenv(name, value)
    house.fake.order(fault="hang_after", on="POST /v1/fine_tuning/jobs")
    job = house.submit()
    attempt = threading.Thread(target=run_attempt, args=(house.services, job.id))
    attempt.start()
    wait_until(lambda: house.fake.state()["jobs"], 60, "the job at the provider")

    os.kill(trainers(job)[0], signal.SIGKILL)
    attempt.join(30)
    assert [e.data for e in house.services.jobs.events(job.id) if "job" in e.data] == [], "it was not recorded"
    run_attempt(house.services, job.id)

    ended = house.services.jobs.get(job.id)
    assert ended.status == JobStatus.SUCCEEDED, ended.error
    assert [a.outcome for a in house.services.jobs.attempts(job.id)] == ["crashed", "succeeded"]
    assert len(house.fake.state()["jobs"]) == 1 and len(house.fake.state()["files"]) == 2
    assert "adopted" in house.notes(job)


def test_a_person_at_the_terminal_trains_lists_and_evaluates(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(house).items():
        monkeypatch.setenv(name, value)
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(chat_row(n)) + "\n" for n in range(40)))

    def tunesmith(*words: str, code: int = 0) -> dict:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == code, done.output
        (answer,) = [line for line in done.stdout.splitlines() if line.startswith("{")]  # the rest is the log
        return json.loads(answer)

    job = tunesmith("train", str(rows), "--provider", "openai", "--base", BASE, "--epochs", "3", "--lr-multiplier", "2")
    assert job["status"] == "succeeded" and job["fine_tuned_model"].startswith(f"ft:{BASE}:acme:")
    (listed,) = tunesmith("hosted", "list")["jobs"]
    assert listed["remote_status"] == "succeeded" and listed["id"] == job["id"]
    assert len(tunesmith("hosted", "checkpoints", job["id"])["checkpoints"]) == 2
    assert "cannot be asked to pause" in tunesmith("hosted", "pause", job["id"], code=2)["error"]["message"]
    judged = tunesmith("eval", job["fine_tuned_model"], code=1)  # the fake learns nothing
    assert judged["verdict"] in ("FAIL", "INCONCLUSIVE") and judged["report"]["test_rows"] > 0


def test_the_fake_is_a_program_and_remembers(tmp_path: Path) -> None:
    from tests.conftest import free_port

    port = free_port()
    command = [
        sys.executable,
        "-m",
        "trainer.providers.fake",
        "--port",
        str(port),
        "--state",
        str(tmp_path),
        "--key",
        KEY,
    ]
    for expected in (0, 1):
        with subprocess.Popen(command, cwd=ROOT) as process:
            fake = Fake.__new__(Fake)
            fake.port = port
            wait_until(partial(answers, fake), 30, "the fake's port")
            files = fake.client.files.list().data
            fake.client.files.create(file=("a.jsonl", b"{}\n"), purpose="fine-tune")
            process.kill()
        assert len(files) == expected


def answers(fake: Fake) -> bool:
    try:
        return bool(fake.state())
    except OSError:
        return False
