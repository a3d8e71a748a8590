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


def start(base: Path, *folders: Path) -> None:
    launch = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port()), str(SCRIPT)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-m", *launch, str(base), PLAIN.model_dump_json(), *map(str, folders)],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def seen(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"rank-{n}.json").read_text()) for n in (0, 1)]


@pytest.fixture(scope="module")
def benches(pebble: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Bench]:
    """One run to its end and one that is asked to pause, by the same two processes: most of their time is imports."""
    whole, paused = (Bench(pebble, tmp_path_factory.mktemp(name)) for name in ("whole", "paused"))
    for bench in (whole, paused):
        bench.write("train", ROWS)
        bench.write("dev", [row(f"dev {n}", "yes please") for n in range(6)])
    (paused.folder / "pause").touch()
    start(pebble, whole.folder, paused.folder)
    return whole, paused


def test_two_processes_share_the_batch_and_equal_one(benches: tuple[Bench, Bench]) -> None:
    bench, _ = benches
    folder = bench.folder
    first, second = seen(folder)
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


def test_rank_0_asked_to_pause_pauses_both(benches: tuple[Bench, Bench]) -> None:
    folder = benches[1].folder
    first, second = seen(folder)
    assert first["stopped"] == second["stopped"] == ["pause", 2]
    assert (first["checkpoints"], second["checkpoints"]) == ([2], [])
    assert len(list((folder / "run" / "checkpoint-2").glob("rng_state_*.pth"))) == 2
