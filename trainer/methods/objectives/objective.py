"""What an objective answers for: reading its rows, checking them, and the trainer that learns from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from trainer.methods.run import Run


class Objective(Protocol):
    task_type: str  # PEFT's word for the kind of model: "CAUSAL_LM" or "SEQ_CLS"
    rate: float  # times the method's default learning rate: 1.0 for supervised training, less for preferences

    def load(self, run: Run) -> None:
        """Set `run.tokenizer` and `run.model`: the base as `run.method` trains it, nothing wrapped yet."""
        ...

    def prepare(self, run: Run) -> None:
        """Read and check the rows of `run.files`; set `run.train_set`, `run.dev_set` (None where there is none) and
        whatever `trainer` needs, and add what became of the rows to `run.metrics`. Raises BadInput."""
        ...

    def trainer(self, run: Run, arguments: dict[str, Any]) -> Any:
        """A transformers Trainer for `run.model` (wrapped by now). `arguments` go to its TrainingArguments; the
        class must come from `hooks.counting(parent)`, so that tokens are counted, and batches must then carry
        `real_tokens`."""
        ...
