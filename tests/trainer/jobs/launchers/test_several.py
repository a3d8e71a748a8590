"""One run on several processes, as accelerate's agent starts them: on CPUs here, by gloo."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.conftest import wait_until
from tests.trainer.inference.pebble import make_pebble
from tests.trainer.jobs.test_training_job import run_here
from tools import approvals, datasets, training
from tools.context import Caller, Context
from trainer.errors import BadInput
from trainer.jobs.launchers import LAUNCHERS, command, launcher_for, resolve
from trainer.jobs.launchers.command import Shape
from trainer.jobs.ledger import QUEUES
from trainer.jobs.worker import run_attempt
from trainer.methods import ranks
from trainer.services import Services, build_services
from trainer.settings import Settings, load_settings
from trainer.store.tables import Job
from trainer.types import JobKind, JobStatus

pytestmark = pytest.mark.timeout(420)
SPEC = {"epochs": 4, "batch_size": 4, "max_length": 64, "learning_rate": 0.01, "lora_r": 4, "evals_per_run": 2}


class Farm:
    def __init__(self, services: Services, base: Path) -> None:
        self.services = services
        self.base = base

    def submit(self, **spec: Any) -> Job:
        context = Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "test", allow_paths=True), self.services)
        path = self.services.settings.home / "rows.jsonl"
        path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(40)))
        dataset = datasets.check_file(context, path, filename="rows.jsonl").dataset
        assert dataset is not None
        asked = training.request(context, dataset.id, {**SPEC, "base": str(self.base), **spec})
        job = approvals.decide(context, asked.approval.id, approve=True).job
        assert job is not None
        return job

    def ranks(self, job: Job) -> dict[str, int]:
        """RANK → pid of the live trainers."""
        found = {}
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if "trainer.jobs.child" in line and job.id in line and "accelerate.commands.launch" not in line:
                found[process.environ().get("RANK", "-")] = process.pid
        return found

    def kept(self, job: Job) -> int:
        return len(self.services.jobs.checkpoints(job.id))


def row(number: int) -> dict[str, Any]:
    question, answer = f"Ticket {number}: printer {number % 7} jams", f'{{"printer": {number % 7}}}'
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    own = {"TUNESMITH_HOME": str(tmp_path / "home"), "REDIS_URL": "redis://127.0.0.1:1/0"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    with build_services(load_settings(), migrate=True) as services:
        yield Farm(services, make_pebble(tmp_path))


def test_two_processes_survive_a_kill_and_learn_what_one_learns(farm: Farm) -> None:
    alone = farm.submit()
    run_here(farm.services, alone)
    job = farm.submit(save_every_s=0.2)
    with build_services(farm.services.settings.model_copy(update={"gpus_per_run": 2})) as pair:
        first = threading.Thread(target=run_attempt, args=(pair, job.id))
        first.start()
        wait_until(lambda: farm.kept(job), 120, "a checkpoint")
        found = farm.ranks(job)

        os.kill(found["1"], signal.SIGKILL)

        first.join(60)
        assert farm.services.jobs.get(job.id).status == JobStatus.QUEUED
        wait_until(lambda: not farm.ranks(job), 5, "rank 0's end")
        assert run_attempt(pair, job.id) is JobStatus.SUCCEEDED

    assert set(found) == {"0", "1"}
    assert [a.outcome for a in farm.services.jobs.attempts(job.id)] == ["crashed", "succeeded"]
    assert any(e.data.get("code") == "resumed" for e in farm.services.jobs.events(job.id))
    one, two = (farm.services.jobs.get(j.id) for j in (alone, job))
    assert one.result and two.result and one.result["steps"] == two.result["steps"]
    assert two.result["val_loss"] == pytest.approx(one.result["val_loss"], rel=0.01)
    assert two.trained_tokens == one.trained_tokens
    assert [m.job_id for m in farm.services.models.list()].count(job.id) == 1
    assert not (farm.services.settings.home / "work" / job.id / "2.launch").exists()


def job_of(kind: JobKind = JobKind.TRAIN, **spec: Any) -> Job:
    return Job(id="ftjob-x", kind=kind.value, spec=spec, queue="cpu" if "provider" in spec else QUEUES[kind])


def test_a_batch_that_does_not_divide_is_refused_before_anything_starts(settings: Settings) -> None:
    four = settings.model_copy(update={"gpus_per_run": 4})
    with pytest.raises(BadInput, match="multiple of 4, 8 for example"):
        command.shape_of(four, job_of(batch_size=6))
    assert command.shape_of(four, job_of(batch_size=8)) == Shape(1, 4, "ddp")
    assert command.shape_of(four, job_of(JobKind.EVAL)).processes == 1


@pytest.mark.parametrize(
    ("method", "gigabytes", "asked", "expected"),
    [
        ("lora", 16, "auto", "ddp"),
        ("lora", 140, "auto", "fsdp"),
        ("qlora", 140, "auto", "ddp"),
        ("full", 1, "auto", "fsdp"),
        ("full", 1, "ddp", "ddp"),
        ("lora", 1, "fsdp", "fsdp"),
    ],
)
def test_what_fits_on_one_gpu_is_copied_and_the_rest_is_cut_up(
    method: str, gigabytes: int, asked: str, expected: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "weights_bytes", lambda base: gigabytes * command.GIB)
    monkeypatch.setattr(command, "smallest_gpu", lambda: 80 * command.GIB)
    wanted = settings.model_copy(update={"gpus_per_run": 2, "sharding": asked})
    assert command.shape_of(wanted, job_of(method=method, batch_size=2)).sharding == expected


def test_accelerate_reads_the_config_as_fsdp2_with_whole_checkpoints(tmp_path: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(command.config(Shape(2, 4, "fsdp"))))
    read = load_config_from_file(str(file))
    assert (read.distributed_type, read.num_processes, read.num_machines) == ("FSDP", 8, 2)
    assert read.fsdp_config["fsdp_version"] == 2
    assert read.fsdp_config["fsdp_state_dict_type"] == "FULL_STATE_DICT"


def test_4_bit_weights_are_stored_so_that_fsdp_can_cut_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    assert ranks.storage_dtype(torch.bfloat16) is torch.uint8
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert ranks.storage_dtype(torch.bfloat16) is torch.bfloat16


@pytest.mark.parametrize("name", LAUNCHERS)
def test_every_launcher_of_the_table_can_be_made(name: str, settings: Settings) -> None:
    assert resolve(name)(settings, lambda text, code: None).start


def test_only_work_on_gpus_goes_to_the_cluster(settings: Settings) -> None:
    slurm = settings.model_copy(update={"launcher": "slurm"})
    chosen = [
        type(launcher_for(slurm, job, lambda text, code: None)).__name__
        for job in (job_of(), job_of(JobKind.EVAL), job_of(JobKind.AUGMENT), job_of(provider="openai"))
    ]
    assert chosen == ["Slurm", "Slurm", "Subprocess", "Subprocess"]


def test_several_nodes_need_a_scheduler(settings: Settings, tmp_path: Path) -> None:
    two = settings.model_copy(update={"nodes_per_run": 2})
    with pytest.raises(BadInput, match="TUNESMITH_LAUNCHER=slurm"):
        resolve("subprocess")(two, lambda text, code: None).start(job_of(batch_size=2), 1, tmp_path / "log")
