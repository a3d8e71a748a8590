"""Makes the files and the job at the provider, each once: look first, write down that it is about to be made, make it,
write down what it is. An answer that got lost is looked for before anything is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from trainer.errors import BadInput, TunesmithError, Unavailable
from trainer.jobs.child import JobRun
from trainer.jobs.hosted import Approved, Known, record
from trainer.jobs.train import lay_out, tell
from trainer.jobs.waits import Waits
from trainer.methods.method import Stopped
from trainer.methods.spec import RunSpec
from trainer.providers.errors import passes, retry_after, unclear
from trainer.providers.openai import OpenAI, Order
from trainer.providers.parts import write_part
from trainer.providers.remote import RemoteFile, RemoteJob
from trainer.store.blobs import sha256_of
from trainer.types import TrainProgress

T = TypeVar("T")
CLOCKS_S = 24 * 3600.0  # how far the provider's clock may be from ours
LOOKS = 3  # for a job whose answer got lost, before it counts as not made


class Creation:
    def __init__(self, run: JobRun, spec: RunSpec, provider: OpenAI, known: Known, approved: Approved) -> None:
        self.run, self.spec, self.provider, self.known, self.approved = run, spec, provider, known, approved
        self.title = provider.endpoint.title
        self.metadata = provider.quirks.metadata

    def job(self) -> RemoteJob:
        """The provider's job for ours: the one on record, one that is found there, or a new one."""
        if self.known.job:
            return self._patiently(lambda: self.provider.job(self.known.job))
        files = self._files()
        found = self._find(files["train"], looks=LOOKS if self.known.intended else 1)
        return self._adopt(found) if found else self._create(files)

    # files

    def _files(self) -> dict[str, str]:
        """Part → id at the provider, each ready to be used."""
        laid = lay_out(self.run)
        parts = ["train", *(["dev"] if self.provider.quirks.validation_file else [])]
        found: dict[str, str] = {}
        for part in parts:
            path = self.run.folder / f"hosted-{part}.jsonl"
            if write_part(laid[part], path, self.provider.quirks, self.spec.objective).rows:
                found[part] = self.known.files.get(part) or self._uploaded(part, path)
        if "train" not in found:
            raise BadInput("None of the rows fits the provider's format.", fix="Look at the check's report.")
        for file_id in found.values():
            self._processed(file_id)
        return found

    def _uploaded(self, part: str, path: Path) -> str:
        """Under a name that is this job's alone, so that it is found again."""
        name = f"{self.run.job.id}-{part}-{sha256_of(path)[:16]}.jsonl"
        tell(self.run, TrainProgress("uploading", note=f"{part} rows to {self.provider.endpoint.host}"))

        def once() -> RemoteFile:
            return self.provider.find_file(name) or self.provider.upload(path, name)

        made = self._patiently(once)
        record(self.run, self.known, file=made.id, part=part, name=name)
        return made.id

    def _processed(self, file_id: str) -> None:
        quirks = self.provider.quirks
        waits = self._waits()
        until = time.monotonic() + self.run.services.settings.tuning_patience_s
        while True:
            file = self._patiently(lambda: self.provider.file(file_id))
            if not file.status or file.status in quirks.file_ready:
                return
            if file.status in quirks.file_failed:
                raise TunesmithError(
                    f"{self.title} could not read the file {file_id}: {file.details or file.status}",
                    fix="Check the dataset and ask again; no job was made there.",
                    code="provider_file_failed",
                )
            if time.monotonic() > until:
                raise Unavailable(
                    f"{self.title} still processes the file {file_id} ({file.status[:20]}).",
                    fix="Ask again later; no job was made there.",
                    code="provider_file_stuck",
                )
            self._wait(waits)

    # the job

    def _find(self, training_file: str, *, looks: int) -> RemoteJob | None:
        """Ask more than once where a job may have been made a moment ago: lists lag."""
        since = self.run.job.created_at - CLOCKS_S
        waits = self._waits()
        for look in range(looks):
            found = self._patiently(lambda: self.provider.find(self.run.job.id, training_file, since=since))
            if found or look == looks - 1:
                return found
            self._wait(waits)
        return None

    def _adopt(self, found: RemoteJob) -> RemoteJob:
        record(self.run, self.known, job=found.id, adopted=True)
        text = f"Job {found.id} was already there at {self.title}; it goes on, and no second one is made."
        self.run.event("note", {"text": text, "code": "adopted"})
        return found

    def _create(self, files: dict[str, str]) -> RemoteJob:
        order = Order(
            token=self.run.job.id,
            model=self.spec.base,
            training_file=files["train"],
            validation_file=files.get("dev"),
            method=self.spec.objective,
            hyperparameters=self.approved.hyperparameters,
            suffix=self.spec.suffix,
            seed=self.spec.seed,
        )
        waits, until = self._waits(), self._until()
        while True:
            self._heed()
            record(self.run, self.known, intent="create", training_file=files["train"])
            try:
                made = self.provider.create(order, metadata=self.metadata)
                record(self.run, self.known, job=made.id, model=self.spec.base)
                return made
            except TunesmithError as error:
                if self._without_metadata(error):
                    continue
                if not passes(error):
                    raise
                failed = error
            self._say_away(failed)
            self._wait(waits, at_least=retry_after(failed))
            found = self._find(files["train"], looks=LOOKS) if unclear(failed) else None
            if found:
                return self._adopt(found)
            if time.monotonic() > until:
                raise failed

    def _without_metadata(self, error: TunesmithError) -> bool:
        """A provider that knows no metadata is asked again without: the training file tells its job, too."""
        if error.kind != "bad_input" or error.param != "metadata" or not self.metadata:
            return False
        self.metadata = False
        text = f"{self.title} takes no metadata, so the job is recognised by its training file."
        self.run.event("note", {"text": text, "code": "no_metadata"})
        return True

    # patience

    def _waits(self) -> Waits:
        return Waits(self.run, self.run.services.settings.tuning_poll_s)

    def _until(self) -> float:
        return time.monotonic() + self.run.services.settings.tuning_patience_s

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again while what is wrong may pass; the error itself when patience ends."""
        waits, until = self._waits(), self._until()
        while True:
            self._heed()
            try:
                return ask()
            except TunesmithError as error:
                if not passes(error) or time.monotonic() > until:
                    raise
                failed = error
            self._say_away(failed)
            self._wait(waits, at_least=retry_after(failed))

    def _say_away(self, error: TunesmithError) -> None:
        self.run.event("progress", {"stage": "waiting for the provider", "note": error.what})

    def _wait(self, waits: Waits, *, at_least: float = 0.0) -> None:
        reason = waits.wait(at_least=at_least)
        if reason:
            self._stop(reason)

    def _heed(self) -> None:
        reason = self.run.should_stop()
        if reason:
            self._stop(reason)

    def _stop(self, reason: str) -> NoReturn:
        """A cancel while nobody knows whether a job was made: look once, and cancel what is there."""
        if reason == "cancel" and (self.known.job or self.known.intended):
            from trainer.jobs.hosted_watch import Watch

            files: Any = self.known.files
            found = self.known.job or getattr(self._quick_look(files.get("train", "")), "id", "")
            if found:
                record(self.run, self.known, job=found)
                Watch(self.run, self.provider, self.known).cancel()
        raise Stopped(reason)

    def _quick_look(self, training_file: str) -> RemoteJob | None:
        since = self.run.job.created_at - CLOCKS_S
        try:
            return self.provider.hasty().find(self.run.job.id, training_file, since=since)
        except TunesmithError as error:
            text = f"{error.what} Whether a job was made there is not known: look there, it may still be billed."
            self.run.event("note", {"text": text, "code": "may_be_billed"})
            return None
