"""What the losses of a run give away: numbers that are none, divergence, overfitting."""

from __future__ import annotations

import math

from trainer.errors import TunesmithError
from trainer.methods.state import RunState

SMOOTHING = 0.9
PATIENCE = 20  # logged losses in a row
WORSE, WORSE_BY = 1.02, 0.005  # a validation loss above this share of the best, and by so many nats
WORSE_IN_A_ROW = 2


def finite(what: str, value: float, step: int) -> None:
    if math.isfinite(value):
        return
    raise TunesmithError(
        f"The {what} became {value} at step {step}, so training was stopped.",
        fix="Lower the learning rate (try a third of it), raise the warm-up, or look for odd rows.",
        code="loss_not_finite",
    )


def logged(state: RunState, loss: float, step: int, warmup: int) -> None:
    """Follow the training loss; raises once it has risen far and for long after the warm-up.

    Far: the smoothed loss is above twice its best plus one nat, or one nat above the untrained model's validation
    loss. For long: in 20 logged losses in a row.
    """
    before = state.smooth_loss
    now = loss if before is None else SMOOTHING * before + (1 - SMOOTHING) * loss
    state.smooth_loss = now
    state.best_smooth_loss = now if state.best_smooth_loss is None else min(now, state.best_smooth_loss)
    limit = 2 * state.best_smooth_loss + 1
    if state.first_val_loss is not None:
        limit = min(limit, state.first_val_loss + 1)
    state.high = state.high + 1 if now > limit and step > warmup else 0
    if state.high >= PATIENCE:
        raise TunesmithError(
            f"Training diverged: the loss rose from {state.best_smooth_loss:.2f} to {now:.2f} and stayed there until "
            f"step {step}. Its checkpoints are kept.",
            fix="Lower the learning rate (try a third of it), lengthen the warm-up, or enlarge the batch.",
            code="diverged",
        )


def validated(state: RunState, val_loss: float) -> bool:
    """True the first time the validation loss has turned while the training loss went on falling."""
    best = state.best_val_loss
    if best is None or val_loss <= best * WORSE + WORSE_BY:
        state.worse = 0
        return False
    state.worse += 1
    at_best, now = state.smooth_loss_at_best, state.smooth_loss
    falling = at_best is not None and now is not None and now < at_best
    return falling and state.worse >= WORSE_IN_A_ROW and "overfitting" not in state.notes
