"""Watches a run step by step: progress, stop requests, checkpoints, the best weights, early stopping, the time limit.

Where a run has several processes each has a steward. All keep the same state and do the same; what hangs on the
clock or on people is decided by rank 0, and only rank 0 speaks and writes.
"""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.methods import ranks, watch
from trainer.methods.method import Stopped
from trainer.methods.pace import Pace
from trainer.methods.spec import RunSpec
from trainer.methods.state import STATE_FILE, RunState
from trainer.types import TrainProgress

__all__ = ["BEST", "STATE_FILE", "OnCheckpoint", "OnNote", "OnProgress", "RunState", "ShouldStop", "Steward"]

BEST = "best"
TELL_EVERY_S = 0.5  # at first; a long run tells less often,
TELL_AT_MOST_S = 5.0  # down to this
SAVE_COST = 20  # a checkpoint waits at least so many times as long as the last one took

OnProgress = Callable[[TrainProgress], None]
OnCheckpoint = Callable[[Path, int, dict[str, Any]], None]
OnNote = Callable[[str, str], None]  # code, text
ShouldStop = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done after a step."""

    save: bool = False
    validate: bool = False
    stop: bool = False


class Steward:
    """The rules; `hooks` tells it the trainer's events."""

    def __init__(
        self,
        spec: RunSpec,
        work_dir: Path,
        state: RunState,
        *,
        on_progress: OnProgress,
        on_checkpoint: OnCheckpoint,
        should_stop: ShouldStop,
        on_note: OnNote = lambda code, text: None,
    ) -> None:
        self.spec, self.work_dir, self.state = spec, work_dir, state
        self.on_progress, self.on_checkpoint, self.should_stop = on_progress, on_checkpoint, should_stop
        self.on_note = on_note
        self.save_weights: Callable[[Path], None] = lambda _: None
        self.total_steps = self.steps_per_epoch = self.warmup_steps = 0
        self.validate_every = 0  # steps; 0 where there is nothing to validate with
        self.pausing = False
        self._pace = Pace()
        self._started = self._told = self._saved = time.monotonic()
        self._save_cost = 0.0
        self._lr: float | None = None

    def begin(self, step: int) -> None:
        self.state.fresh_tokens = 0
        self._pace.begin(step, self.state.trained_tokens)
        self._saved = time.monotonic()

    def spent(self) -> float:
        """Seconds of this attempt and of those before it, loading and validating included."""
        return self.state.seconds + time.monotonic() - self._started

    def after_step(self, step: int, epoch: float = 0.0, lr: float | None = None) -> Due:
        """What is due now. Raises Stopped("cancel")."""
        state = self.state
        everyone = ranks.gather((self._decided(), state.fresh_tokens))
        asked, clock, time_up = everyone[0][0]
        state.step, self._lr = step, lr if lr is not None else self._lr
        state.trained_tokens += sum(tokens for _, tokens in everyone)
        state.fresh_tokens = 0
        if asked == "cancel":
            raise Stopped("cancel", step)
        self.pausing = asked == "pause"
        last = step >= self.total_steps
        if time_up and not last and not self.pausing:
            state.ended = "time"
            self.note("time_limit", f"Stopped at the time limit of {self.spec.max_hours:g} h, at step {step}.")
        if step % self.spec.log_every_steps and self._tell_is_due():  # else the log tells, with a newer loss
            self.tell("training", step, epoch, loss=state.last_loss)
        self._pace.mark()
        return Due(
            save=bool(clock or self.pausing or last or state.ended) or self._step_is_due(step),
            validate=bool(self.validate_every) and (last or state.ended == "time"),
            stop=bool(state.ended),
        )

    def logged(self, step: int, epoch: float, loss: float, lr: float | None, norm: float | None = None) -> None:
        watch.finite("loss", loss, step)
        if norm is not None:
            watch.finite("gradient norm", norm, step)
        watch.logged(self.state, loss, step, self.warmup_steps)
        self.state.last_loss, self._lr = loss, lr
        if self._tell_is_due() or step >= self.total_steps:
            self.tell("training", step, epoch, loss=loss)
        self._pace.mark()

    def validating(self, step: int, epoch: float) -> None:
        """One batch of a validation is done."""
        if self._tell_is_due():
            self.tell("validating", step, epoch, loss=self.state.last_loss)

    def validated(self, step: int, epoch: float, val_loss: float, scores: dict[str, float] | None = None) -> bool:
        """True when training should stop: no gain for as many validations as the spec is patient. `scores`: what the
        objective measures beside the loss."""
        watch.finite("validation loss", val_loss, step)
        state = self.state
        self._pace.aside("validating")
        scores = {name: round(value, 6) for name, value in (scores or {}).items()}
        state.curve.append({"step": step, "val_loss": round(val_loss, 6), **scores})
        if step == 0:
            state.first_val_loss = val_loss
        elif state.best_val_loss is None or val_loss < state.best_val_loss:
            state.best_val_loss, state.best_step, state.evals_without_gain = val_loss, step, 0
            state.best_scores = scores
            state.smooth_loss_at_best, state.worse = state.smooth_loss, 0
            self._keep_best()
        else:
            self._no_gain(val_loss)
        patience = self.spec.early_stopping_patience
        if not state.ended and patience and state.evals_without_gain >= patience and step < self.total_steps:
            state.ended = "early"
            self.note("stopped_early", f"Stopped early at step {step}: {patience} validations brought no gain.")
        self.tell("validating", step, epoch, val_loss=val_loss, loss=state.last_loss, scores=scores or None)
        return bool(state.ended)

    def saved(self, checkpoint: Path, step: int) -> None:
        """The trainer has written a checkpoint: add our own state and the best weights, then hand it over."""
        ranks.barrier()  # every process has written its part
        if ranks.is_main():
            self._hand_over(checkpoint, step)
        ranks.barrier()
        self._save_cost = self._pace.aside("saving")
        self._saved = time.monotonic()
        if self.pausing:
            raise Stopped("pause", step)

    def note(self, code: str, text: str) -> None:
        """Say something that stays true of the whole run: an event, and a line of the result."""
        self.state.notes[code] = text
        if ranks.is_main():
            self.on_note(code, text)

    def tell(self, stage: str, step: int = 0, epoch: float = 0.0, **losses: Any) -> None:
        self._told = time.monotonic()
        if not ranks.is_main():
            return
        speed, left = self._pace.tell(step, self.state.trained_tokens, *self._left(step))
        self.on_progress(
            TrainProgress(
                stage,
                step,
                self.total_steps,
                round(epoch, 3),
                lr=self._lr,
                tokens_per_s=speed,
                trained_tokens=self.state.trained_tokens,
                peak_memory_bytes=peak_memory(),
                eta_s=left,
                **losses,
            )
        )

    def _no_gain(self, val_loss: float) -> None:
        state = self.state
        state.evals_without_gain += 1
        if watch.validated(state, val_loss):
            self.note(
                "overfitting",
                f"Overfitting: since step {state.best_step} the validation loss rises ({state.best_val_loss:.3f} → "
                f"{val_loss:.3f}) while the training loss falls. The best weights are kept; next time use fewer "
                "epochs, more rows or a lower rank.",
            )

    def _hand_over(self, checkpoint: Path, step: int) -> None:
        best, state = self.work_dir / BEST, self.state
        if best.is_dir() and state.best_step != step:
            shutil.copytree(best, checkpoint / BEST, dirs_exist_ok=True)
        before, state.seconds = state.seconds, self.spent()
        state.write(checkpoint)
        state.seconds = before
        metrics = {
            "loss": state.last_loss,
            "val_loss": state.curve[-1]["val_loss"] if state.curve else None,
            "trained_tokens": state.trained_tokens,
        }
        self.on_checkpoint(checkpoint, step, {k: v for k, v in metrics.items() if v is not None})

    def _keep_best(self) -> None:
        best, draft = self.work_dir / BEST, self.work_dir / (BEST + ".draft")
        if ranks.is_main():
            shutil.rmtree(draft, ignore_errors=True)
        self.save_weights(draft)
        if ranks.is_main():
            shutil.rmtree(best, ignore_errors=True)
            draft.rename(best)

    def _decided(self) -> tuple[str | None, bool, bool]:
        """What hangs on people and the clock: was a stop asked for, is a checkpoint due, is the time up. Rank 0's
        answer counts."""
        if not ranks.is_main():
            return None, False, False
        return self.should_stop(), self._save_is_due(), self._time_is_up()

    def _save_is_due(self) -> bool:
        return time.monotonic() - self._saved >= max(self.spec.save_every_s, SAVE_COST * self._save_cost)

    def _step_is_due(self, step: int) -> bool:
        every, epoch = self.spec.save_every_steps, self.spec.save_every_epoch and self.steps_per_epoch
        return bool(every and step % every == 0) or bool(epoch and step % epoch == 0)

    def _time_is_up(self) -> bool:
        return self.spec.max_hours is not None and self.spent() >= self.spec.max_hours * 3600

    def _tell_is_due(self) -> bool:
        now = time.monotonic()
        wait = min(TELL_AT_MOST_S, max(TELL_EVERY_S, (now - self._started) / 60))
        return now - self._told >= wait

    def _left(self, step: int) -> tuple[int, int]:
        """Steps and validations that are still to come."""
        every, total = self.validate_every, self.total_steps
        planned = (lambda at: at // every + (at >= total and at % every != 0)) if every else (lambda _: 0)
        return max(0, total - step), max(0, planned(total) - planned(step))


def peak_memory() -> int:
    """Bytes at the peak so far: of the accelerator where there is one, else of this process."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
