"""Which values to train with, from the size of the data and of the base, each with its reason. Rules of thumb, and said
to be: a sweep on the validation rows (`tunesmith sweep`) knows better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from trainer.methods import resolve, resolve_objective

SMALL_BASE = 300e6  # parameters; below, a base knows little and has to be shown more often
STEPS_WANTED = {"small": 300, "large": 60}  # optimizer steps; the tiny base's tickets took 384 with old rows mixed in
MOST_EPOCHS = {"small": 15, "large": 6}
FEW_STEPS = 100
FLOOR_LENGTH, GRAIN = 128, 64
PREFERENCE = ("dpo", "orpo", "kto")


@dataclass(frozen=True, slots=True)
class Known:
    """What the advice rests on: the rows and tokens of the train part, the longest row of 95 in 100, the base's
    parameters and context, what is to be trained, and whether rows of old tasks are at hand."""

    rows: int
    tokens: int
    p95: int
    longest: int
    parameters: int
    context: int
    method: str = "lora"
    objective: str = "supervised"
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Advised:
    name: str  # a RunSpec's own
    value: Any
    why: str


def hyperparameters(known: Known) -> list[Advised]:
    """Values for everything that the size of data and base decides; the rest keeps RunSpec's defaults."""
    length, batch = _length(known), _batch(known)
    share = _replay(known)
    sequences = max(1, math.ceil(known.tokens * (1 + share) / (length.value * 0.95)))
    epochs = _epochs(known, math.ceil(sequences / batch.value))
    steps = math.ceil(sequences / batch.value) * epochs.value
    return [
        *_adapter(known),
        _rate(known),
        epochs,
        batch,
        length,
        _warmup(steps),
        *([Advised("replay", share, _REPLAY)] if share else []),
    ]


_REPLAY = "old-task rows against forgetting: as many as new ones where those are few, a fifth where they are many"


def _replay(known: Known) -> float:
    if not known.replay or known.objective != "supervised":
        return 0.0
    return 1.0 if known.rows < 1_000 else 0.2


def _size(known: Known) -> str:
    return "small" if known.parameters < SMALL_BASE else "large"


def _adapter(known: Known) -> list[Advised]:
    if known.method not in ("lora", "qlora"):
        return []
    rank, band = next(
        (rank, band)
        for limit, rank, band in (
            (500, 8, "under 500 rows"),
            (5_000, 16, "500 to 5,000 rows"),
            (50_000, 32, "5,000 to 50,000 rows"),
            (math.inf, 64, "more than 50,000 rows"),
        )
        if known.rows < limit
    )
    if _size(known) == "small":
        rank = max(rank, 16)
        band += "; at least 16 on so small a base"
    made = [
        Advised("lora_r", rank, f"{band}: a larger rank holds more, and overfits few rows sooner"),
        Advised("lora_alpha", 2 * rank, "twice the rank, so that the learning rate below fits any rank"),
    ]
    if known.rows < 1_000:
        made.append(Advised("lora_dropout", 0.05, "under 1,000 rows a little dropout delays overfitting"))
    return made


def _rate(known: Known) -> Advised:
    method = resolve(known.method)
    rate = method.learning_rate(known.parameters)
    why = f"this method's rate for {known.parameters:,} parameters; smaller for larger bases"
    if method.is_adapter:
        why += ", ten times that of full fine-tuning"
    share = resolve_objective(known.objective).rate
    if share != 1:
        rate, why = rate * share, f"{why}; times {share:g}, since preferences move answers that are good already"
    return Advised("learning_rate", float(f"{rate:.2g}"), why)


def _epochs(known: Known, steps_an_epoch: int) -> Advised:
    size = _size(known)
    wanted = STEPS_WANTED[size]
    most = 2 if known.objective in PREFERENCE else MOST_EPOCHS[size]
    epochs = min(most, max(1, math.ceil(wanted / steps_an_epoch)))
    why = f"{steps_an_epoch:,} steps an epoch: enough for {min(wanted, steps_an_epoch * epochs):,} steps"
    if epochs == most:
        why += f"; more than {most} passes would learn the rows by heart"
    return Advised("epochs", epochs, f"{why}; early stopping ends it sooner where the validation loss turns")


def _batch(known: Known) -> Advised:
    share = max(1.0, known.rows / 100)
    batch = min(32, max(4, 2 ** round(math.log2(share))))
    return Advised("batch_size", batch, "about a hundredth of the rows, between 4 and 32: steady steps, and enough")


def _length(known: Known) -> Advised:
    wanted = known.longest if known.longest <= 2 * known.p95 else known.p95
    fits = min(known.context, max(FLOOR_LENGTH, math.ceil(wanted * 1.05 / GRAIN) * GRAIN))
    cut = "" if fits >= known.longest else f"; rows longer than that (up to {known.longest:,}) are cut, and counted"
    return Advised("max_length", fits, f"the longest of 95 in 100 rows has {known.p95:,} tokens{cut}")


def _warmup(steps: int) -> Advised:
    share = 0.1 if steps < FEW_STEPS else 0.03
    why = "short runs need more of it" if steps < FEW_STEPS else "a few are enough"
    return Advised("warmup_ratio", share, f"{steps:,} steps in all: {why}")
