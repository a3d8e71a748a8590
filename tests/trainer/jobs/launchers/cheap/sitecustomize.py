"""Put on PYTHONPATH, it replaces the training job by one that counts: real worker, real child, no torch."""

from __future__ import annotations

import sys
import time
import types
from typing import Any


def run(run: Any) -> None:
    from trainer.methods.method import Stopped
    from trainer.types import JobStatus

    spec = run.job.spec
    done = next(iter(run.services.jobs.checkpoints(run.job.id)), None)
    step = done.step if done else 0
    if step:
        run.event("note", {"text": f"Resumed from step {step}.", "code": "resumed"})
    while step < spec["steps"]:
        time.sleep(0.05)
        if reason := run.should_stop():
            raise Stopped(reason, step)
        step += 1
        run.lease.checkpoint(step, {"files": {}}, {})
        if step == spec.get("hang_at") and run.lease.fence == 1:
            time.sleep(600)
    with run.lease.fenced() as session:
        run.lease.finish(session, JobStatus.SUCCEEDED, result={"steps": step})


sys.modules["trainer.jobs.train"] = types.ModuleType("trainer.jobs.train")
sys.modules["trainer.jobs.train"].run = run  # type: ignore[attr-defined]
