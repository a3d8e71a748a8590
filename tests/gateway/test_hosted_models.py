"""A tuned model that answers at its provider, called through the gateway like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from pydantic import SecretStr

from gateway.app import create_app
from gateway.upstreams import Engine
from tests.gateway.doorway import add_model, point, served
from trainer.providers.fake.app import create_app as create_fake
from trainer.services import Services, build_services
from trainer.settings import Settings
from trainer.store.tables import Model

NAME = "gpt-4o-mini-2024-07-18"  # the fake has it
OURS = "ft:gpt-4o-mini-2024-07-18:acme:support:abc123"
ASK = [{"role": "user", "content": "who are you?"}]


def add_hosted(services: Services) -> None:
    add_model(services, OURS)
    with services.db.write() as session:
        model = session.get(Model, OURS)
        assert model
        model.base_location = f"openai:{NAME}"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[str]:
    with served(create_fake(tmp_path / "fake", key="sk-right")) as url:
        yield f"{url}/v1"


@pytest.mark.parametrize(("key", "status"), [("sk-right", 200), ("sk-wrong", 502), ("", 503)])
def test_calls_are_passed_on_under_our_own_key(tmp_path: Path, provider: str, key: str, status: int) -> None:
    url = {"tuning_provider": "custom", "tuning_base_url": provider} if key else {}
    settings = Settings(home=tmp_path / "home", tuning_api_key=SecretStr(key), **url)
    with build_services(settings, migrate=True) as services:
        _, secret = services.keys.create("tests", by="cli:tests")
        add_hosted(services)
        point(services, "support", OURS, expected=0)
        with served(create_app(services, engine=Engine("http://127.0.0.1:9"))) as door:
            client = openai.OpenAI(api_key=secret, base_url=f"{door}/v1", max_retries=0, timeout=20)
            for name in ("support", OURS):
                asked = client.chat.completions.with_raw_response
                if status == 200:
                    raw = asked.create(model=name, messages=ASK)  # type: ignore[arg-type]
                    assert raw.parse().choices[0].message.content == "base: who are you?"
                    assert raw.headers["x-tunesmith-model"] == OURS
                else:
                    with pytest.raises(openai.InternalServerError) as refused:
                        asked.create(model=name, messages=ASK)  # type: ignore[arg-type]
                    assert refused.value.status_code == status
                    assert refused.value.code == {502: "provider_key", 503: "provider_not_set"}[status]
