"""One Procfile for every reader, and what of it a machine runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.ops import procfile
from tools.ops.procfile import BUNDLED, OURSELVES, plan, read_procfile
from tools.ops.readiness import PROBES
from trainer.errors import BadInput
from trainer.settings import Settings, load_settings


def test_the_repositorys_procfile_is_the_packages_own() -> None:
    assert (ROOT / "Procfile").resolve() == BUNDLED.resolve()


def test_every_process_can_be_asked_whether_it_is_ready() -> None:
    assert {p.name for p in read_procfile()} == set(PROBES)


def test_tunesmith_means_this_installation() -> None:
    processes = {p.name: p.argv for p in read_procfile()}
    assert processes["worker_gpu"] == (*OURSELVES, "worker", "gpu")


def test_by_default_everything_runs(settings: Settings) -> None:
    chosen = plan(load_settings(home=settings.home), read_procfile())
    assert set(chosen.names) == set(PROBES)
    assert not chosen.notes


def test_what_runs_elsewhere_is_left_out_and_said() -> None:
    there = load_settings(redis_url="redis://queue/0", slack_bot_token="xoxb-1", engine_url="http://gpu-machine:8902")
    chosen = plan(there, read_procfile())
    assert {"redis", "sandbox", "engine"}.isdisjoint(chosen.names)
    assert len(chosen.notes) == 3
    assert "xoxb-1" not in " ".join(chosen.notes)


def test_without_the_train_extra_its_processes_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procfile, "TRAIN_EXTRA", ("a_library_that_nobody_has",))
    chosen = plan(load_settings(), read_procfile())
    assert {"engine", "worker_gpu"}.isdisjoint(chosen.names)
    assert "pip install 'tunesmith[train]'" in chosen.notes[0]


def test_a_line_that_is_no_process_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "Procfile"
    broken.write_text("# mine\nredis: tunesmith redis\nwhat is this\n")
    with pytest.raises(BadInput, match="Line 3"):
        read_procfile(broken)
