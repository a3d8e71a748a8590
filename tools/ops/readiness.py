"""When is a process ready? Each kind is asked in its own words; nothing is inferred from "it runs"."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from trainer.errors import Unavailable
from trainer.services import Services
from trainer.settings import Settings

PROBE_S = 2.0
Probe = Callable[[Services, int], bool]  # (services, the process's pid) → ready?


def probe_of(name: str) -> Probe | None:
    """How to ask the process of that name; None for one that is not ours."""
    return PROBES.get(name)


def redis_answers(settings: Settings) -> bool:
    client = Redis.from_url(settings.redis, socket_connect_timeout=PROBE_S, socket_timeout=PROBE_S, retry=None)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def http_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PROBE_S) as answer:  # noqa: S310 - our own addresses
            return answer.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False


def beats(services: Services, role: str, pid: int) -> bool:
    """A heartbeat of this very process: the one of an earlier run may still be fresh."""
    try:
        info = services.heartbeats.alive().get(f"{role}@{socket.gethostname()}", {})
    except Unavailable:
        return False
    return info.get("pid") == pid


def _redis(services: Services, _pid: int) -> bool:
    return redis_answers(services.settings)


def _sandbox(services: Services, _pid: int) -> bool:
    return http_ok(f"http://127.0.0.1:{services.settings.sandbox_port}/")


def _engine(services: Services, _pid: int) -> bool:
    return http_ok(f"{services.settings.engine}/health")


def gateway_url(settings: Settings) -> str:
    host = settings.gateway_host
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else host}:{settings.gateway_port}"  # noqa: S104


def _gateway(services: Services, _pid: int) -> bool:
    return http_ok(f"{gateway_url(services.settings)}/health")


def _beating(role: str) -> Probe:
    return lambda services, pid: beats(services, role, pid)


PROBES: dict[str, Probe] = {
    "redis": _redis,
    "sandbox": _sandbox,
    "engine": _engine,
    "gateway": _gateway,
    "worker_gpu": _beating("worker:gpu"),
    "worker_cpu": _beating("worker:cpu"),
    "reconcile": _beating("reconcile"),
    "bot": _beating("bot"),
}


def ports_wanted(settings: Settings, names: tuple[str, ...]) -> dict[str, tuple[str, int, str]]:
    """Process → (host, port, the setting that changes it)."""
    ports = {
        "redis": ("127.0.0.1", settings.redis_port, "TUNESMITH_REDIS_PORT"),
        "sandbox": ("127.0.0.1", settings.sandbox_port, "TUNESMITH_SANDBOX_PORT"),
        "engine": (settings.engine_host, settings.engine_port, "TUNESMITH_ENGINE_PORT"),
        "gateway": (settings.gateway_host, settings.gateway_port, "TUNESMITH_GATEWAY_PORT"),
    }
    return {name: ports[name] for name in names if name in ports}


def port_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return True
    return False
