"""A training process that is killed outright. Children are forked by a server that has imported everything once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.methods.spec import RunSpec

PRELOADED = [
    "trl.trainer.sft_trainer",
    "bitsandbytes",
    "transformers.models.llama.modeling_llama",
    "trainer.methods.run",
    "tests.trainer.methods.conftest",
]


def start_forking() -> Any:
    """The context to kill in; its server begins to import now, beside whatever comes next."""
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()
    return context


def train_and_be_killed(context: Any, base: Path, folder: Path, spec: RunSpec, *, after: int) -> Path:
    """Train in a process of its own, which is sent SIGKILL when the checkpoint of step `after` is whole and training
    goes on. → that checkpoint."""
    folder.mkdir()
    child = context.Process(target=_train, args=(str(base), str(folder), spec.model_dump(), after), daemon=True)
    child.start()
    whole = folder / "whole"
    _wait(lambda: whole.exists() or not child.is_alive(), seconds=120)
    assert whole.exists(), f"the training process ended by itself ({child.exitcode})"
    os.kill(child.pid, signal.SIGKILL)
    child.join(20)
    assert child.exitcode == -signal.SIGKILL
    return folder / f"kept-{after}"


def _train(base: str, folder: str, spec: dict[str, Any], after: int) -> None:
    from tests.trainer.methods.conftest import Bench

    bench = Bench(Path(base), Path(folder))

    def stop() -> None:
        if any(step == after for step, _ in bench.checkpoints):
            (bench.folder / "whole").touch()
            time.sleep(0.2)  # the steps that follow are slow enough to be killed in

    bench.stop = stop
    bench.train(RunSpec(**spec))


def _wait(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
