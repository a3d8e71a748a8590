"""The doctor's findings, and how the commands around it answer."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from tests.conftest import free_port
from tools.ops import checks
from tools.ops.checks import Check, Level, examine
from trainer.errors import Unavailable
from trainer.services import Services, build_services
from trainer.settings import Settings, load_settings


def found(services: Services) -> dict[str, Check]:
    return {check.name: check for check in examine(services)}


def test_a_fresh_machine_has_warnings_and_no_failure(settings: Settings) -> None:
    own = {"cache": settings.home / "cache", "gateway_port": free_port(), "engine_port": free_port()}
    with build_services(settings.model_copy(update=own), migrate=True) as services:
        checks = found(services)
    assert not [c for c in checks.values() if c.level is Level.FAIL]
    for name in ("redis", "processes", "gateway", "engine", "api keys", "tiny base"):
        assert checks[name].level is Level.WARN
        assert checks[name].fix
    assert checks["database"].level is Level.OK


def test_nobody_to_approve_is_said(services: Services, settings: Settings) -> None:
    assert found(services)["approvers"].level is Level.OK
    nobody = settings.model_copy(update={"approvers": ()})
    with build_services(nobody, migrate=True) as sandbox:
        assert "Grace approves" in found(sandbox)["approvers"].text
    real = {"slack_bot_token": SecretStr("xoxb-nothing"), "slack_base_url": "http://127.0.0.1:1/api/"}
    with build_services(nobody.model_copy(update=real), migrate=True) as without:
        assert "nobody can promote" in found(without)["approvers"].text


def test_a_judge_is_looked_at_where_somebody_set_one(services: Services, settings: Settings) -> None:
    assert "judge" not in found(services)
    said = []
    for more in ({"judge_base_url": "http://127.0.0.1:1/v1"}, {"judge_input_usd": 1.0}, {"judge_base_url": ""}):
        settings = settings.model_copy(update={"judge_model": "gpt-judge", **more})
        with build_services(settings, migrate=True) as judged:
            said.append(next(checks._judge(judged)))
    assert [check.level for check in said] == [Level.WARN, Level.OK, Level.FAIL]
    assert "no prices" in said[0].text and "127.0.0.1:1" in said[1].text


def test_a_real_redis_is_looked_into(settings: Settings, redis_url: str) -> None:
    with build_services(settings.model_copy(update={"redis_url": redis_url}), migrate=True) as services:
        checks = found(services)
    assert checks["redis"].level is Level.OK
    assert checks["redis aof"].level is Level.WARN


def test_an_old_redis_fails() -> None:
    facts = list(checks._redis_facts({"redis_version": "5.0.7"}, "REDIS_URL"))
    assert [c.level for c in facts] == [Level.FAIL]


def test_missing_slack_parts_fail_without_showing_tokens(settings: Settings) -> None:
    secret = "xoxb-very-secret"
    slack = load_settings(
        home=settings.home,
        redis_url=settings.redis_url,
        slack_bot_token=secret,
        slack_base_url="http://127.0.0.1:9/api/",
    )
    with build_services(slack, migrate=True) as services:
        looked = [c for c in examine(services) if c.name == "slack"]
    assert [c.level for c in looked] == [Level.FAIL, Level.FAIL]
    assert secret not in str(looked)


def test_a_check_that_breaks_does_not_hide_the_others(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_services: Services):  # type: ignore[no-untyped-def]
        yield checks.ok("first", "fine")
        raise Unavailable("It broke.", fix="Mend it.")

    monkeypatch.setattr(checks, "LOOKS", (broken, checks._python))
    assert [c.level for c in examine(services)] == [Level.OK, Level.FAIL, Level.OK]


def test_the_command_prints_one_json_object_and_a_code(settings: Settings) -> None:
    from tools.cli.main import app

    env = {"TUNESMITH_HOME": str(settings.home), "REDIS_URL": settings.redis_url}
    done = CliRunner().invoke(app, ["doctor", "--json"], env=env)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["verdict"] == "warn"
    words = CliRunner().invoke(app, ["doctor"], env=env).stdout
    assert all(line.split()[0] in ("ok", "warn", "fail") for line in words.splitlines()[:-1])


def test_keys_are_made_listed_and_revoked(settings: Settings) -> None:
    from tools.cli.main import app

    def run(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(app, ["keys", *words, "--json"], env={"TUNESMITH_HOME": str(settings.home)})
        return {"exit": done.exit_code, **json.loads(done.stdout)}

    made = run("create", "support-app")
    assert str(made["key"]).startswith("sk-tune-")
    listed = run("list")
    assert str(made["key"]) not in str(listed)
    assert run("revoke", str(made["id"]))["revoked"] is True
    assert run("revoke", str(made["id"]))["exit"] == 2
