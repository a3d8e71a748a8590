"""A run's settings in transformers' words: what every objective's TrainingArguments have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.methods.method import precision

if TYPE_CHECKING:
    from trainer.methods.run import Run

OPTIMIZERS = {"adamw": "adamw_torch", "adamw_8bit": "adamw_8bit", "paged_adamw_8bit": "paged_adamw_8bit"}


def arguments(run: Run) -> dict[str, Any]:
    import torch

    spec, total, cuda = run.spec, run.steward.total_steps, torch.cuda.is_available()
    computes_in = run.metrics["precision"] = precision(spec)
    warmup = spec.warmup_steps if spec.warmup_steps is not None else round(spec.warmup_ratio * total)
    validate_every = max(1, round(total / spec.evals_per_run))
    run.steward.warmup_steps = min(warmup, max(total - 1, 0))
    run.steward.validate_every = validate_every if run.dev_set is not None else 0
    return {
        "output_dir": str(run.work_dir),
        "num_train_epochs": spec.epochs,
        "per_device_train_batch_size": run.batch_size,
        "per_device_eval_batch_size": run.batch_size,
        "gradient_accumulation_steps": run.accumulation,
        "learning_rate": run.metrics["learning_rate"],
        "lr_scheduler_type": spec.scheduler if spec.scheduler != "constant" else "constant_with_warmup",
        "warmup_steps": run.steward.warmup_steps,
        "max_grad_norm": spec.max_grad_norm,
        "weight_decay": spec.weight_decay,
        "optim": OPTIMIZERS[spec.optimizer],
        "seed": spec.seed,
        "data_seed": spec.seed,
        "use_cpu": not cuda,
        "bf16": computes_in == "bf16",
        "fp16": cuda and computes_in == "fp16",
        "gradient_checkpointing": run.save_memory,
        "eval_strategy": "steps" if run.dev_set is not None else "no",
        "eval_steps": validate_every,
        "save_strategy": "no",  # the steward asks for checkpoints
        "save_total_limit": spec.checkpoints_kept,
        "logging_steps": spec.log_every_steps,
        "logging_nan_inf_filter": False,
        "report_to": [],
        "ddp_find_unused_parameters": False,
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": cuda,
    }
