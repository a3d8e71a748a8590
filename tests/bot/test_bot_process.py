"""The bot as a process: ready soon, light, killed at bad moments, stopped politely."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bot.sandbox.driver import Person, SandboxDriver
from tests.bot.acts import count, drop, queued_job, step, take, trained, until
from trainer.services import Services
from trainer.settings import Settings

Spawn = Callable[[], subprocess.Popen]
HEAVY = ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "accelerate", "matplotlib", "scipy")


@pytest.fixture(scope="module")
def spawn(settings: Settings, services: Services) -> Iterator[Spawn]:
    """spawn() starts `tunesmith bot` on the test's sandbox and database."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TUNESMITH_", "SLACK_", "OPENAI_"))}
    env |= {
        "TUNESMITH_HOME": str(settings.home),
        "TUNESMITH_SANDBOX_PORT": str(settings.sandbox_port),
        "TUNESMITH_APPROVERS": ",".join(settings.approvers),
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    with ExitStack() as stack:

        def go() -> subprocess.Popen:
            process = subprocess.Popen([sys.executable, "-m", "tools.cli", "bot"], env=env)
            stack.callback(lambda: process.poll() is None and process.kill())
            return process

        yield go


def test_ready_within_five_seconds_and_stops_politely(spawn: Spawn, driver: SandboxDriver, services: Services) -> None:
    began = time.monotonic()
    process = spawn()
    until(lambda: any(b.get("pid") == process.pid for b in services.heartbeats.alive().values()))
    took = time.monotonic() - began
    assert driver.look()["connections"] == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert took < 5 or os.getloadavg()[0] > 3, f"ready after {took:.1f} s"


def test_kill_9_at_the_end_of_a_run_gives_one_final_message(
    spawn: Spawn, driver: SandboxDriver, services: Services, ada: Person, channel: str
) -> None:
    first = spawn()
    driver.wait_for_connection(timeout=40)
    ts, job = queued_job(services, ada, channel)
    lease = take(services, job)
    step(lease, 10)
    ada.wait_for_text(channel, ts, "Training is running", 20)
    # the final message arrives at Slack, but the process dies before it hears so
    driver.fault("chat.postMessage", "delay", seconds=2.0, perform=True, contains="Training finished")
    trained(services, lease)
    until(lambda: _in_flight(services, job.id))
    first.kill()
    first.wait()
    time.sleep(2.5)
    second = spawn()
    until(lambda: not _open(services, job.id))
    assert count(ada, channel, ts, "Training finished") == 1
    assert count(ada, channel, ts, "Training is done") == 1
    second.kill()
    second.wait()


def test_kill_9_over_a_message_answers_it_after_the_restart(
    spawn: Spawn, driver: SandboxDriver, services: Services, ada: Person, channel: str
) -> None:
    first = spawn()
    driver.wait_for_connection(timeout=40)
    ts, _ = drop(ada, channel)
    driver.fault("files.download", "delay", seconds=8.0)
    caught = ada.upload(channel, b"not a dataset at all\n", filename="odd.jsonl")
    ada.wait_for_text(channel, caught, "⏳")
    first.kill()
    first.wait()
    second = spawn()
    ada.wait_for_text(channel, caught, "What to do", 40)
    assert len(ada.replies(channel, caught)) <= 3
    assert count(ada, channel, ts, "can be trained on") == 1
    second.kill()
    second.wait()


def test_the_bot_imports_nothing_heavy() -> None:
    code = f"import sys, bot.app, bot.agent, bot.http; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _in_flight(services: Services, job_id: str) -> bool:
    from trainer.store.tables import Outbox

    with services.db.read() as session:
        row = session.get(Outbox, f"job:{job_id}:final")
        return row is not None and row.tries > 0


def _open(services: Services, job_id: str) -> bool:
    from trainer.store.tables import Card

    with services.db.read() as session:
        row = session.get(Card, job_id)
        return row is None or not row.closed
