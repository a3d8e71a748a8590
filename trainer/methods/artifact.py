"""What a run leaves: a folder with the best weights, the tokenizer and the run's papers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from trainer.methods import card as cards
from trainer.methods.steward import BEST
from trainer.types import TrainResult

if TYPE_CHECKING:
    from trainer.methods.run import Run


def leave(run: Run, steps: int, seconds: float, card: dict[str, Any]) -> TrainResult:
    """Write `run.work_dir/artifact`, whole or not at all, with the best weights of the run."""
    state, spec = run.steward.state, run.spec
    best = run.work_dir / BEST
    if best.is_dir() and state.best_step != steps:
        run.method.restore(run.model, best)
    run.metrics |= {
        "steps": steps,
        "best_step": state.best_step or steps,
        "trained_tokens": state.trained_tokens,
        "train_loss": state.last_loss,
        "first_val_loss": state.first_val_loss,
        "best_val_loss": state.best_val_loss,
        "curve": state.curve,
        "stopped_early": state.stopped_early,
        "batch_size": run.batch_size,
        "gradient_accumulation": run.accumulation,
        "seconds_this_attempt": round(seconds, 1),
    }
    folder, draft = run.work_dir / "artifact", run.work_dir / "artifact.draft"
    shutil.rmtree(draft, ignore_errors=True)
    run.model.save_pretrained(draft)
    run.tokenizer.save_pretrained(draft)
    cards.write(draft, spec, base=run.base, metrics=run.metrics, extra=card)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return TrainResult(
        artifact_dir=str(folder),
        is_adapter=run.method.is_adapter,
        steps=steps,
        trained_tokens=state.trained_tokens,
        train_loss=state.last_loss,
        val_loss=state.best_val_loss,
        stopped_early=state.stopped_early,
        metrics=run.metrics,
    )
