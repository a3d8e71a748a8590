"""Watch a job in a terminal. Where no worker lives, the job runs right here, under the same lease."""

from __future__ import annotations

import signal
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
    """Show progress until the job ended. Ctrl-C or SIGTERM: where a worker runs it, stop watching; where
    this terminal does, stop at a checkpoint and put the job back in line."""
    watched = context.services.heartbeats.has(f"worker:{job.queue}")
    here = None if watched else _Here(context, job, quiet)
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _watch(context, job, here, quiet)
    except KeyboardInterrupt:
        return _leave(context, job, here)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _watch(context: Context, job: Job, here: _Here | None, quiet: bool) -> Job:
    with _Screen(quiet) as screen:
        seen = 0
        while True:
            for event in context.services.jobs.events(job.id, after=seen):
                seen = event.seq
                screen.show(event)
            row = context.services.jobs.get(job.id)
            if JobStatus(row.status).ended and seen >= row.events:
                return row
            if here is not None:
                here.keep_running()
            time.sleep(POLL_S)


def _leave(context: Context, job: Job, here: _Here | None) -> Job:
    if here is not None:
        progress_console.print("Stopping at a checkpoint; press Ctrl-C again to leave at once.")
        here.stop()
    row = context.services.jobs.get(job.id)
    if here is not None and not JobStatus(row.status).ended:
        text = f"{job.id} waits in line; `tunesmith up` goes on with it, `tunesmith cancel {job.id}` ends it."
        progress_console.print(text, markup=False)
    elif here is None:
        progress_console.print(f"{job.id} goes on without you: tunesmith status {job.id}", markup=False)
    return row


class _Here:
    """Runs the job's attempts in a thread of this process, as a worker would."""

    def __init__(self, context: Context, job: Job, quiet: bool) -> None:
        self.context = context
        self.job = job
        self.stopping = threading.Event()
        if not quiet:
            progress_console.print("No worker is running, so this terminal does the work.")
        self.thread = self._started()

    def keep_running(self) -> None:
        if not self.thread.is_alive():
            self.thread = self._started()

    def stop(self) -> None:
        self.stopping.set()
        while self.thread.is_alive():
            self.thread.join(0.2)

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="run-here", daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        from trainer.jobs.worker import run_attempt

        services = self.context.services
        if run_attempt(services, self.job.id, stop=self.stopping) is not None:
            return
        with suppress(Unavailable):  # asked last, as a Redis that is away is waited for
            reconcile(services.db, services.wakeups)
        self.stopping.wait(2.0)


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
