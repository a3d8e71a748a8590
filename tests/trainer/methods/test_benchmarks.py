"""The comparisons of training run end to end; their figures are for a quiet machine."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.conftest import ROOT


def test_the_gpu_comparison_runs_without_a_gpu_when_asked_to_try() -> None:
    command = [sys.executable, "benchmarks/train_gpu.py", "--dry", "--json", "--methods", "qlora", "--steps", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    run = json.loads(done.stdout.splitlines()[-1])["runs"][0]
    assert {*run["ways"]} == {"ours", "tutorial", "trl"}
    assert run["ways"]["ours"]["attention"] == "tunesmith_varlen"
    assert not run["ways"]["ours"]["recomputed"] and run["ways"]["trl"]["recomputed"]
    assert all(way["tokens_per_s"] > 0 and way["ceiling"] > 0 for way in run["ways"].values())
