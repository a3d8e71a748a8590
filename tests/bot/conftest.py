"""The bot, connected to a sandbox in the same process, with people to drive it."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("trainer.advice.rules") is None:
    stub = types.ModuleType("trainer.advice.rules")
    exec(
        "class Advice:\n    examples=None\n    def text(self): return 'Fine-tune: a stub.'\n"
        "def from_text(q): return __import__('dataclasses').make_dataclass('Asked',[('examples',object)])(None)\n"
        "def advise(a): return Advice()\n",
        stub.__dict__,
    )
    sys.modules["trainer.advice.rules"] = stub

from bot.app import running
from bot.door import Door
from bot.sandbox.cast import ADA, FINE_TUNING, GRACE
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.server import SandboxThread, running_sandbox
from trainer.services import Services, build_services
from trainer.settings import Settings


@pytest.fixture
def sandbox() -> Iterator[SandboxThread]:
    with running_sandbox() as running_one:
        yield running_one


@pytest.fixture
def settings(sandbox: SandboxThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What a test may change with `settings.model_copy(update=…)` before the bot starts."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    port = int(sandbox.base_url.rsplit(":", 1)[1])
    given: dict[str, Any] = {"approvers": (GRACE,), "redis_port": 1}
    return Settings(_env_file=None, home=tmp_path / "home", sandbox_port=port, **given)  # type: ignore[call-arg]


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    with build_services(settings, migrate=True) as made:
        yield made


@pytest.fixture
def start(driver: SandboxDriver) -> Iterator[Any]:
    """start(services) runs a bot until the test ends."""
    with ExitStack() as stack:

        def go(services: Services) -> Door:
            door = stack.enter_context(running(services))
            driver.wait_for_connection()
            return door

        yield go


@pytest.fixture
def bot(start: Any, services: Services) -> Door:
    return start(services)


@pytest.fixture
def driver(sandbox: SandboxThread) -> SandboxDriver:
    return SandboxDriver(sandbox.base_url)


@pytest.fixture
def ada(driver: SandboxDriver) -> Person:
    return driver.as_person(ADA)


@pytest.fixture
def grace(driver: SandboxDriver) -> Person:
    return driver.as_person(GRACE)


@pytest.fixture
def channel() -> str:
    return FINE_TUNING
