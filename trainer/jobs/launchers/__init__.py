"""Where a trainer's process runs: the table of launchers, and which one a job gets."""

from __future__ import annotations

from pkgutil import resolve_name

from trainer.errors import BadInput
from trainer.jobs.launchers.launcher import Launcher, Tell
from trainer.settings import Settings
from trainer.store.tables import Job

LAUNCHERS = {
    "subprocess": "trainer.jobs.launchers.subprocess:Subprocess",
    "slurm": "trainer.jobs.launchers.slurm:Slurm",
}


def launcher_for(settings: Settings, job: Job, tell: Tell) -> Launcher:
    """The one that the settings name for work on GPUs; what only calls an API runs beside the worker."""
    return resolve(settings.launcher if job.queue == "gpu" else "subprocess")(settings, tell)


def resolve(name: str) -> type[Launcher]:
    if name not in LAUNCHERS:
        raise BadInput(
            f"There is no launcher {name[:40]!r}.",
            fix=f"Set TUNESMITH_LAUNCHER to one of: {', '.join(LAUNCHERS)}.",
            code="unknown_launcher",
        )
    return resolve_name(LAUNCHERS[name])
