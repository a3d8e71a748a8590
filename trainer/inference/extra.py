"""The `train` extra: torch and the libraries around it are asked for here, at the moment of use."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from trainer.errors import MissingExtra


@contextmanager
def train_extra(purpose: str) -> Iterator[None]:
    """Imports inside this block may miss; a miss becomes one sentence with the command to run."""
    threads_that_yield()
    try:
        yield
    except ImportError as error:
        missing = error.name or str(error)
        raise MissingExtra(
            f"{purpose} needs {missing}, which is not installed.", fix="Run: pip install 'tunesmith[train]'"
        ) from error


def threads_that_yield() -> None:
    """Before torch is first imported: its CPU threads sleep at barriers instead of spinning. Measured on two cores
    shared with other work, a training step took 0.8 s so and 12 s otherwise; alone there is no difference to speak
    of. The environment may say otherwise."""
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def quiet_libraries() -> None:
    """No bars, no telemetry, no advice meant for notebook users; our own progress says what matters."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging as hf_logging

    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|trl|peft")
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    logging.getLogger("trl").setLevel(logging.ERROR)
    logging.getLogger("peft").setLevel(logging.ERROR)
