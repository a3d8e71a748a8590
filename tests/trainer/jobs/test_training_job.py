"""A training job on a base so small that it takes seconds; through its real child process where that is the matter."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.trainer.inference.pebble import make_pebble
from tools import approvals, datasets, training
from tools.context import Caller, Context
from tools.datasets.splitting import make_split
from trainer.data.split import prompt_keys
from trainer.errors import BadInput, NotFound, TunesmithError
from trainer.jobs import disk, replay, train
from trainer.jobs.child import JobRun
from trainer.jobs.lease import claim
from trainer.jobs.retention import sweep
from trainer.jobs.train import checkpoint_blobs
from trainer.jobs.worker import run_attempt
from trainer.services import Services
from trainer.settings import Settings
from trainer.store.tables import Dataset, Job
from trainer.types import JobStatus

FULL_DISK = """
import errno
from fsspec.implementations.local import LocalFileSystem

real = LocalFileSystem.put_file

def put_file(self, source, target, *args, **more):
    if "checkpoint-2/optimizer" in str(source):
        open(target, "wb").write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    return real(self, source, target, *args, **more)

LocalFileSystem.put_file = put_file
"""
SPEC = {"epochs": 2, "max_length": 64, "packing": False, "lora_r": 4, "evals_per_run": 1, "save_every_steps": 1}


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebble(tmp_path_factory.mktemp("base"))


@pytest.fixture
def context(services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("TUNESMITH_HOME", str(settings.home))
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    return Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "test", allow_paths=True), services)


def keep(context: Context, name: str, prompts: list[str]) -> Dataset:
    path = context.services.settings.home / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row(prompt)) + "\n" for prompt in prompts))
    made = datasets.check_file(context, path, filename=path.name).dataset
    assert made is not None
    return made


def row(prompt: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": f"answer to {prompt}"}]}


NEW = [f"ticket {n * 37} of the printer" for n in range(40)]
OLD = [f"word {n * 53} please" for n in range(40)]


def submit(context: Context, base: Path, dataset: Dataset, **spec: Any) -> Job:
    asked = training.request(context, dataset.id, {"base": str(base), **SPEC, **spec})
    job = approvals.decide(context, asked.approval.id, approve=True).job
    assert job is not None
    return job


def run_here(services: Services, job: Job, handler: Callable[[JobRun], None] = train.run) -> None:
    """One attempt in this very process: a child spends most of its time on imports."""
    lease = claim(services.db, job.id, worker="test", lease_s=300)
    assert lease is not None
    handler(JobRun(services, services.jobs.get(job.id), lease))
    ended = services.jobs.get(job.id)
    assert ended.status == JobStatus.SUCCEEDED, ended.error


def test_rows_of_another_dataset_are_mixed_in_and_what_a_run_says_is_kept(context: Context, pebble: Path) -> None:
    services = context.services
    other = keep(context, "old", OLD)
    job = submit(context, pebble, keep(context, "new", NEW), replay=0.5, replay_dataset=other.id, epochs=1)

    run_here(services, job)

    ended = services.jobs.get(job.id)
    said = {e.data["code"]: e.data["text"] for e in services.jobs.events(job.id) if e.type == "note"}
    assert "of old.jsonl (file-" in said["replay"] and ended.result and ended.result["notes"] == said
    assert said["computes_in"].startswith("Computes in fp32 on the CPU")
    assert ended.result["metrics"]["replay_from"].startswith("old.jsonl")

    assert sweep(services) == 0 and services.jobs.checkpoints(job.id)
    months_later = SimpleNamespace(
        db=services.db, blobs=services.blobs, settings=services.settings.model_copy(update={"checkpoint_days": 0.0})
    )
    folder = services.settings.home / "blobs" / "checkpoints" / job.id
    assert folder.is_dir()
    assert sweep(months_later) == 1  # type: ignore[arg-type]
    assert not folder.exists() and services.jobs.checkpoints(job.id) == []


def test_a_full_disk_fails_the_job_with_words_and_registers_nothing_half(
    context: Context, pebble: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = context.services
    job = submit(context, pebble, keep(context, "new", NEW))
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "sitecustomize.py").write_text(FULL_DISK)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'faults'}:{Path(__file__).parents[3]}")

    assert run_attempt(services, job.id) is JobStatus.FAILED

    ended = services.jobs.get(job.id)
    assert ended.error and ended.error["code"] == "disk_full" and "Make room" in ended.error["message"]
    assert [c.step for c in services.jobs.checkpoints(job.id)] == [1]
    manifest = services.jobs.checkpoints(job.id)[0].manifest
    checkpoint_blobs(SimpleNamespace(services=services, job=job)).get_folder(manifest, tmp_path / "whole")  # type: ignore[arg-type]
    assert services.models.list() == []
    assert not list((services.settings.home / "blobs").rglob("*.part"))


def test_a_base_whose_folder_vanished_is_told(context: Context, pebble: Path, tmp_path: Path) -> None:
    base = tmp_path / "moved-away"
    (base).symlink_to(pebble)
    job = submit(context, base, keep(context, "new", NEW))
    with context.services.db.write() as session:
        session.merge(job).spec = job.spec | {"base_location": str(tmp_path / "nowhere")}
    base.unlink()
    assert run_attempt(context.services, job.id) is JobStatus.FAILED
    ended = context.services.jobs.get(job.id)
    assert ended.error and ended.error["code"] == "base_vanished" and "Put it back" in ended.error["message"]


def test_replayed_rows_never_give_a_test_away(context: Context, tmp_path: Path) -> None:
    new, other = keep(context, "new", NEW), keep(context, "both", [*OLD, *NEW])
    sealed = make_split(context, new, seed=17)
    make_split(context, other, seed=5)
    parts = [context.services.blobs.get_file(sealed["blobs"][n], tmp_path / f"{n}.jsonl") for n in ("dev", "test")]
    job = SimpleNamespace(dataset_id=new.id)
    run: Any = SimpleNamespace(services=context.services, job=job, folder=tmp_path)

    file, told = replay.lay_out(run, other.id)

    hidden = prompt_keys(parts[0]) | prompt_keys(parts[1])
    assert prompt_keys(tmp_path / "replay-all.jsonl") & hidden
    assert not prompt_keys(file) & hidden
    assert f"({other.id}), without " in told and told.endswith("that this run is tested with")


def test_what_cannot_be_replayed_is_refused_when_it_is_asked_for(context: Context, pebble: Path) -> None:
    new, gone = keep(context, "new", NEW), keep(context, "gone", OLD)
    context.services.datasets.mark_deleted(gone.id)
    pairs = keep(context, "pairs", OLD[:30])
    with context.services.db.write() as session:
        session.merge(pairs).kind = "preference"

    def refused(**spec: Any) -> str:
        with pytest.raises((BadInput, NotFound)) as caught:
            submit(context, pebble, new, **spec)
        assert caught.value.fix
        return caught.value.code

    assert refused(replay=0.5, replay_dataset="file-nothing") == "unknown_dataset"
    assert refused(replay=0.5, replay_dataset=gone.id) == "deleted"
    assert refused(replay=0.5, replay_dataset=new.id) == "replay_is_dataset"
    assert refused(replay=0.5, replay_dataset=pairs.id) == "replay_of_another_kind"
    assert refused(replay_dataset=gone.id) == "no_replay_share"


class Full:
    """A file on a disk that takes no more."""

    def write(self, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        return None


def test_libraries_that_hide_a_full_disk_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    with pytest.raises(TunesmithError, match="The disk is full") as caught, disk.watched(tmp_path):
        torch.save({"x": torch.zeros(10_000)}, Full())  # type: ignore[arg-type]
    assert caught.value.code == "disk_full"
    hidden = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")
    assert not disk.is_full(hidden, tmp_path)  # anything may have gone wrong, as there is room
    monkeypatch.setattr(disk, "room", lambda _: 0)
    assert disk.is_full(hidden, tmp_path)
    assert not disk.is_full(ValueError("odd"), tmp_path)
