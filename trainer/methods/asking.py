"""How an artifact is meant to be asked: generation_config.json beside weights that write, labels beside a classifier's
adapter. Servers elsewhere read the former; our engine and the evaluation go by each request alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.inference import chat
from trainer.methods.spec import RunSpec

if TYPE_CHECKING:
    from trainer.methods.run import Run


def write(folder: Path, run: Run) -> None:
    """Into an artifact that has its weights and tokenizer."""
    if run.objective.task_type == "SEQ_CLS":
        _write_labels(folder, run)
    else:
        write_generation(folder, run.spec, chat.end_of_turn_ids(run.tokenizer, run.model), run.tokenizer.pad_token_id)


def write_generation(folder: Path, spec: RunSpec, ends: Sequence[int], pad: int | None = None) -> None:
    """generation_config.json from `spec.generation`; `ends` end an answer; temperature 0 is greedy."""
    from transformers import GenerationConfig

    wanted = spec.generation
    sampling = {"temperature": wanted.temperature, "top_p": wanted.top_p} if wanted.temperature > 0 else {}
    GenerationConfig(
        max_new_tokens=wanted.max_new_tokens,
        do_sample=bool(sampling),
        eos_token_id=list(ends),
        pad_token_id=pad,
        **sampling,
    ).save_pretrained(folder)


def _write_labels(folder: Path, run: Run) -> None:
    """An adapter's folder gets the config of the whole classifier, which names its labels; full weights have it."""
    if not run.method.is_adapter:
        return
    config = run.model.config
    config.architectures = [type(run.model.get_base_model()).__name__]
    config.save_pretrained(folder)
