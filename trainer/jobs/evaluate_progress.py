"""How far an evaluation is, told while it runs."""

from __future__ import annotations

import time

from trainer.evals.asking import Progress
from trainer.jobs.child import JobRun
from trainer.jobs.train import tell
from trainer.methods.method import Stopped
from trainer.types import TrainProgress

EVERY_S = 0.5


def told(run: JobRun, stage: str) -> Progress:
    """Events at most twice a second, with the seconds left by the pace since the first call, so that what an earlier
    attempt did does not count; also the place where a request to stop is heard."""
    began, last, known = [0.0], [0.0], [-1]

    def on_progress(done: int, total: int) -> None:
        if reason := run.should_stop():
            raise Stopped(reason)
        clock = time.monotonic()
        if known[0] < 0:
            known[0], began[0] = done, clock
        if clock - last[0] < EVERY_S and done < total:
            return
        last[0] = clock
        made = done - known[0]
        eta = (clock - began[0]) / made * (total - done) if made else None
        tell(run, TrainProgress(stage, done, total, eta_s=eta))

    return on_progress
