"""Cards of a sweep: what will be tried, and what was best."""

from __future__ import annotations

import math
from typing import Any

from bot.blocks.kit import Card, Json, card, context, fields, preformatted, section
from bot.blocks.memory import no_room
from bot.blocks.mrkdwn import code, esc, name
from tools.units import duration, size
from trainer.store.tables import Dataset, Job

SHOWN = 10
SAID = {
    "lora_r": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "learning_rate": "lr",
    "batch_size": "batch",
}  # as the bot's grammar reads it


def headline(subject: dict[str, Any]) -> str:
    sweep, made = subject["sweep"], subject["estimate"]
    run = sweep["run"]
    about = f"about {duration(made['seconds'])}, {_cost(made)}"
    return f"{sweep['trials']} trials of {esc(run['method'])} on {code(run['base'])}, {about}."


def _cost(made: dict[str, Any]) -> str:
    return f"${made['cost_usd']:,.2f}" if made.get("cost_usd") else "no cost"


def details(subject: dict[str, Any], dataset: Dataset | None) -> list[Json]:
    made, counts = subject["estimate"], (subject.get("split") or {}).get("counts", {})
    rows = f"{counts.get('train', 0):,} train, {counts.get('dev', 0):,} dev; the test rows stay sealed"
    return [
        fields(
            ("Dataset", f"{name(dataset.filename) if dataset else '—'}\n{rows}"),
            ("Tried", "\n".join(esc(axis) for axis in subject["axes"])),
            ("Time", f"about {duration(made['seconds'])} in all"),
            ("Memory", size(made["memory_bytes"])),
            ("Cost", _cost(made)),
        ),
        *no_room(made),
        context(f"Judged by the loss on the dev rows. {esc(made.get('basis', ''))}"),
    ]


def what(row: Job) -> str:
    run = row.spec.get("run", {})
    return f"{row.spec.get('trials', 0)} trials of {esc(run.get('method', ''))} on {code(run.get('base', ''))}"


def ending(row: Job, took: str) -> list[Json]:
    result = row.result or {}
    return [
        fields(
            ("Best", code(words(result.get("best", {})))),
            ("Validation loss", f"{result.get('val_loss') or math.nan:.4f}"),
            ("Trials", f"{len(result.get('trials', []))}, in {took}"),
        )
    ]


def made(row: Job) -> Card:
    """The last message: the best values, every trial from the best to the worst, and how to go on."""
    result = row.result or {}
    best = words(result.get("best", {}))
    trials = sorted(result.get("trials", []), key=lambda t: math.inf if t["val_loss"] is None else t["val_loss"])
    lines = [_line(trial) for trial in trials[:SHOWN]]
    rest = len(trials) - SHOWN
    text = f"The sweep is done: {best} had the lowest validation loss."
    return card(
        text,
        section(f"🏁 *The sweep is done.* {code(best)} had the lowest validation loss of {len(trials)} trials."),
        preformatted("\n".join(lines) + (f"\n… and {rest} more" if rest > 0 else "")),
        context("Chosen on the dev rows; the sealed test rows have not been touched. Nothing was kept of the trials."),
        context(f"To train so, say: {code('train ' + said(result.get('best', {})))}"),
    )


def words(values: dict[str, Any]) -> str:
    return ", ".join(f"{esc(key)} {_short(value)}" for key, value in values.items())


def said(values: dict[str, Any]) -> str:
    """So that it can be pasted."""
    return " ".join(
        f"{SAID[key]} {_short(value)}" if key in SAID else f"{key}={_short(value)}" for key, value in values.items()
    )


def _line(trial: dict[str, Any]) -> str:
    loss = " failed" if trial["val_loss"] is None else f"{trial['val_loss']:.4f}"
    note = f"  ({trial['note']})" if trial.get("note") else ""
    return f"{loss}  {words(trial['values'])}{note}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else esc(str(value))
