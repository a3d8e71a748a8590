"""Memory against the device at hand: what is told, and which one change would make a run fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainer.methods.estimate import Estimate
from trainer.methods.preflight import fit
from trainer.methods.spec import RunSpec
from trainer.settings import load_settings

GIB = 2**30
GPU = {"name": "NVIDIA H100", "memory_bytes": 10 * GIB}


def needs(gib: float) -> Estimate:
    memory = {"weights": int(gib * GIB)}
    return Estimate(10, 1, 5, 100, 60.0, memory=memory, memory_bytes=int(gib * GIB), cost_usd=0, fits=None, basis="")


def by(**price: float) -> Any:
    """again(spec): 20 GiB, and less by what each change saves."""

    def again(spec: RunSpec) -> Estimate:
        changed = {
            "checkpointing": bool(spec.gradient_checkpointing),
            "batch": spec.batch_size < 8,
            "length": (spec.max_length or 2048) < 2048,
            "qlora": spec.method == "qlora",
            "base": spec.base == "small",
        }
        return needs(20 - sum(price.get(name, 0) for name, on in changed.items() if on))

    return again


@pytest.mark.parametrize(
    ("saves", "said"),
    [
        ({"checkpointing": 12}, "gradient_checkpointing"),
        ({"batch": 12}, "batch_size 4 with gradient_accumulation 2"),
        ({"length": 12}, "max_length 1024"),
        ({"qlora": 12}, "qlora"),
        ({"base": 12}, "smaller base small"),
        ({"checkpointing": 6, "batch": 6}, "Together"),
    ],
)
def test_the_first_change_that_makes_it_fit_is_named(saves: dict[str, float], said: str) -> None:
    (words,) = fit.advice_to_fit(RunSpec(), needs(20), GPU, again=by(**saves), smaller_bases=["small"])
    assert said in words and "8.0 GiB" in words


def test_of_ever_smaller_batches_only_the_last_is_said() -> None:
    def again(spec: RunSpec) -> Estimate:
        return needs(spec.batch_size / 8 * 20 + (0 if spec.method == "qlora" else 8))

    (words,) = fit.advice_to_fit(RunSpec(), needs(28), GPU, again=again)
    assert words.count("batch_size") == 1 and "batch_size 1 " in words


def test_a_run_that_recomputes_by_itself_is_judged_so() -> None:
    again = by(checkpointing=12)
    check, made = fit.judged(RunSpec(), needs(20), GPU, again=again, settings=load_settings())
    assert (check.ok, made.memory_bytes) == (True, 8 * GIB)
    check, made = fit.judged(
        RunSpec(gradient_checkpointing=False), needs(20), GPU, again=again, settings=load_settings()
    )
    assert (check.ok, made.memory_bytes) == (False, 20 * GIB) and "gradient_checkpointing" in check.fix


def test_no_advice_where_it_fits_or_nothing_helps() -> None:
    assert fit.advice_to_fit(RunSpec(), needs(5), GPU, again=by()) == []
    assert fit.advice_to_fit(RunSpec(), needs(20), GPU, again=by()) == []
    check = fit.memory(needs(20), GPU)
    assert check.ok is False and "20.0 GiB" in check.words and "10.0 GiB" in check.words and "more memory" in check.fix


def test_main_memory_is_the_machines_or_the_containers(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:    4194304 kB\n")
    assert fit.free_ram(meminfo, tmp_path) == 4 * GIB
    (tmp_path / "memory.max").write_text(f"{3 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{GIB}\n")
    assert fit.free_ram(meminfo, tmp_path) == 2 * GIB
    (tmp_path / "memory.max").write_text("max\n")
    assert fit.free_ram(meminfo, tmp_path) == 4 * GIB


def test_a_measured_step_revises_time_and_cost() -> None:
    made = replace(needs(1), steps=100)
    better = fit.revised(made, seconds_per_step=2.0, on_gpu=True, gpu_hour_usd=3.6)
    assert better.seconds == pytest.approx(45 + 220) and better.cost_usd == pytest.approx(0.265, abs=1e-3)
