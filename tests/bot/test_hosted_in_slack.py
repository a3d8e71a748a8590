"""A run at a hosted provider, asked for in a thread: what its card says before anybody approves, and never offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from bot.sandbox.driver import Person
from bot.sandbox.reading import text_of
from tests.bot.acts import drop, labels, take
from tests.trainer.providers.conftest import BASE, KEY, Fake
from trainer.services import Services, build_services
from trainer.settings import Settings
from trainer.types import JobStatus

pytestmark = pytest.mark.usefixtures("bot")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    built = Fake(tmp_path_factory.mktemp("fake"))
    yield built
    built.stop()


@pytest.fixture(scope="module")
def services(settings: Settings, provider: Fake) -> Iterator[Services]:
    update: dict[str, Any] = {"tuning_provider": "custom", "tuning_base_url": provider.url}
    with build_services(settings.model_copy(update=update | {"tuning_api_key": SecretStr(KEY)}), migrate=True) as made:
        yield made


def test_a_hosted_run_is_asked_for_with_where_the_rows_go_and_sends_none(
    services: Services, provider: Fake, ada: Person, channel: str
) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, f"@Tunesmith train at openai on {BASE} 2 epochs rank 8", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "Train a model")
    said = text_of(card)
    assert "rows are sent to" in said and str(provider.port) in said and "price not known" in said
    assert "Not sent, because the provider decides: lora r" in said and KEY not in said
    assert labels(card) == ["Approve", "Reject"]
    assert not provider.state()["files"] and not provider.state()["jobs"]

    ada.press(channel, card["ts"], "approval_approve")
    ada.wait_for_text(channel, ts, "waits for a worker")
    job = services.jobs.get(services.threads.topic({"channel": channel, "thread_ts": ts}).job_id or "")
    assert job.queue == "cpu"
    lease = take(services, job)
    with lease.fenced() as session:
        lease.finish(session, JobStatus.SUCCEEDED, result={"model_id": "ft:gpt:acme::1", "steps": 3})
    done = ada.wait_for_text(channel, ts, "Training finished")
    assert "tunesmith eval" in text_of(done) and "Evaluate" not in labels(done)


def test_a_preflight_or_sweep_of_a_hosted_run_is_refused_in_words(ada: Person, channel: str) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, f"@Tunesmith preflight with provider openai on {BASE}", thread_ts=ts)
    ada.wait_for_text(channel, ts, "trains on its own")
    ada.say(channel, f"@Tunesmith sweep with provider openai on {BASE}", thread_ts=ts)
    ada.wait_for_text(channel, ts, "A sweep runs here")
