"""The verbs in a terminal."""

from tools.cli.main import main

__all__ = ["main"]
