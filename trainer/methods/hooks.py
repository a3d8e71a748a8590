"""Our rules hooked into the trainer's own loop. The classes are made at use: their parents are heavy to
import."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.methods.steward import RunState, Steward

if TYPE_CHECKING:
    from transformers import TrainerCallback

SCORES = ("accuracy", "macro_f1")  # what an objective's validation may tell beside its loss


@cache
def counting(parent: Any) -> Any:
    """A trainer class that counts the tokens that are not padding, and leaves out the hub's model card."""

    class CountingTrainer(parent):
        run_state: RunState

        def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            tokens = inputs.pop("real_tokens", 0)
            if model.training:
                self.run_state.fresh_tokens += int(tokens)  # the steward adds them up, step by step
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

        def on_step_end(self, args: Any, state: Any, control: Any, lr_scheduler: Any = None, **_: Any) -> None:
            rate = float(lr_scheduler.get_last_lr()[0]) if lr_scheduler is not None else None
            due = steward.after_step(state.global_step, state.epoch or 0.0, rate)
            control.should_save = due.save
            control.should_evaluate = control.should_evaluate or due.validate
            control.should_training_stop = control.should_training_stop or due.stop

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                rate, norm = logs.get("learning_rate"), logs.get("grad_norm")
                steward.logged(state.global_step, state.epoch or 0.0, logs["loss"], rate, norm)

        def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            steward.validating(state.global_step, state.epoch or 0.0)

        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **_: Any
        ) -> None:
            if not metrics or "eval_loss" not in metrics:
                return
            scores = {name: metrics[f"eval_{name}"] for name in SCORES if f"eval_{name}" in metrics}
            if steward.validated(state.global_step, state.epoch or 0.0, metrics["eval_loss"], scores):
                control.should_training_stop = True
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            steward.saved(folder, state.global_step)

    return StewardCallback()
