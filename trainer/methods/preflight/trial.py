"""A few throwaway steps by the run's own trainer, after which everything is as it was, to the bit."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

Item = dict[str, Any]
Goal = Callable[[list[float]], bool]  # losses so far → enough
MOST_COMPARED = 50_000_000  # gradients
FEWEST = 3  # steps that are taken even of rows that the base knows already: their effect is looked at
PLAIN = (int, float, bool, str, type(None))


@contextmanager
def put_back(trainer: Any, state: Any) -> Iterator[None]:
    """Whatever happens inside, weights, gradients, random numbers, the trainer's counters and the run's `state` are
    afterwards what they were before."""
    import numpy as np
    import torch

    model = trainer.model
    tensors = [p for p in model.parameters() if p.requires_grad] + list(model.buffers())
    kept = [tensor.detach().to("cpu", copy=True) for tensor in tensors]
    drawn = random.getstate(), np.random.get_state(), torch.get_rng_state()
    drawn_there = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    plain = {name: value for name, value in vars(trainer).items() if isinstance(value, PLAIN)}
    counted = {name: copy.deepcopy(value) for name, value in vars(trainer).items() if _counts(name)}
    told, training = copy.deepcopy(state), model.training
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in zip(tensors, kept, strict=True):
                tensor.copy_(before)
        model.zero_grad(set_to_none=True)
        model.train(training)
        for name in [n for n, value in vars(trainer).items() if isinstance(value, PLAIN) and n not in plain | counted]:
            delattr(trainer, name)
        vars(trainer).update(plain | counted)
        for one in fields(state):
            setattr(state, one.name, getattr(told, one.name))
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])
        torch.set_rng_state(drawn[2])
        if drawn_there:
            torch.cuda.set_rng_state_all(drawn_there)
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def _counts(name: str) -> bool:
    """TRL keeps sums for its next log under these names."""
    return name in ("_metrics", "_stored_metrics", "_logs")


@contextmanager
def without_dropout(model: Any) -> Iterator[None]:
    """Nothing is dropped at random inside, in training mode as well: modules keep their shares in numbers named so."""
    changed: list[tuple[Any, str, float]] = []
    for module in model.modules():
        own = vars(module)
        names = [name for name in own if "drop" in name.lower()] + (["p"] if "Dropout" in type(module).__name__ else [])
        changed += [(module, name, own[name]) for name in names if type(own.get(name)) is float]
    for module, name, _ in changed:
        setattr(module, name, 0.0)
    try:
        yield
    finally:
        for module, name, share in changed:
            setattr(module, name, share)


def gradients(trainer: Any, rows: list[Item], *, at_once: bool) -> tuple[list[Any], float]:
    """What one optimizer step would see of these rows, as one batch or as batches of one, and their mean loss. Of a
    large model some matrices are taken, not all."""
    trainer.model.zero_grad(set_to_none=True)
    loss = backward(trainer, [rows] if at_once else [[row] for row in rows])
    found = [p.grad.detach().float().cpu() for p in _some(trainer.model) if p.grad is not None]
    trainer.model.zero_grad(set_to_none=True)
    return found, loss


def _some(model: Any) -> Iterator[Any]:
    left = MOST_COMPARED
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.numel() <= left:
            left -= parameter.numel()
            yield parameter


def backward(trainer: Any, batches: list[list[Item]]) -> float:
    """Accumulate the gradients of batches as the trainer's own loop does; the loss that it would log."""
    made = [trainer.data_collator([dict(row) for row in rows]) for rows in batches]
    taken, items = trainer.get_batch_samples(iter(made), len(made), trainer.args.device)
    trainer.current_gradient_accumulation_steps = len(taken)
    with trainer.accelerator.autocast():
        losses = [trainer.training_step(trainer.model, batch, items) for batch in taken]
    return float(sum(losses))


@dataclass(slots=True)
class Overfitted:
    """`losses[i]` is the loss before step i; the trial ended because the goal was reached, or time or steps were up."""

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


def overfit(trainer: Any, rows: list[Item], *, rate: float, steps: int, seconds: float, goal: Goal) -> Overfitted:
    """Train on the same rows until `goal(losses)`. A rate that hardly moves the loss is raised three-fold every ten
    steps, and one that drives it up is lowered: rows, model and trainer are tried here, not the rate."""
    import torch

    trained = [p for p in trainer.model.parameters() if p.requires_grad]
    kind, options = type(trainer).get_optimizer_cls_and_kwargs(trainer.args, trainer.model)
    optimizer = kind(trained, **{**options, "lr": rate})
    began, done = time.monotonic(), Overfitted()
    while True:
        optimizer.zero_grad(set_to_none=True)
        done.losses.append(backward(trainer, [rows]))
        done.seconds = time.monotonic() - began
        enough = len(done.losses) > FEWEST and goal(done.losses)
        if enough or len(done.losses) > steps or done.seconds > seconds:
            return done
        _unscale(trainer, trained)
        torch.nn.utils.clip_grad_norm_(trained, trainer.args.max_grad_norm or 1.0)
        if len(done.losses) % 10 == 0 and min(done.losses) > 0.9 * done.losses[0]:
            for group in optimizer.param_groups:
                group["lr"] *= 3 if done.losses[-1] <= 1.2 * done.losses[0] else 0.1
        optimizer.step()


def _unscale(trainer: Any, trained: list[Any]) -> None:
    """fp16 scales the loss; the gradients are scaled back here, as no scaler steps the optimizer."""
    scaler = trainer.accelerator.scaler
    if scaler is None or not scaler.is_enabled():
        return
    for parameter in trained:
        if parameter.grad is not None:
            parameter.grad.div_(scaler.get_scale())


def answers(trainer: Any, rows: list[Item]) -> Any:
    """What the model says of the rows now: logits, or None where the batch has no single text to read."""
    import torch

    batch = trainer.data_collator([dict(row) for row in rows])
    side = next((name.removesuffix("input_ids") for name in batch if name.endswith("input_ids")), None)
    if side is None:
        return None
    wanted = ("input_ids", "attention_mask", "position_ids", "token_type_ids")
    given = {name: batch[side + name].to(trainer.args.device) for name in wanted if side + name in batch}
    was_training = trainer.model.training
    trainer.model.eval()
    try:
        with torch.no_grad(), trainer.accelerator.autocast():
            return trainer.model(**given).logits.detach().float().cpu()
    finally:
        trainer.model.train(was_training)
