"""Tries the run itself before its first step: accumulation, eight rows by heart, and whether the answers change.

Everything is done by the objective's own trainer, collator and loss, and put back to the bit. What does not fit into
the time is left out, and says so.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trainer.methods.preflight import isolation, sample, trial
from trainer.methods.preflight.fit import free_ram
from trainer.methods.preflight.verdict import Check, stop_at_a_failure

if TYPE_CHECKING:
    from trainer.methods.run import Run

ROWS = 8
STEPS = 60
FEWEST_STEPS = 8  # a fall of the loss in fewer says nothing
BUDGET_S = 45.0  # for the whole proof
OVERFIT_S = 20.0
HALVED = 0.5  # the share of its start to which the loss must fall,
LOWER_BY, AFTER = 1.0, 12  # or by so many nats, which is enough after so many steps
FELL = 0.97  # or to this share, where few weights or few steps allow no more
LEARNED = 0.05  # nats below which nothing is left to learn
FEW_WEIGHTS = ("ia3", "prefix", "prompt", "p-tuning")  # cannot hold eight rows in so few steps: a fall is enough
HELD_BACK = ("dpo", "kto")  # objectives whose loss the base holds near its start (beta): a fall is enough there too
WITHIN_BATCH = ("kto", "orpo")  # objectives whose loss takes the rows of a batch together
MASK_FIX = "Look at the picture of the mask: are the answers marked?"
LABELS_FIX = "Look at the labels: does the same text carry several?"
TOLERANCE = {"float32": 0.01, "bfloat16": 0.15, "float16": 0.05}  # of the gradients' norm


def proof(run: Run, trainer: Any) -> list[Check]:
    """Every check that needs the trainer; a failed one is raised as BadInput. They are added to
    `run.metrics["preflight"]`."""
    run.steward.tell("preflight")
    checks = attempt(run, trainer)
    run.metrics["preflight"] = [*run.metrics.get("preflight", []), *(check.to_dict() for check in checks)]
    stop_at_a_failure(checks)
    return checks


def attempt(run: Run, trainer: Any) -> list[Check]:
    """The same checks, failed ones included."""
    left_out = _left_out(run, trainer)
    if left_out:
        return [Check(name, None, left_out) for name in ("packing", "accumulation", "overfit", "effect")]
    deadline = time.monotonic() + BUDGET_S
    with trial.put_back(trainer, run.steward.state), trial.without_dropout(trainer.model):
        rows = _fitting(trainer, sample.choose(trainer.train_dataset, ROWS))
        if isinstance(rows, str):
            return [Check(name, None, rows) for name in ("packing", "accumulation", "overfit", "effect")]
        return [
            isolation.isolated(run, trainer, rows.rows),
            _accumulation(run, trainer, rows),
            *_overfit(run, trainer, rows, deadline),
        ]


def _left_out(run: Run, trainer: Any) -> str:
    """Why nothing can be tried, or ""."""
    if trainer.args.world_size > 1:
        return "Left out: several processes share this run."
    trained = sum(p.numel() * p.element_size() for p in run.model.parameters() if p.requires_grad)
    free = free_ram()
    if free is not None and trained > 0.5 * free:
        size = f"{trained / 2**30:.1f} GiB"
        return f"Left out: a copy of the trained weights takes {size}, more than half of the memory that is free."
    return ""


class _Rows:
    """The rows that are tried, and how long a batch of them takes."""

    def __init__(self, rows: list[dict[str, Any]], seconds: float) -> None:
        self.rows = rows
        self.seconds = seconds


def _fitting(trainer: Any, rows: list[dict[str, Any]]) -> _Rows | str:
    """As many of the rows as one batch may hold here: fewer where memory or time is short, or a sentence."""
    import torch

    if not rows:
        return "Left out: the trainer holds no rows that could be tried."
    while True:
        try:
            trial.gradients(trainer, rows, at_once=True)  # the first step of a process takes longer than the rest
            began = time.monotonic()
            trial.gradients(trainer, rows, at_once=True)
            seconds = time.monotonic() - began
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            if len(rows) == 1:
                return "Left out: not even one row fits into the GPU's memory beside the model."
            rows = rows[: len(rows) // 2]
            continue
        if seconds * FEWEST_STEPS <= OVERFIT_S or len(rows) <= 2:
            return _Rows(rows, seconds)
        rows = rows[: len(rows) // 2]


def _accumulation(run: Run, trainer: Any, given: _Rows) -> Check:
    """Guards against a loss that weighs rows otherwise when a batch is cut into parts."""
    count = len(given.rows)
    if run.spec.objective in WITHIN_BATCH:
        words = f"Left out: {run.spec.objective.upper()} takes the rows of a batch together."
        return Check("accumulation", None, words)
    if count < 2:
        return Check("accumulation", None, "Left out: only one row fits at a time.")
    whole, loss = trial.gradients(trainer, given.rows, at_once=True)
    parts, part_loss = trial.gradients(trainer, given.rows, at_once=False)
    gap = _distance(whole, parts)
    allowed = _tolerance(run)
    if gap <= allowed:
        words = f"The gradients of 1 × {count} and {count} × 1 differ by {gap:.1g} of their size."
        return Check("accumulation", True, words)
    return Check(
        "accumulation",
        False,
        f"{count} rows as one batch and as {count} batches of one give other gradients (they differ by {gap:.0%} of "
        f"their size; losses {loss:.3f} and {part_loss:.3f}), so the batch size would change what is learned.",
        fix="Set gradient_accumulation to 1 and tell whoever keeps this objective's trainer.",
        param="gradient_accumulation",
    )


def _distance(one: list[Any], other: list[Any]) -> float:
    if len(one) != len(other) or not one:
        return float("inf")
    apart = sum(float((a - b).norm()) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
    whole = sum(float(a.norm()) ** 2 for a in one) ** 0.5
    return apart / max(whole, 1e-12)


def _tolerance(run: Run) -> float:
    """By what the run computes in, and by its 4-bit base, whose kernels round by the batch."""
    names = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
    allowed = TOLERANCE[names[run.metrics.get("precision", "fp32")]]
    return max(allowed, 0.05 if run.spec.method == "qlora" else 0.0)


def _overfit(run: Run, trainer: Any, given: _Rows, deadline: float) -> list[Check]:
    import torch

    seconds = min(OVERFIT_S, deadline - time.monotonic())
    steps = min(STEPS, int(seconds / max(given.seconds, 1e-6)))
    if steps < FEWEST_STEPS:
        words = f"Left out: a step takes {given.seconds:.1f} s here, and only {max(steps, 0)} fit into the time."
        return [Check("overfit", None, words), Check("effect", None, words)]
    before = trial.answers(trainer, given.rows)
    rate = run.method.learning_rate(run.metrics["parameters"])
    modest = run.spec.method in FEW_WEIGHTS or run.spec.objective in HELD_BACK
    lenient = modest or steps < STEPS
    goal = _fell if modest else _learned_by_heart
    try:
        done = trial.overfit(trainer, given.rows, rate=rate, steps=steps, seconds=seconds, goal=goal)
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        words = "Left out: the optimizer of the trial did not fit into the GPU's memory."
        return [Check("overfit", None, words), Check("effect", None, words)]
    cut = lenient or len(done.losses) <= STEPS  # by time
    good = goal(done.losses) or (cut and _fell(done.losses))
    fix = LABELS_FIX if run.objective.task_type == "SEQ_CLS" else MASK_FIX
    return [_learned(done, len(given.rows), good, fix), _effect(before, trial.answers(trainer, given.rows))]


def _learned_by_heart(losses: list[float]) -> bool:
    best = min(losses)
    return best <= max(LEARNED, HALVED * losses[0]) or (len(losses) > AFTER and best <= losses[0] - LOWER_BY)


def _fell(losses: list[float]) -> bool:
    return min(losses) <= max(LEARNED, FELL * losses[0])


def _learned(done: trial.Overfitted, count: int, good: bool, fix: str) -> Check:
    """Guards against labels of other rows, and gradients that reach no weight."""
    first, best, steps = done.losses[0], min(done.losses), len(done.losses) - 1
    said = f"{steps} {'step' if steps == 1 else 'steps'}"
    if good:
        return Check("overfit", True, f"Loss {first:.3g} → {best:.3g} on {count} rows in {said}.")
    return Check(
        "overfit",
        False,
        f"{count} rows could not be learned by heart: in {said} the loss only went from {first:.3g} to {best:.3g}.",
        fix=f"{fix} Then train more weights (a higher rank, all linear layers, or method full), or choose another "
        "base.",
    )


def _effect(before: Any, after: Any) -> Check:
    """Guards against an adapter that hangs beside the model and changes nothing."""
    if before is None or after is None or before.shape != after.shape:
        return Check("effect", None, "Left out: this trainer's batches hold no single text to compare.")
    gap = float((after - before).abs().max() / before.std().clamp(min=1e-6))
    if gap > 1e-3:
        words = f"After those steps the logits differ from the base's by {gap:.2g} of their spread."
        return Check("effect", True, words)
    return Check(
        "effect",
        False,
        "After those steps the logits are the base's own: what is trained has no effect on the answers.",
        fix="Check target_modules, and that adapters are switched on.",
        param="target_modules",
    )
