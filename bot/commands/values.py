"""Which values to train with: advice, presets, sweeps."""

from __future__ import annotations

import re

from bot.commands.gates import gate_named
from bot.commands.runs import run_named
from bot.commands.words import Command, any_of

SWEEP = re.compile(
    r"(?:start |run |do )?(?:a |the )?(?:hyper-?parameter )?(?:sweep|tune the settings)\b", re.IGNORECASE
)
TRIALS = re.compile(r"(\d+)\s*(?:trials|runs)\b", re.IGNORECASE)
OVER = re.compile(r"\b(\w+)\s*=\s*([\w.+-]+(?:\.\.[\w.+-]+|(?:\s*,\s*[\w.+-]+)+))")
SHORT = {
    "lr": "learning_rate",
    "rank": "lora_r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "batch": "batch_size",
}
SWEPT = {"base", "method", "objective", "preset", "epochs", "settings", "dataset"}


def sweeps(text: str) -> Command | None:
    """`sweep learning_rate=1e-4..1e-2 rank=8,16 with 8 trials`"""
    if not SWEEP.match(text):
        return None
    text, gate = gate_named(text)
    over = [f"{SHORT.get(name.lower(), name.lower())}={value.replace(' ', '')}" for name, value in OVER.findall(text)]
    found = {key: value for key, value in run_named(OVER.sub(" ", text)).items() if key in SWEPT}
    trials = TRIALS.search(text)
    found |= ({"trials": int(trials[1])} if trials else {}) | ({"gate": gate} if gate else {})
    return Command("request_sweep", found | ({"over": over} if over else {}))


SUGGEST = any_of(
    r"^(?:suggest|recommend|propose)\b.*\b(?:hyper-?parameters?|settings|values|rank|learning rate|lr|epochs|batch)",
    r"^(?:what|which) (?:hyper-?parameters?|settings|values|rank|learning rate|lr|batch size|number of epochs)\b",
    r"^how many epochs\b",
    r"^hyper-?parameters\b",
)
SUGGESTED = {"base", "method", "objective", "dataset"}


def suggests(text: str) -> Command | None:
    if not SUGGEST.search(text):
        return None
    return Command("suggest_hyperparameters", {k: v for k, v in run_named(text).items() if k in SUGGESTED})


PRESETS = re.compile(r"(?:list |show |which |what )?(?:the |training )*presets(?: are there)?\??", re.IGNORECASE)


def lists_presets(text: str) -> Command | None:
    return Command("list_presets") if PRESETS.fullmatch(text) else None
