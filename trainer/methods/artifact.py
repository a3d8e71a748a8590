"""What a run leaves: a folder with the best weights, the tokenizer and the run's papers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from trainer.methods import asking, ranks
from trainer.methods import card as cards
from trainer.methods.steward import BEST
from trainer.types import TrainResult

if TYPE_CHECKING:
    from trainer.methods.run import Run


def leave(run: Run, steps: int, seconds: float, card: dict[str, Any]) -> TrainResult:
    """Write `run.work_dir/artifact`, whole or not at all, with the best weights of the run. Every process calls it;
    rank 0 writes."""
    state = run.steward.state
    best = run.work_dir / BEST if state.best_val_loss is not None and state.best_step != steps else None
    if best and ranks.world_size() == 1:
        run.method.restore(run.model, best)
    run.metrics |= _figures(run, steps, seconds)
    folder, draft = run.work_dir / "artifact", run.work_dir / "artifact.draft"
    if ranks.is_main():
        shutil.rmtree(draft, ignore_errors=True)
    if best is None or ranks.world_size() == 1:
        run.steward.save_weights(draft)
    elif ranks.is_main():
        shutil.copytree(best, draft)
    if ranks.is_main():
        run.tokenizer.save_pretrained(draft)
        asking.write(draft, run)
        cards.write(draft, run.spec, base=run.base, metrics=run.metrics, extra=card)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    return TrainResult(
        artifact_dir=str(folder),
        is_adapter=run.method.is_adapter,
        steps=steps,
        trained_tokens=state.trained_tokens,
        train_loss=state.last_loss,
        val_loss=state.best_val_loss,
        stopped_early=state.ended == "early",
        metrics=run.metrics,
    )


def _figures(run: Run, steps: int, seconds: float) -> dict[str, Any]:
    state = run.steward.state
    return {
        "steps": steps,
        "best_step": state.best_step or steps,
        "trained_tokens": state.trained_tokens,
        "train_loss": state.last_loss,
        "first_val_loss": state.first_val_loss,
        "best_val_loss": state.best_val_loss,
        "curve": state.curve,
        **state.best_scores,
        "stopped_early": state.ended == "early",
        "notes": dict(state.notes),
        "batch_size": run.batch_size,
        "gradient_accumulation": run.accumulation,
        "processes": ranks.world_size(),
        "seconds_this_attempt": round(seconds, 1),
        "seconds": round(run.steward.spent(), 1),
    }
