"""Two real processes make one run, over gloo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, free_port
from tests.trainer.methods.conftest import ROWS, SPEC, Bench, row
from tests.trainer.methods.test_run import gap, weights

SCRIPT = Path(__file__).with_name("two_ranks.py")
PLAIN = SPEC.model_copy(update={"packing": False, "epochs": 2, "evals_per_run": 2, "early_stopping_patience": 0})


def two(bench: Bench, folder: Path) -> list[dict[str, Any]]:
    launch = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port()), str(SCRIPT)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-m", *launch, str(bench.base), str(folder), PLAIN.model_dump_json()],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"rank-{n}.json").read_text()) for n in (0, 1)]


@pytest.fixture
def folder(bench: Bench) -> Path:
    bench.write("train", ROWS)
    bench.write("dev", [row(f"dev {n}", "yes please") for n in range(6)])
    return bench.folder


def test_two_processes_share_the_batch_and_equal_one(bench: Bench, folder: Path) -> None:
    first, second = two(bench, folder)
    both = folder / "both"
    (folder / "run" / "artifact").rename(both)
    whole = bench.train(PLAIN)

    assert first["weights"] == second["weights"]
    assert first["result"]["trained_tokens"] == second["result"]["trained_tokens"] == whole.trained_tokens
    assert first["result"]["steps"] == whole.steps == 12
    assert first["result"]["val_loss"] == pytest.approx(whole.val_loss, abs=1e-4)
    assert gap(weights(both), weights(whole.artifact_dir)) < 1e-4
    assert first["told"] > 3 and first["checkpoints"] == [12] and first["asked"] == 12
    assert (second["told"], second["notes"], second["checkpoints"], second["asked"]) == (0, [], [], 0)


def test_rank_0_asked_to_pause_pauses_both(bench: Bench, folder: Path) -> None:
    (folder / "pause").touch()
    first, second = two(bench, folder)
    assert first["stopped"] == second["stopped"] == ["pause", 2]
    assert (first["checkpoints"], second["checkpoints"]) == ([2], [])
    assert len(list((folder / "run" / "checkpoint-2").glob("rng_state_*.pth"))) == 2
