"""Watches a run step by step: progress, stop requests, checkpoints by the clock, the best weights, early
stopping."""

from __future__ import annotations

import json
import math
import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import TunesmithError
from trainer.methods.method import Stopped
from trainer.methods.spec import RunSpec
from trainer.types import TrainProgress

STATE_FILE = "tunesmith.json"
BEST = "best"
TELL_EVERY_S = 0.5

OnProgress = Callable[[TrainProgress], None]
OnCheckpoint = Callable[[Path, int, dict[str, Any]], None]
ShouldStop = Callable[[], str | None]


@dataclass(slots=True)
class RunState:
    """What must outlive a checkpoint and a resume beside the weights."""

    trained_tokens: int = 0
    best_val_loss: float | None = None
    best_step: int = 0
    evals_without_gain: int = 0
    stopped_early: bool = False
    first_val_loss: float | None = None
    last_loss: float | None = None
    curve: list[dict[str, float]] = field(default_factory=list)  # {step, val_loss} of every validation

    @classmethod
    def read(cls, checkpoint: Path) -> RunState:
        return cls(**json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8")))

    def write(self, checkpoint: Path) -> None:
        draft = checkpoint / (STATE_FILE + ".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.rename(checkpoint / STATE_FILE)


class Steward:
    """The rules; `supervised` hooks it into the trainer's callbacks."""

    def __init__(
        self,
        spec: RunSpec,
        work_dir: Path,
        state: RunState,
        *,
        on_progress: OnProgress,
        on_checkpoint: OnCheckpoint,
        should_stop: ShouldStop,
    ) -> None:
        self.spec, self.work_dir, self.state = spec, work_dir, state
        self.on_progress, self.on_checkpoint, self.should_stop = on_progress, on_checkpoint, should_stop
        self.save_weights: Callable[[Path], None] = lambda _: None
        self.total_steps = 0
        self.pausing = False
        self._began: tuple[float, int, int] | None = None  # clock, step and tokens when stepping began
        self._told = self._saved = time.monotonic()
        self._lr: float | None = None

    def begin(self, step: int) -> None:
        self._began = (time.monotonic(), step, self.state.trained_tokens)
        self._saved = time.monotonic()

    def after_step(self, step: int) -> bool:
        """True when a checkpoint is due now."""
        asked = self.should_stop()
        if asked == "cancel":
            raise Stopped("cancel", step)
        self.pausing = asked == "pause"
        due = time.monotonic() - self._saved >= self.spec.save_every_s
        return due or self.pausing or step >= self.total_steps or self.state.stopped_early

    def logged(self, step: int, epoch: float, loss: float, lr: float | None) -> None:
        if not math.isfinite(loss):
            raise TunesmithError(
                f"The loss became {loss} at step {step}, so training was stopped.",
                fix="Lower the learning rate (try a third of it), raise the warm-up, or look for odd rows.",
                code="loss_not_finite",
            )
        self.state.last_loss, self._lr = loss, lr
        if time.monotonic() - self._told >= TELL_EVERY_S or step >= self.total_steps:
            self.tell("training", step, epoch, loss=loss)

    def validated(self, step: int, epoch: float, val_loss: float) -> bool:
        """True when training should stop: no gain for as many validations as the spec is patient."""
        state = self.state
        state.curve.append({"step": step, "val_loss": round(val_loss, 6)})
        if step == 0:
            state.first_val_loss = val_loss
        elif state.best_val_loss is None or val_loss < state.best_val_loss:
            state.best_val_loss, state.best_step, state.evals_without_gain = val_loss, step, 0
            self._keep_best()
        else:
            state.evals_without_gain += 1
        patience = self.spec.early_stopping_patience
        state.stopped_early = bool(patience) and state.evals_without_gain >= patience and step < self.total_steps
        self.tell("validating", step, epoch, val_loss=val_loss, loss=state.last_loss)
        return state.stopped_early

    def saved(self, checkpoint: Path, step: int) -> None:
        """The trainer has written a checkpoint: add our own state and the best weights, then hand it over."""
        best = self.work_dir / BEST
        if best.is_dir() and self.state.best_step != step:
            shutil.copytree(best, checkpoint / BEST, dirs_exist_ok=True)
        self.state.write(checkpoint)
        metrics = {
            "loss": self.state.last_loss,
            "val_loss": self.state.curve[-1]["val_loss"] if self.state.curve else None,
            "trained_tokens": self.state.trained_tokens,
        }
        self.on_checkpoint(checkpoint, step, {k: v for k, v in metrics.items() if v is not None})
        self._saved = time.monotonic()
        if self.pausing:
            raise Stopped("pause", step)

    def tell(self, stage: str, step: int = 0, epoch: float = 0.0, *, note: str = "", **losses: float | None) -> None:
        self._told = time.monotonic()
        pace, eta = self._pace(step)
        self.on_progress(
            TrainProgress(
                stage,
                step,
                self.total_steps,
                round(epoch, 3),
                lr=self._lr,
                tokens_per_s=pace,
                trained_tokens=self.state.trained_tokens,
                peak_memory_bytes=peak_memory(),
                eta_s=eta,
                note=note,
                **losses,
            )
        )

    def _keep_best(self) -> None:
        draft = self.work_dir / (BEST + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        self.save_weights(draft)
        shutil.rmtree(self.work_dir / BEST, ignore_errors=True)
        draft.rename(self.work_dir / BEST)

    def _pace(self, step: int) -> tuple[float | None, float | None]:
        if self._began is None or step <= self._began[1]:
            return None, None
        clock, first, tokens = self._began
        spent = max(time.monotonic() - clock, 1e-6)
        left = spent / (step - first) * (self.total_steps - step)
        return round((self.state.trained_tokens - tokens) / spent, 1), round(left, 1)


def peak_memory() -> int:
    """Bytes at the peak so far: of the accelerator where there is one, else of this process."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
