"""Whether a run fits into the memory here, and what would make it fit: said before anybody approves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trainer.methods.estimate import Estimate
from trainer.methods.preflight import fit
from trainer.methods.spec import RunSpec
from trainer.settings import Settings

HEAD: dict[bool | None, str] = {True: "It fits: ", False: "It will probably not fit here: ", None: ""}


def judged(spec: RunSpec, gpu: dict[str, Any] | None, *, again: fit.Again, settings: Settings) -> Estimate:
    """The estimate of a run with `fits` and `room`. Where a run is spread over processes, or goes to other machines,
    this machine's memory says nothing, and neither is filled in."""
    usual = again(spec)
    if settings.launcher != "subprocess" or settings.gpus_per_run > 1:
        return replace(usual, fits=None)
    check, made = fit.judged(spec, usual, gpu, again=again, settings=settings)
    saving = " Activations will be recomputed for that, which takes a third longer." if made is not usual else ""
    words = check.words.partition(" are estimated, ")[2] if check.ok else check.words  # the estimate stands beside it
    words = f"{HEAD[check.ok]}{words}{saving}"
    return replace(made, fits=check.ok, room=f"{words} {check.fix}".strip())
