"""Any service with OpenAI's fine-tuning API, through the openai library. How services differ is data (`quirks`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from trainer.errors import BadInput, TunesmithError
from trainer.providers.endpoint import Endpoint, endpoint_of
from trainer.providers.errors import said_of
from trainer.providers.remote import (
    RemoteCheckpoint,
    RemoteEvent,
    RemoteFile,
    RemoteJob,
    checkpoint_of,
    event_of,
    fields_of,
    file_of,
    garbled,
    job_of,
)
from trainer.settings import Settings
from trainer.types import GenerateRequest, GenerateResult

T = TypeVar("T")
PAGE = 100
MOST_PAGES = 50
HASTY_S = 8.0
TOKEN = "tunesmith_job"  # noqa: S105 (the metadata key that carries our job's id)


@dataclass(frozen=True, slots=True)
class Order:
    """A job to create. `token` is our job's id: the same however often this is tried."""

    token: str
    model: str
    training_file: str
    validation_file: str | None
    method: str
    hyperparameters: dict[str, Any]
    suffix: str = ""
    seed: int | None = None


class OpenAI:
    """`retries` are the library's own, for reading; what creates something is never sent twice by itself."""

    hosted = True
    queue = "cpu"

    def __init__(self, endpoint: Endpoint, *, retries: int = 0) -> None:
        self.endpoint = endpoint
        self.quirks = endpoint.quirks
        self.retries = retries

    @classmethod
    def of(cls, settings: Settings, *, retries: int = 0) -> OpenAI:
        return cls(endpoint_of(settings), retries=retries)

    def hasty(self) -> OpenAI:
        """The same for what must not wait long: when the job is about to stop."""
        return OpenAI(replace(self.endpoint, timeout_s=min(HASTY_S, self.endpoint.timeout_s)))

    @cached_property
    def client(self) -> Any:
        import openai

        quirks, key = self.quirks, self.endpoint.key.get_secret_value() or "none"

        class Client(openai.OpenAI):
            def _prepare_options(self, options: Any) -> Any:
                options.url = quirks.path(options.method, options.url)
                return options

        return Client(
            api_key=key,
            base_url=self.endpoint.base_url,
            timeout=self.endpoint.timeout_s,
            max_retries=self.retries,
            default_query=dict(self.endpoint.query),
            default_headers={quirks.key_header: key} if quirks.key_header else None,
        )

    # files

    def upload(self, path: Path, name: str) -> RemoteFile:
        """Send a file under a name of ours. Never tried twice: `find_file` tells whether it arrived."""
        with path.open("rb") as rows:
            sent: Any = (name, rows, "application/jsonl")
            once = self.client.with_options(max_retries=0)
            return file_of(self._ask(lambda: once.files.create(file=sent, purpose=self.quirks.purpose)), self.quirks)

    def find_file(self, name: str) -> RemoteFile | None:
        """A file that was uploaded under this name before."""
        for item in self._pages(lambda: self.client.files.list(purpose=self.quirks.purpose, **self._limit())):
            found = file_of(item, self.quirks)
            if found.filename == name:
                return found
        return None

    def file(self, file_id: str) -> RemoteFile:
        return file_of(self._ask(lambda: self.client.files.retrieve(file_id), about=f"file {file_id}"), self.quirks)

    # jobs

    def create(self, order: Order, *, metadata: bool = True) -> RemoteJob:
        """Start a job that costs money. Never tried twice: `find` tells whether it was made."""
        wanted = self._body(order, metadata and self.quirks.metadata)
        extra = wanted.pop("extra_body", None)
        once = self.client.with_options(max_retries=0)
        key = f"tunesmith-{order.token}{'' if metadata else '-plain'}"  # one key never goes with two bodies
        made = self._ask(
            lambda: once.fine_tuning.jobs.create(**wanted, extra_headers={"Idempotency-Key": key}, extra_body=extra),
            about=f"model {order.model}",
        )
        return job_of(made, self.quirks)

    def _body(self, order: Order, metadata: bool) -> dict[str, Any]:
        quirks = self.quirks
        named = {quirks.hyperparameters.get(k, k): v for k, v in order.hyperparameters.items()}
        named.pop("", None)
        body: dict[str, Any] = {"model": order.model, "training_file": order.training_file}
        if order.validation_file and quirks.validation_file:
            body["validation_file"] = order.validation_file
        if quirks.body == "method":
            body["method"] = {"type": order.method, order.method: {"hyperparameters": named}}
        elif quirks.body == "flat":
            body["extra_body"] = named
        else:
            body["hyperparameters"] = named
        suffix = order.suffix or ("" if metadata else f"ts-{order.token[-12:].lower()}")
        if suffix and quirks.suffix:
            body["suffix"] = suffix[: quirks.suffix]
        if order.seed is not None and quirks.seed:
            body["seed"] = order.seed
        if metadata:
            body["metadata"] = {TOKEN: order.token}
        return body

    def find(self, token: str, training_file: str, *, since: float = 0.0) -> RemoteJob | None:
        """The job that was made for `token`: by its metadata, or by its training file, which no other job has.
        Jobs made before `since` are not looked at. Of several the first that was made."""
        found: list[RemoteJob] = []
        for job in self.jobs(since=since):
            if job.metadata.get(TOKEN) == token or (training_file and job.training_file == training_file):
                found.append(job)
        return min(found, key=lambda job: job.created_at) if found else None

    def jobs(self, *, since: float = 0.0, most: int | None = None) -> Iterator[RemoteJob]:
        """Newest first."""
        limit = {"limit": min(most, PAGE)} if most and self.quirks.paged else self._limit()
        for count, item in enumerate(self._pages(lambda: self.client.fine_tuning.jobs.list(**limit))):
            job = job_of(item, self.quirks)
            if (0 < job.created_at < since) or (most is not None and count >= most):
                return
            yield job

    def job(self, job_id: str) -> RemoteJob:
        return self._one("retrieve", job_id)

    def cancel(self, job_id: str) -> RemoteJob:
        return self._one("cancel", job_id)

    def pause(self, job_id: str) -> RemoteJob:
        return self._one("pause", job_id)

    def resume(self, job_id: str) -> RemoteJob:
        return self._one("resume", job_id)

    def _one(self, verb: str, job_id: str) -> RemoteJob:
        if verb in ("pause", "resume") and not self.quirks.pause:
            raise BadInput(
                f"{self.endpoint.title} cannot {verb} a job.", fix="Cancel it, or let it go on.", code="not_offered"
            )
        asked = getattr(self.client.fine_tuning.jobs, verb)
        return job_of(self._ask(lambda: asked(job_id), about=f"job {job_id}"), self.quirks)

    def events(self, job_id: str, known: set[str]) -> list[RemoteEvent]:
        """What is not in `known` yet, oldest first; each once, whatever order they come in. Reading stops after a
        page that holds nothing new."""
        if not self.quirks.events:
            return []
        new: dict[str, RemoteEvent] = {}
        asked = lambda: self.client.fine_tuning.jobs.list_events(job_id, **self._limit())  # noqa: E731
        for page in self._by_page(asked):
            fresh = [event for event in (event_of(item, self.endpoint.title) for item in page) if event.id not in known]
            new |= {event.id: event for event in fresh}
            if not fresh:
                break
        oldest = list(new.values())[::-1]  # lists come newest first
        return sorted(oldest, key=lambda event: event.created_at)

    def checkpoints(self, job_id: str) -> list[RemoteCheckpoint]:
        """By step, oldest first."""
        if not self.quirks.checkpoints:
            return []
        asked = lambda: self.client.fine_tuning.jobs.checkpoints.list(job_id, **self._limit())  # noqa: E731
        found = {c.id: c for c in (checkpoint_of(item, self.endpoint.title) for item in self._pages(asked))}
        return sorted(found.values(), key=lambda checkpoint: (checkpoint.step, checkpoint.id))

    # models

    def shutdown_date(self, model: str) -> str:
        """What GET /models/{id} says of the model's end, as it was written; "" for nothing. NotFound for no model."""
        if not self.quirks.models:
            return ""
        found = fields_of(
            self._ask(lambda: self.client.models.retrieve(model), about=f"model {model}"), self.endpoint.title
        )
        return str(found.get("shutdown_date") or "")[:40]

    def answer(self, request: GenerateRequest, model: str) -> GenerateResult:
        """What a model there says to one prompt."""
        more: dict[str, Any] = {"stop": list(request.stop)} if request.stop else {}
        if request.seed is not None:
            more["seed"] = request.seed
        said = self._ask(
            lambda: self.client.chat.completions.create(
                model=model,
                messages=[{"role": m.role, "content": m.content} for m in request.messages],
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                top_p=request.top_p,
                **more,
            ),
            about=f"model {model}",
        )
        try:
            choice, usage = said.choices[0], said.usage
            text = str(choice.message.content or "")
            spent = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
            return GenerateResult(text, *spent, "length" if choice.finish_reason == "length" else "stop")
        except (AttributeError, IndexError, TypeError):
            raise garbled(self.endpoint.title) from None

    # the wire

    def _limit(self) -> dict[str, int]:
        return {"limit": PAGE} if self.quirks.paged else {}

    def _ask(self, call: Callable[[], T], *, about: str = "") -> T:
        import openai

        try:
            return call()
        except TunesmithError:
            raise
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            raise said_of(error, self.endpoint, about=about) from None

    def _pages(self, first: Callable[[], Any]) -> Iterator[Any]:
        for page in self._by_page(first):
            yield from page

    def _by_page(self, first: Callable[[], Any]) -> Iterator[list[Any]]:
        """Each page's items. What is no list is refused: nobody may take it for "there is nothing"."""
        page, seen = self._ask(first), set()
        for _ in range(MOST_PAGES):
            items = getattr(page, "data", None)
            if not isinstance(items, list):
                raise garbled(self.endpoint.title)
            yield items
            with suppress(AttributeError):
                mark = (items[0].id, items[-1].id) if items else None
                if mark in seen:  # a provider that does not heed `after`
                    return
                seen.add(mark)
            if not items or not self.quirks.paged or not self._ask(page.has_next_page):
                return
            page = self._ask(page.get_next_page)
