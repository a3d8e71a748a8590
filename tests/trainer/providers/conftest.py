"""The fake provider in a thread, a job asked for and approved like any other, and attempts at it in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn

from tests.conftest import free_port, wait_until
from tools import approvals, datasets, training
from tools.context import Caller, Context
from trainer.errors import TunesmithError
from trainer.jobs import train
from trainer.jobs.child import JobRun, _fail, _stopped
from trainer.jobs.lease import claim
from trainer.jobs.queue import Wakeups, connect
from trainer.methods.method import Stopped
from trainer.providers.fake.app import create_app
from trainer.services import Services, build_services
from trainer.settings import Settings
from trainer.store.tables import Job

BASE = "gpt-4o-mini-2024-07-18"
KEY = "sk-provider-0123456789"
TICK_S = 0.02


class Fake:
    """A provider that we can break; `restart` loses everything but its folder."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.port = folder, port or free_port()
        self.tick_s = TICK_S
        self.start()

    def start(self) -> None:
        app = create_app(self.folder, tick_s=self.tick_s, key=KEY, hang_s=20)
        self.server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="critical", access_log=False))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_until(lambda: self.server.started, what="the fake")

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(api_key=KEY, base_url=self.url, max_retries=0, timeout=5)

    def order(self, **fault: Any) -> None:
        self.control("POST", "faults", fault)

    def state(self) -> dict[str, Any]:
        return self.control("GET", "state")

    def control(self, method: str, what: str, body: Any = None) -> Any:
        from urllib.request import Request, urlopen

        url = f"http://127.0.0.1:{self.port}/_control/{what}"
        raw = json.dumps(body).encode() if body is not None else None
        with urlopen(Request(url, data=raw, method=method), timeout=5) as answer:
            return json.load(answer)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    built = Fake(tmp_path / "fake")
    yield built
    built.stop()


@pytest.fixture
def hosted_settings(settings: Settings, fake: Fake) -> Settings:
    return settings.model_copy(
        update={
            "tuning_provider": "custom",
            "tuning_base_url": fake.url,
            "tuning_api_key": type(settings.tuning_api_key)(KEY),
            "tuning_timeout_s": 0.7,
            "tuning_poll_s": 0.05,
            "tuning_patience_s": 1.5,
        }
    )


@dataclass
class House:
    services: Services
    fake: Fake

    @property
    def context(self) -> Context:
        caller = Caller("U0ADA", "Ada", frozenset({"trainer"}), "acme")
        return Context(caller, self.services)

    def dataset(self, rows: int = 40, make: Callable[[int], dict[str, Any]] | None = None) -> str:
        path = self.services.settings.home / "rows.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps((make or chat_row)(n)) + "\n" for n in range(rows)))
        kept = datasets.check_file(self.context, path, filename="rows.jsonl").dataset
        assert kept is not None
        return kept.id

    def ask(self, dataset: str | None = None, **spec: Any) -> training.TrainRequest:
        wanted = {"provider": "openai", "base": BASE, "epochs": 2, "suffix": "customer-support", **spec}
        return training.request(self.context, dataset or self.dataset(), wanted)

    def submit(self, dataset: str | None = None, **spec: Any) -> Job:
        job = approvals.decide(self.context, self.ask(dataset, **spec).approval.id, approve=True).job
        assert job is not None
        return job

    def attempt(self, job: Job, *, terminate: bool = False) -> Job:
        """One attempt in this process, ended as the trainer's process ends it."""
        lease = claim(self.services.db, job.id, worker="test", lease_s=30)
        assert lease is not None, self.services.jobs.get(job.id).status
        run = JobRun(self.services, self.services.jobs.get(job.id), lease)
        run.terminated = terminate
        try:
            train.run(run)
        except Stopped as stop:
            if _stopped(lease, stop):
                lease.release("released", "", give_back_try=True)
        except TunesmithError as error:
            _fail(lease, error.code, str(error))
        return self.services.jobs.get(job.id)

    def notes(self, job: Job) -> list[str]:
        return [str(e.data.get("code")) for e in self.services.jobs.events(job.id) if e.type == "note"]


def chat_row(number: int) -> dict[str, Any]:
    said = [
        {"role": "user", "content": f"Ticket {number}: what is wrong with order {number * 37}?"},
        {"role": "assistant", "content": f"It is {['late', 'lost', 'broken'][number % 3]}."},
    ]
    return {"messages": said}


def pair_row(number: int) -> dict[str, Any]:
    asked = {"messages": [{"role": "user", "content": f"Please answer ticket {number} about order {number * 37}."}]}
    return {
        "input": asked,
        "preferred_output": [{"role": "assistant", "content": f"Gladly: order {number} is on its way."}],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    }


@pytest.fixture
def house(hosted_settings: Settings, fake: Fake) -> Iterator[House]:
    with build_services(hosted_settings, migrate=True) as services:
        patientless = Wakeups(connect(hosted_settings.redis, retries=0))  # no Redis listens: the row waits at once
        yield House(replace(services, wakeups=patientless), fake)
