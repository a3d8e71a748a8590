"""The bot, connected to a sandbox in the same process, with people to drive it. One bot a file: threads are new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from bot.app import running
from bot.door import Door
from bot.sandbox.cast import ADA, FINE_TUNING, GRACE, LINUS
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.server import SandboxThread, running_sandbox
from bot.sandbox.settings import Rate
from bot.sandbox.settings import Settings as SandboxSettings
from tests.bot.acts import Patient
from trainer.services import Services, build_services
from trainer.settings import Settings

MANIFEST = Path(__file__).parents[2] / "docs" / "slack" / "manifest.yaml"


def manifest_scopes() -> set[str]:
    """The scopes that we tell people to grant: the tests get by with exactly these."""
    return set(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxThread]:
    roomy = {method: Rate(6000, 1000) for method in ("chat.postMessage", "chat.update", "users.info", "*")}
    loose = SandboxSettings(scopes=manifest_scopes())
    loose.rates |= roomy | {"conversations.replies": Rate(6000, 1000)}
    with running_sandbox(loose) as running_one:
        yield running_one


@pytest.fixture(scope="module")
def settings(sandbox: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Ada and Grace may train, Grace may approve, Linus may do neither."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("TUNESMITH_", "SLACK_", "OPENAI_", "REDIS_")):
                patch.delenv(name)
        patch.setitem(Settings.model_config, "env_file", None)
        yield Settings(
            home=tmp_path_factory.mktemp("home"),
            sandbox_port=int(sandbox.base_url.rsplit(":", 1)[1]),
            trainers=(ADA, GRACE),
            approvers=(GRACE,),
            redis_url="redis://127.0.0.1:1/0",
            max_upload_bytes=2 * 1024 * 1024,
        )


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    with build_services(settings, migrate=True) as made:
        yield made


@pytest.fixture(scope="module")
def start(driver: SandboxDriver) -> Iterator[Callable[[Services], Door]]:
    """start(services) runs a bot until the file's tests are done."""
    with ExitStack() as stack:

        def go(services: Services) -> Door:
            door = stack.enter_context(running(services))
            driver.wait_for_connection()
            return door

        yield go


@pytest.fixture(scope="module")
def bot(start: Callable[[Services], Door], services: Services) -> Door:
    return start(services)


@pytest.fixture(scope="module")
def driver(sandbox: SandboxThread) -> SandboxDriver:
    return SandboxDriver(sandbox.base_url)


@pytest.fixture
def ada(driver: SandboxDriver) -> Iterator[Person]:
    yield Patient(driver, ADA)
    driver.clear_faults()


@pytest.fixture
def grace(driver: SandboxDriver) -> Person:
    return Patient(driver, GRACE)


@pytest.fixture
def linus(driver: SandboxDriver) -> Person:
    return Patient(driver, LINUS)


@pytest.fixture
def channel() -> str:
    return FINE_TUNING


@pytest.fixture(scope="session")
def tickets() -> Path:
    return Path(__file__).parents[2] / "examples" / "tickets.jsonl"
