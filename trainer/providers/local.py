"""This machine: `trainer.jobs.train` lays out the files and runs `trainer.methods`."""

from __future__ import annotations


class Local:
    hosted = False
    queue = "gpu"
