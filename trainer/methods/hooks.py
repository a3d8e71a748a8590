"""Our rules hooked into the trainer's own loop. The classes are made at use: their parents are heavy to
import."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.methods.steward import RunState, Steward

if TYPE_CHECKING:
    from transformers import TrainerCallback


@cache
def counting(parent: Any) -> Any:
    """A trainer class that counts the tokens that are not padding, and leaves out the hub's model card."""

    class CountingTrainer(parent):
        run_state: RunState

        def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            tokens = inputs.pop("real_tokens", 0)
            if model.training:
                self.run_state.trained_tokens += int(tokens)
            return super().compute_loss(model, inputs, *args, **kwargs)

        def create_model_card(self, *args: Any, **kwargs: Any) -> None:
            return None

    return CountingTrainer


def callback(steward: Steward) -> TrainerCallback:
    """The trainer's events, told to the steward."""
    from transformers import TrainerCallback

    class StewardCallback(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            steward.begin(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_save = steward.after_step(state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                steward.logged(state.global_step, state.epoch or 0.0, logs["loss"], logs.get("learning_rate"))

        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **_: Any
        ) -> None:
            if not metrics or "eval_loss" not in metrics:
                return
            if steward.validated(state.global_step, state.epoch or 0.0, metrics["eval_loss"]):
                control.should_training_stop = True
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            steward.saved(folder, state.global_step)

    return StewardCallback()
