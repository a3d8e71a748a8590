"""Jobs through the real worker and the real child, on a stand-in for Slurm that really runs them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.conftest import wait_until
from trainer.errors import TunesmithError
from trainer.jobs.launchers import script, states
from trainer.jobs.launchers.command import Shape
from trainer.jobs.launchers.control import Control
from trainer.jobs.launchers.states import Seen
from trainer.jobs.worker import run_attempt
from trainer.services import Services, build_services
from trainer.settings import load_settings
from trainer.store.tables import Job, now
from trainer.types import JobKind, JobStatus

HERE = Path(__file__).parent
SECRET = "sk-do-not-tell"


class Site:
    """A cluster, an installation that uses it, and the job under test."""

    def __init__(self, services: Services, cluster: Path) -> None:
        self.services = services
        self.cluster = cluster

    def submit(self, **spec: object) -> Job:
        with self.services.db.write() as session:
            return self.services.jobs.add(
                session, JobKind.TRAIN, spec=spec, dataset_id="file-x", owner="U0ADA", team="t", origin={}
            )

    def work(self, job: Job, stop: threading.Event | None = None) -> threading.Thread:
        """One attempt, in the background."""
        thread = threading.Thread(target=run_attempt, args=(self.services, job.id), kwargs={"stop": stop}, daemon=True)
        thread.start()
        return thread

    def hold(self, yes: bool) -> None:
        (self.cluster / "hold").touch() if yes else (self.cluster / "hold").unlink()

    def preempt(self, number: int) -> None:
        (self.cluster / f"{number}.preempt").touch()

    def slurm_job(self, number: int) -> dict:
        return json.loads((self.cluster / f"{number}.json").read_text())

    def reached(self, job: Job, step: int) -> bool:
        return any(c.step >= step for c in self.services.jobs.checkpoints(job.id))

    def notes(self, job: Job) -> list[str]:
        return [e.data["code"] for e in self.services.jobs.events(job.id) if e.type == "note"]

    def outcomes(self, job: Job) -> list[str | None]:
        return [a.outcome for a in self.services.jobs.attempts(job.id)]

    def has_lapsed(self, job: Job) -> bool:
        with self.services.db.read() as session:
            return bool(session.scalar(select(Job.id).where(Job.id == job.id, Job.lease_until < now())))

    def status(self, job: Job) -> JobStatus:
        return JobStatus(self.services.jobs.get(job.id).status)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    cluster, tools = tmp_path / "cluster", tmp_path / "slurm tools"
    cluster.mkdir()
    tools.mkdir()
    for tool in ("sbatch", "squeue", "sacct", "scancel"):
        (tools / tool).write_text(f'#!/bin/sh\nexec {sys.executable} -S {HERE / "fake_slurm.py"} {tool} "$@"\n')
        (tools / tool).chmod(0o755)
    own = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "FAKE_SLURM": str(cluster),
        "PYTHONPATH": str(HERE / "cheap"),
        "TUNESMITH_HOME": str(tmp_path / "it's home"),
        "TUNESMITH_LAUNCHER": "slurm",
        "TUNESMITH_SLURM_POLL_S": "0.1",
        "TUNESMITH_LEASE_S": "2",
        "TUNESMITH_HEARTBEAT_S": "0.3",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "OPENAI_API_KEY": SECRET,
        "SLACK_BOT_TOKEN": "xoxb-not-for-trainers",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    with build_services(load_settings(), migrate=True) as services:
        yield Site(services, cluster)


def test_a_job_waits_runs_is_preempted_and_succeeds_under_the_same_fence(site: Site) -> None:
    site.hold(True)
    job = site.submit(steps=12)
    thread = site.work(job)
    wait_until(lambda: "slurm_waiting" in site.notes(job), 20, "the queue")
    control = Control(site.services.settings.home, job.id, 1)
    env, mode = control.env.read_text(), stat.S_IMODE(control.env.stat().st_mode)
    site.hold(False)
    wait_until(lambda: site.reached(job, 3), 30, "some steps")

    site.preempt(1)
    thread.join(40)

    assert site.status(job) is JobStatus.SUCCEEDED
    assert site.notes(job)[:3] == ["slurm_submitted", "slurm_waiting", "slurm_running"]
    assert "resumed" in site.notes(job) and site.slurm_job(1)["starts"] == 2
    assert site.outcomes(job) == ["succeeded"]
    assert {c.fence for c in site.services.jobs.checkpoints(job.id)} == {1}
    words = site.slurm_job(1)["words"]
    wanted = {f"--job-name=tunesmith-{job.id}-1", "--requeue", "--signal=B:TERM@60", "--export=NONE"}
    assert wanted < set(words)
    assert SECRET in env and "xoxb" not in env and mode == 0o600
    assert SECRET not in " ".join(words) + Path(words[-1]).read_text()
    assert not control.folder.exists()


def test_asked_to_stop_it_writes_a_checkpoint_and_the_job_goes_back_in_line(site: Site) -> None:
    job, stop = site.submit(steps=400), threading.Event()
    thread = site.work(job, stop)
    wait_until(lambda: site.reached(job, 2), 20, "some steps")

    stop.set()
    thread.join(20)

    row = site.services.jobs.get(job.id)
    assert (row.status, row.attempts) == (JobStatus.QUEUED, 0)
    assert site.slurm_job(1)["code"] == "75:0"


def test_a_cancelled_job_leaves_the_queue_at_once(site: Site) -> None:
    site.hold(True)
    job = site.submit(steps=400)
    thread = site.work(job)
    wait_until(lambda: "slurm_waiting" in site.notes(job), 20, "the queue")

    site.services.jobs.request_cancel(job.id, "U0ADA")
    thread.join(20)

    assert site.status(job) is JobStatus.CANCELLED
    assert site.slurm_job(1)["state"].startswith("CANCELLED") and site.slurm_job(1)["starts"] == 0


def test_after_kill_9_of_the_worker_the_next_attempt_cancels_what_is_left_and_resumes(site: Site) -> None:
    job = site.submit(steps=6, hang_at=4)
    code = f"from trainer.jobs.worker import run; run({job.id!r})"
    worker = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: site.reached(job, 4), 20, "the step at which it hangs")

    worker.kill()
    worker.wait()
    wait_until(lambda: site.has_lapsed(job), 30, "the lease's end")
    run_attempt(site.services, job.id)

    assert site.status(job) is JobStatus.SUCCEEDED
    assert site.slurm_job(1)["state"].startswith("CANCELLED")
    assert "--dependency=afterany:1" in site.slurm_job(2)["words"]
    assert site.outcomes(job) == ["lost", "succeeded"]
    assert not list((site.services.settings.home / "work" / job.id).glob("*.launch"))


def test_without_sbatch_the_job_fails_with_words(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    job = site.submit(steps=1)

    assert run_attempt(site.services, job.id) is JobStatus.FAILED

    error = site.services.jobs.get(job.id).error
    assert error and error["code"] == "no_slurm" and "sbatch" in error["message"] and "PATH" in error["message"]


def test_what_slurm_refuses_is_told_in_its_words_without_its_control_characters(site: Site) -> None:
    wrong = site.services.settings.model_copy(update={"slurm_partition": "nope"})
    job = site.submit(steps=1)
    with build_services(wrong) as services:
        assert run_attempt(services, job.id) is JobStatus.FAILED

    error = site.services.jobs.get(job.id).error
    assert error and error["code"] == "slurm_refused" and "invalid partition" in error["message"]
    assert "\x1b" not in error["message"] and "TUNESMITH_SLURM_PARTITION" in error["message"]


@pytest.mark.parametrize(
    ("state", "said", "code"),
    [
        ("COMPLETED", "0:0", 1),
        ("FAILED", "70:0", 70),
        ("FAILED", "137:0", -9),
        ("NODE_FAIL", "0:9", -9),
        ("TIMEOUT", "0:0", 1),
        ("PREEMPTED", "0:0", 75),
        ("OUT_OF_MEMORY", "0:125", "out_of_memory"),
        ("CANCELLED", "0:0", "cancelled_in_slurm"),
    ],
)
def test_every_end_has_its_meaning(state: str, said: str, code: int | str) -> None:
    assert states.of(state) is states.State.ENDED
    try:
        assert states.exit_code("7", Seen(state, said)) == code
    except TunesmithError as error:
        assert error.code == code and error.fix


@pytest.mark.parametrize("shape", [Shape(), Shape(1, 2), Shape(2, 4, "fsdp")])
def test_the_script_is_bash_whatever_the_shape(shape: Shape, tmp_path: Path) -> None:
    written = script.text(Job(id="ftjob-x"), 3, shape, Control(tmp_path / "it's", "ftjob-x", 3))
    bash = shutil.which("bash")
    assert bash and subprocess.run([bash, "-n"], input=written, text=True, check=False).returncode == 0
    assert ("srun --export=ALL" in written) == (shape.nodes > 1)
    assert ("accelerate" in written) == (shape.processes > 1)
