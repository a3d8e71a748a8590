"""Watch a job in a terminal. Where no worker lives, the job runs right here, under the same lease."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tools import sentences
from tools.cli.output import progress_console
from tools.context import Context
from trainer.errors import Unavailable
from trainer.jobs.reconcile import reconcile
from trainer.store.tables import Event, Job
from trainer.types import JobStatus

POLL_S = 0.5
LINE_EVERY_S = 5.0


def follow(context: Context, job: Job, *, quiet: bool) -> Job:
    """Show progress until the job ended; Ctrl-C stops watching, not the job (where a worker runs it)."""
    runner = None if context.services.heartbeats.has(f"worker:{job.queue}") else _run_here(context, job, quiet)
    with _Screen(quiet) as screen:
        seen = 0
        while True:
            for event in context.services.jobs.events(job.id, after=seen):
                seen = event.seq
                screen.show(event)
            row = context.services.jobs.get(job.id)
            if JobStatus(row.status).ended and seen >= row.events:
                return row
            if runner is not None and not runner.is_alive():
                runner = _run_here(context, job, quiet=True)
            time.sleep(POLL_S)


def _run_here(context: Context, job: Job, quiet: bool) -> threading.Thread:
    from trainer.jobs.worker import run_attempt

    if not quiet:
        progress_console.print("No worker is running, so this terminal does the work.")

    def work() -> None:
        with suppress(Unavailable):  # no Redis either: the claim alone decides
            reconcile(context.services.db, context.services.wakeups)
        if run_attempt(context.services, job.id) is None:
            time.sleep(2.0)

    thread = threading.Thread(target=work, name="run-here", daemon=True)
    thread.start()
    return thread


class _Screen:
    """A bar at a terminal, a line every few seconds elsewhere, nothing when quiet."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.last = 0.0

    def __enter__(self) -> _Screen:
        if not self.quiet and progress_console.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self.bar = Progress(*columns, console=progress_console, transient=True)
            self.task = self.bar.add_task("waiting", total=None)
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def show(self, event: Event) -> None:
        if self.quiet:
            return
        if event.type == "progress":
            self._progress(event.data)
        elif event.type == "note":
            progress_console.print(str(event.data.get("text", "")), markup=False)

    def _progress(self, data: dict[str, Any]) -> None:
        text = sentences.running(data)
        if self.bar is not None and self.task is not None:
            total = data.get("total_steps") or None
            self.bar.update(self.task, description=text, total=total, completed=data.get("step", 0))
        elif time.monotonic() - self.last > LINE_EVERY_S:
            self.last = time.monotonic()
            progress_console.print(text, markup=False, soft_wrap=True)
