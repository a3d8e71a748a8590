"""GET /health: 200 whenever the gateway lives; the body says what stands behind it."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter

from gateway.upstreams import HEALTH_S, Engine
from trainer.errors import Unavailable
from trainer.services import Services

KEPT_S = 1.0  # nobody needs it fresher, and it asks for no key


def router(services: Services, engine: Engine) -> APIRouter:
    routes = APIRouter()
    kept: tuple[float, dict[str, str]] | None = None

    @routes.get("/health")
    async def health() -> dict[str, str]:
        nonlocal kept
        if kept is None or time.monotonic() - kept[0] > KEPT_S:
            kept = (time.monotonic(), await _look(services, engine))
        return kept[1]

    return routes


async def _look(services: Services, engine: Engine) -> dict[str, str]:
    database, engine_up = await asyncio.gather(_database_answers(services), engine.healthy())
    return {
        "status": "ok" if database and engine_up else "degraded",
        "database": "ok" if database else "unreachable",
        "engine": "ok" if engine_up else "unreachable",
    }


async def _database_answers(services: Services) -> bool:
    try:
        async with asyncio.timeout(HEALTH_S):
            await asyncio.to_thread(services.db.clock)
    except (Unavailable, TimeoutError):
        return False
    return True
