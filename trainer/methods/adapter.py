"""What adapters of every kind share: the base stays as it is, and a small file beside it holds what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.methods import targets
from trainer.methods.method import frozen_dtype, full_rate, load_model
from trainer.methods.spec import RunSpec

WEIGHTS = "adapter_model.safetensors"


class Adapter:
    """A PEFT adapter; a subclass tells its `config`."""

    is_adapter = True
    packs = True
    recomputes = True

    def learning_rate(self, parameters: int) -> float:
        return 10 * full_rate(parameters)

    def reserved(self, spec: RunSpec) -> int:
        return 0

    def remarks(self, model: Any, spec: RunSpec) -> dict[str, str]:
        return {}

    def load(self, base: str, spec: RunSpec, **options: Any) -> Any:
        if spec.target_modules:
            targets.check(base, spec)
        return load_model(base, frozen_dtype(spec), **options)

    def config(self, model: Any, spec: RunSpec, task_type: str) -> Any:
        """The adapter's PeftConfig for this very model."""
        raise NotImplementedError

    def wrap(self, model: Any, spec: RunSpec, task_type: str = "CAUSAL_LM") -> Any:
        from peft import get_peft_model

        return get_peft_model(model, self.config(model, spec, task_type))

    def restore(self, model: Any, folder: Path) -> None:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(folder / WEIGHTS))
