"""The embedded Redis as it is configured, on a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tests.conftest import free_port, wait_until
from tools.ops.readiness import redis_answers
from tools.ops.redis_server import SHUT, config_text, find_binary, write_config
from trainer.settings import Settings, load_settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Settings]:
    settings = load_settings(home=tmp_path / 'a "home" of mine', redis_port=free_port())
    process = subprocess.Popen([find_binary(), write_config(settings)], stdout=subprocess.DEVNULL)
    wait_until(lambda: redis_answers(settings), what="redis-server")
    yield settings
    process.terminate()
    process.wait(10)


def test_it_appends_to_disk_and_never_evicts(server: Settings) -> None:
    client = Redis.from_url(server.redis)
    info = client.info()
    assert isinstance(info, dict)
    assert (info["aof_enabled"], info["maxmemory_policy"]) == (1, "noeviction")
    assert info["tcp_port"] == server.redis_port
    assert (server.home / "redis" / "appendonly.aof").is_file()


@pytest.mark.parametrize("command", SHUT)
def test_commands_that_write_files_or_load_code_are_shut(server: Settings, command: str) -> None:
    with pytest.raises(ResponseError, match="unknown command"):
        Redis.from_url(server.redis).execute_command(command, "x", "y")


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    assert "bind 127.0.0.1\n" in config_text(load_settings(), tmp_path)
