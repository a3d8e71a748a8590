"""Somebody's code, given only so much time. It runs in a thread that is left behind where it does not come back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from trainer.errors import BadInput

SECONDS = 20.0  # for one call: a metric is asked once for every answer


def limited(call: Callable[..., Any], *given: Any) -> Any:
    """What `call` returns or raises. Raises BadInput (code metric_failed) where it takes longer than SECONDS, or would
    end the program."""
    told: list[Any] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            told.append(call(*given))
        except BaseException as error:  # handed to the one who waits
            failed.append(error)

    thread = threading.Thread(target=work, name="metric", daemon=True)
    thread.start()
    thread.join(SECONDS)
    fix = "Correct the metric or leave it out."
    if failed and isinstance(failed[0], Exception):
        raise failed[0]
    if failed:
        raise BadInput(f"it ends the program ({type(failed[0]).__name__}).", fix=fix, code="metric_failed")
    if not told:
        raise BadInput(f"it has not come back after {SECONDS:g} seconds.", fix=fix, code="metric_failed")
    return told[0]
