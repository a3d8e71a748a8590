"""The gateway on a real port before a scripted engine on another, over a fresh SQLite database."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from aiohttp import web
from openai import OpenAI

from gateway.app import create_app
from gateway.upstreams import Engine
from tests.gateway.scripted_engine import ScriptedEngine
from trainer.registry.aliases import swap
from trainer.services import Services, build_services
from trainer.settings import Settings
from trainer.store.tables import Model


@dataclass
class Door:
    """A running gateway, what stands behind it, and a key to it."""

    url: str
    key: str
    services: Services
    engine: ScriptedEngine

    def client(self, key: str | None = None) -> OpenAI:
        return OpenAI(api_key=key or self.key, base_url=f"{self.url}/v1", max_retries=0, timeout=20)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}


@contextmanager
def open_door(home: Path, engine_url: str, engine: ScriptedEngine, *, max_in_flight: int = 128) -> Iterator[Door]:
    settings = Settings(home=home, engine_url=engine_url, max_body_bytes=20_000, cache=home / "cache")
    with build_services(settings, migrate=True) as services:
        _, secret = services.keys.create("tests", by="cli:tests")
        app = create_app(services, engine=Engine(engine_url, max_in_flight=max_in_flight))
        with served(app) as url:
            yield Door(url, secret, services, engine)


@contextmanager
def served(app: object) -> Iterator[str]:
    """Any ASGI app under uvicorn, in a thread, on a free port."""
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()


@contextmanager
def served_engine(engine: ScriptedEngine, port: int = 0) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = web.AppRunner(engine.app(), handler_cancellation=True, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        return runner.addresses[0][1]

    port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def point(services: Services, alias: str, model: str, *, expected: int) -> None:
    with services.db.write() as session:
        swap(session, alias, model, expected=expected, by="cli:tests", approval_id="appr-x")


def add_model(services: Services, model: str) -> None:
    with services.db.write() as session:
        session.add(
            Model(
                id=model,
                job_id=f"ftjob-{model}",
                base="tiny-base",
                base_location="tiny",
                method="lora",
                is_adapter=True,
                manifest={"files": {}},
                dataset_id="file-1",
                card={},
                owner="cli:tests",
                created_at=1_700_000_000.0,
            )
        )
