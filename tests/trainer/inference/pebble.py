"""A base far smaller than the tiny base, untrained: enough to test everything but skill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from trainer.inference.extra import threads_that_yield
from trainer.inference.tiny_base import build
from trainer.inference.tiny_recipe import RECIPE

threads_that_yield()  # conftest imports this before any test module imports torch

PEBBLE = replace(
    RECIPE, layers=2, width=32, heads=2, mlp=64, steps=2, batch=8, context=256, suite_rows=20, replay_rows=40
)


def make_pebble(folder: Path) -> Path:
    return build(folder / "pebble", recipe=PEBBLE)
