"""Watches a provider's job to its end: status, events and checkpoints mirrored into our own, cancel handed on."""

from __future__ import annotations

import time
from typing import Any

from trainer.errors import TunesmithError
from trainer.jobs.child import JobRun
from trainer.jobs.hosted import Known, record
from trainer.jobs.train import tell
from trainer.jobs.waits import Waits
from trainer.methods.method import Stopped
from trainer.providers.errors import failure, passes, retry_after
from trainer.providers.openai import OpenAI
from trainer.providers.remote import RemoteEvent, RemoteJob
from trainer.types import JobStatus, TrainProgress

CANCEL_S = 40.0  # for the provider to confirm; the worker ends the process after a minute
STAGES = {
    JobStatus.VALIDATING: "validating files",
    JobStatus.QUEUED: "queued at the provider",
    JobStatus.RUNNING: "training",
    JobStatus.PAUSED: "paused at the provider",
}


class Watch:
    def __init__(self, run: JobRun, provider: OpenAI, known: Known) -> None:
        self.run, self.provider, self.known = run, provider, known
        self.title = provider.endpoint.title
        self.waits = Waits(run, run.services.settings.tuning_poll_s)
        self.told = ""
        self.away = False
        self.kept = {c.metrics.get("remote_id") for c in run.services.jobs.checkpoints(run.job.id)}

    def to_the_end(self, remote: RemoteJob) -> RemoteJob:
        """The job once it succeeded. Raises its failure as a TunesmithError, and Stopped where it was cancelled."""
        reason: str | None = None
        while True:
            if reason == "cancel":
                self.cancel()
            if reason:
                raise Stopped(reason)
            if self._look(remote):
                return remote
            reason = self.waits.wait()
            while not reason:
                try:
                    remote = self.provider.job(self.known.job)
                    self._back()
                    break
                except TunesmithError as error:
                    self._gone(error)
                    reason = self.waits.wait(at_least=retry_after(error))

    def _look(self, remote: RemoteJob) -> bool:
        """Mirror what is new; True when it succeeded."""
        ended = remote.status is not None and remote.status.ended
        self._mirror(must=ended)
        self._say_status(remote)
        if not ended:
            return False
        record(self.run, self.known, job=remote.id, ended=remote.said)
        if remote.status is JobStatus.FAILED:
            error = failure(self.title, remote.id, remote.error)
            error.ended_there = True  # type: ignore[attr-defined]
            raise error
        if remote.status is JobStatus.CANCELLED:
            text = f"{self.title} cancelled {remote.id}."
            self.run.event("note", {"text": text, "code": "cancelled_there"})
            raise Stopped("cancel")
        return True

    # mirroring

    def _mirror(self, *, must: bool) -> None:
        """Events and checkpoints; what cannot be read now is read next time, and at the end more than once."""
        for tries_left in (2, 1, 0) if must else (0,):
            try:
                self._events()
                self._checkpoints()
                return
            except TunesmithError as error:
                if not passes(error) or not tries_left:
                    return
                time.sleep(min(0.2, self.waits.longest_s))

    def _events(self) -> None:
        for event in self.provider.events(self.known.job, self.known.seen):
            self.run.event(*self._as_ours(event))
            self.known.seen.add(event.id)
            self.waits.reset()

    def _as_ours(self, event: RemoteEvent) -> tuple[str, dict[str, Any]]:
        figures = {name: event.data.get(name) for name in ("step", "total_steps", "train_loss", "valid_loss")}
        if isinstance(figures["step"], int) and isinstance(figures["total_steps"], int):
            progress = TrainProgress(
                "training",
                step=figures["step"],
                total_steps=figures["total_steps"],
                loss=_number(figures["train_loss"]),
                val_loss=_number(event.data.get("full_valid_loss", figures["valid_loss"])),
            )
            return "progress", progress.to_dict() | {"remote_id": event.id}
        return "note", {"text": f"{self.title}: {event.message}", "code": "remote", "remote_id": event.id}

    def _checkpoints(self) -> None:
        for checkpoint in self.provider.checkpoints(self.known.job):
            if checkpoint.id in self.kept:
                continue
            metrics = {"remote_id": checkpoint.id, "remote_model": checkpoint.model, **checkpoint.metrics}
            self.run.lease.checkpoint(checkpoint.step, {"files": {}}, metrics)
            self.kept.add(checkpoint.id)

    def _say_status(self, remote: RemoteJob) -> None:
        """Once for every new status; a word that we don't know is told and taken for work going on."""
        if remote.said == self.told:
            return
        self.told = remote.said
        self.waits.reset()
        if remote.status is None:
            text = f"{self.title} says “{remote.said}” of its job, which is new to us; watching goes on."
            self.run.event("note", {"text": text, "code": "unknown_status"})
        elif remote.status is not JobStatus.RUNNING and remote.status in STAGES:
            tell(self.run, TrainProgress(STAGES[remote.status]))
        if remote.status is JobStatus.PAUSED:
            text = f"The job is paused at {self.title}. Go on with: tunesmith hosted resume {self.run.job.id}"
            self.run.event("note", {"text": text, "code": "paused"})

    # absences

    def _gone(self, error: TunesmithError) -> None:
        """What passes is told once and waited out, however long; anything else ends the watching."""
        if not passes(error):
            raise error
        if not self.away:
            self.away = True
            text = f"{error.what} Watching goes on; the job there is not touched by this."
            self.run.event("note", {"text": text, "code": "provider_away"})

    def _back(self) -> None:
        if self.away:
            self.away = False
            self.run.event("note", {"text": f"{self.title} answers again.", "code": "provider_back"})

    # cancel

    def cancel(self) -> None:
        """Hand the cancel on and wait for its word, for a while; then say that it may still be billed."""
        until = time.monotonic() + min(CANCEL_S, self.run.services.settings.tuning_patience_s)
        pause, asked, why, provider = 0.1, False, "it did not confirm in time", self.provider.hasty()
        while time.monotonic() < until:
            try:
                remote = provider.job(self.known.job) if asked else provider.cancel(self.known.job)
                asked = True
                if remote.status is not None and remote.status.ended:
                    self._cancelled(remote)
                    return
            except TunesmithError as error:
                why, asked = error.what.rstrip("."), asked or not passes(error)
            self.run.lease.renew()
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
        text = (
            f"Whether {self.title} cancelled {self.known.job} is not known ({why}): it may still be billed. Look there."
        )
        self.run.event("note", {"text": text, "code": "may_be_billed"})

    def _cancelled(self, remote: RemoteJob) -> None:
        self._mirror(must=True)
        record(self.run, self.known, job=remote.id, ended=remote.said)
        text = f"{self.title} says of {remote.id}: {remote.said}."
        self.run.event("note", {"text": text, "code": "cancelled_there"})


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
