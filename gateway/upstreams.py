"""The engine behind the gateway: one connection pool, time limits, and a bound on what runs at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from gateway.errors import ApiError, unavailable

CONNECT_S = 5.0
TOTAL_S = 600.0  # a long answer on a CPU
HEALTH_S = 2.0
MAX_IN_FLIGHT = 128


class Engine:
    """Opened by `async with`, on the loop that serves."""

    def __init__(self, url: str, *, max_in_flight: int = MAX_IN_FLIGHT, total_s: float = TOTAL_S) -> None:
        self.url = url.rstrip("/")
        self._free = max_in_flight
        self._timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_S)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Engine:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, auto_decompress=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        assert self._session is not None, "the engine's pool is opened with the application"
        return self._session

    @asynccontextmanager
    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The engine's answer, its body unread. Leaving early closes the connection: the engine stops."""
        if self._free <= 0:
            raise ApiError(429, "Too many requests at once.", code="rate_limit_exceeded", headers={"retry-after": "1"})
        self._free -= 1
        try:
            with _translated():
                response = await self.session.post(self.url + path, data=body, headers=headers)
            async with response:
                yield response
        finally:
            self._free += 1

    async def healthy(self) -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=HEALTH_S)
            async with self.session.get(f"{self.url}/health", timeout=timeout) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


class _translated:
    """Turns what can go wrong before the engine answers into what a client can act on."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
            raise unavailable(
                "The engine is not running or not ready; try again shortly.", code="engine_unavailable"
            ) from error
        if isinstance(error, asyncio.TimeoutError):
            raise ApiError(504, "The engine took too long.", code="engine_timeout") from error
        if isinstance(error, aiohttp.ClientError):
            raise unavailable(
                "The engine went away during the request; try again.", code="engine_unavailable"
            ) from error
