"""What is said and refused before anybody approves a hosted run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.blocks import approval
from tests.gateway.doorway import served
from tests.trainer.providers.conftest import BASE, KEY, House
from tools import hosting, sentences
from tools.specs import make_spec
from trainer.errors import BadInput, Forbidden, NotFound, TunesmithError
from trainer.providers import PROVIDERS, resolve_provider
from trainer.providers.endpoint import endpoint_of
from trainer.providers.errors import not_available
from trainer.providers.fake.app import create_app as create_fake
from trainer.providers.openai import OpenAI, Order
from trainer.providers.quirks import load_quirks, names
from trainer.registry.approvals import digest_of
from trainer.settings import Settings, load_settings
from trainer.types import JobStatus

NOVEMBER = date(2026, 11, 21)


@pytest.fixture
def as_openai(house: House) -> House:
    known = house.services.settings.model_copy(update={"tuning_provider": "openai"})
    object.__setattr__(house.services, "settings", known)
    return house


def plan(house: House, today: date = NOVEMBER, rows: int = 40, **spec: Any) -> hosting.Plan:
    wanted = {"provider": "openai", "base": BASE, **spec}
    dataset = house.services.datasets.get(house.dataset(rows))
    return hosting.plan(house.context, dataset, make_spec(wanted), today=today)


def test_cost_and_dates_are_said_before_approval(as_openai: House) -> None:
    made = plan(as_openai, epochs=3)

    assert made.covered["cost_usd"] == pytest.approx(made.estimate.tokens * 3.0 / 1e6, abs=1e-4)
    assert any("2027-01-06" in notice for notice in made.covered["notices"])
    assert any("2027-01-14" in notice and "gpt-4o-mini" in notice for notice in made.covered["notices"])
    assert "$3 a million" in made.estimate.basis and "provider's to say" in made.estimate.basis


@pytest.mark.parametrize(("today", "base"), [(date(2027, 1, 6), "gpt-3.5-turbo"), (date(2027, 1, 14), BASE)])
def test_after_the_end_nothing_is_asked_for(as_openai: House, today: date, base: str) -> None:
    with pytest.raises(BadInput, match="Train locally") as refused:
        plan(as_openai, today, base=base)
    assert refused.value.code == "provider_ended" and "2027-01-06" in refused.value.what


def test_the_shutdown_date_that_the_provider_tells_counts(house: House) -> None:
    house.fake.order(shutdown={BASE: "2027-03-01"})
    assert any("in 100 days" in notice for notice in plan(house).covered["notices"])

    with pytest.raises(BadInput, match="down on 2027-03-01"):
        plan(house, date(2027, 3, 2))


@pytest.mark.parametrize(
    ("spec", "rows", "named"),
    [
        ({}, 12, "fewer than 10 rows"),
        ({"base": "tiny-base"}, 40, "Name one of its models"),
        ({"base": "gpt-99"}, 40, "knows no model gpt-99"),
        ({"epochs": 1.5}, 40, "whole epochs"),
        ({"learning_rate": 1e-4}, 40, "--lr-multiplier"),
        ({"replay": 0.5}, 40, "Leave replay out"),
        ({"objective": "kto"}, 40, "objective kto"),
        ({"objective": "dpo"}, 40, "dpo"),
    ],
)
def test_what_cannot_work_is_refused_before_approval(house: House, spec: dict[str, Any], rows: int, named: str) -> None:
    with pytest.raises((BadInput, NotFound)) as refused:
        plan(house, rows=rows, **spec)
    assert named in str(refused.value)
    assert house.fake.state()["files"] == []


def test_a_wrong_key_is_known_before_approval(house: House) -> None:
    house.fake.order(fault="bad_key")
    with pytest.raises(Forbidden, match="TUNESMITH_TUNING_API_KEY"):
        plan(house)


def test_a_provider_that_is_away_stops_no_request(house: House) -> None:
    house.fake.order(fault="error_503", times=5)
    assert any("could not be asked" in notice for notice in plan(house).covered["notices"])


def test_what_the_provider_decides_is_said(house: House) -> None:
    made = plan(house, lora_r=8, batch_size=8)
    assert "Not sent, because the provider decides: lora r." in made.covered["notices"]
    assert made.covered["hyperparameters"] == {"n_epochs": 3, "batch_size": 8}


def test_the_card_names_provider_cost_and_end_dates_and_the_digest_covers_them(house: House) -> None:
    house.fake.order(shutdown={BASE: "2999-01-01"})
    asked = house.ask()
    subject = asked.approval.subject

    card = str(approval.asked(asked.approval, asked.dataset))

    assert house.fake.url.split("/")[2] in card and "price not known" in card and BASE in card
    assert sentences.train_request(asked).count("at a hosted provider") == 1
    for key in ("endpoint", "hyperparameters", "cost_usd", "notices"):
        changed = {**subject, "hosted": {**subject["hosted"], key: "other"}}
        assert digest_of(changed) != asked.approval.digest


def test_a_hosted_model_is_evaluated_by_people_at_the_terminal_only(house: House, tmp_path: Path) -> None:
    from tools import artifacts, evaluation

    job = house.attempt(house.submit())

    with pytest.raises(BadInput, match="costs money"):
        evaluation.start(house.context, job.model_id)
    with pytest.raises(BadInput, match="does not hand out weights"):
        artifacts.export(house.context, job.model_id, "merged", tmp_path / "out")


def keyed(**values: Any) -> Settings:
    return load_settings(home=Path("unused"), **values)


@pytest.mark.parametrize(
    ("values", "url", "key"),
    [
        ({"tuning_api_key": "a"}, "https://api.openai.com/v1", "a"),
        ({"llm_api_key": "b"}, "https://api.openai.com/v1", "b"),
        ({"llm_api_key": "b", "llm_base_url": "https://own/v1"}, "https://own/v1", "b"),
        ({"tuning_api_key": "a", "llm_base_url": "https://own/v1"}, "https://api.openai.com/v1", "a"),
        ({"tuning_base_url": "http://127.0.0.1:1/v1", "llm_api_key": "b"}, "http://127.0.0.1:1/v1", ""),
    ],
)
def test_a_key_goes_only_to_the_server_it_was_set_for(values: dict[str, Any], url: str, key: str) -> None:
    endpoint = endpoint_of(keyed(**values))
    assert (endpoint.base_url, endpoint.key.get_secret_value()) == (url, key)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "no_provider_key"),
        ({"tuning_base_url": "https://elsewhere/v1", "llm_api_key": "b"}, "no_provider_key"),
        ({"tuning_provider": "azure", "tuning_api_key": "a"}, "bad_provider_url"),
        ({"tuning_base_url": "http://far/v1", "tuning_api_key": "a"}, "bad_provider_url"),
        ({"tuning_provider": "fireworks", "tuning_api_key": "a"}, "provider_not_usable"),
        ({"tuning_provider": "nobody", "tuning_api_key": "a"}, "unknown_provider"),
    ],
)
def test_settings_that_lead_nowhere_are_named(values: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        endpoint_of(keyed(**values))
    assert refused.value.code == code and "TUNESMITH_TUNING" in str(refused.value)


def test_every_provider_of_the_table_resolves() -> None:
    assert {name: resolve_provider(name).hosted for name in PROVIDERS} == {"local": False, "openai": True}
    with pytest.raises(TunesmithError, match="Known: local, openai"):
        resolve_provider("cloud")


@pytest.mark.parametrize("name", [n for n in names() if n not in ("fireworks", "mistral")])
def test_every_service_of_the_data_file_is_whole(name: str) -> None:
    from trainer.data.export import WAYS
    from trainer.data.targets import target_names

    quirks = load_quirks(name)
    assert quirks.target in target_names() and quirks.export in WAYS
    ends = {quirks.status(said) for said in ("succeeded", "failed", "cancelled", "paused", *quirks.statuses)}
    assert ends >= {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.PAUSED}


def test_services_differ_by_data_alone() -> None:
    order = Order("ftjob-abcdefghijklmnop", "m", "file-1", "file-2", "supervised", {"n_epochs": 2, "beta": 0.1}, seed=1)

    def body(name: str) -> dict[str, Any]:
        settings = keyed(tuning_provider=name, tuning_base_url="https://x/v1", tuning_api_key=KEY)
        provider = OpenAI.of(settings)
        return provider._body(order, provider.quirks.metadata)

    assert body("openai")["metadata"] == {"tunesmith_job": order.token} and "suffix" not in body("openai")
    assert body("together")["extra_body"] == {"n_epochs": 2} and "seed" not in body("together")
    assert body("azure")["suffix"] == "ts-efghijklmnop" and "metadata" not in body("azure")
    together = load_quirks("together")
    assert together.path("post", "/files") == "/files/upload" and together.path("get", "/files") == "/files"
    assert together.path("get", "/fine_tuning/jobs/ft-1/events") == "/fine-tunes/ft-1/events"
    assert together.status("completed") is JobStatus.SUCCEEDED and together.status("never heard") is None


def test_a_service_with_other_paths_and_without_pages_is_spoken_to(house: House, tmp_path: Path) -> None:
    """The fake behind Together's paths: whatever is sent elsewhere finds nothing."""
    other = {"/v1/files/upload": "/v1/files", "/v1/fine-tunes": "/v1/fine_tuning/jobs"}
    asked: list[str] = []

    async def renamed(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http":
            asked.append(f"{scope['method']} {path}")
            to = next(
                (path.replace(theirs, ours, 1) for theirs, ours in other.items() if path.startswith(theirs)), None
            )
            scope = scope | {"path": to or ("/nowhere" if "fine_tuning" in path else path)}
        await create_fake(tmp_path / "other", tick_s=0.0, key=KEY)(scope, receive, send)

    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"messages": []}\n' * 12)
    with served(renamed) as url:
        endpoint = endpoint_of(keyed(tuning_base_url=f"{url}/v1", tuning_api_key=KEY, tuning_provider="together"))
        quirks = replace(endpoint.quirks, body="method", suffix=0)
        provider = OpenAI(replace(endpoint, quirks=quirks))
        sent = provider.upload(rows, "ours.jsonl")
        assert provider.find_file("ours.jsonl") == sent
        made = provider.create(Order("ftjob-ours", BASE, sent.id, None, "supervised", {"n_epochs": 1}))
        found = provider.find("ftjob-ours", sent.id)
        assert found and found.id == made.id and found.metadata == {}
        assert provider.events(made.id, set())[0].message.startswith("Created")

    assert {"POST /v1/files/upload", "GET /v1/files", "POST /v1/fine-tunes", "GET /v1/fine-tunes"} <= set(asked)


def test_the_end_of_hosted_fine_tuning_is_told_with_its_dates() -> None:
    said = str(not_available(endpoint_of(keyed(tuning_api_key="a"))))
    assert all(day in said for day in ("2026-05-07", "2026-07-02", "2027-01-06")) and "Train locally" in said
