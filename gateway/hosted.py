"""The hosted provider behind the gateway: for tuned models that answer there and not in the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlencode

import aiohttp

from gateway.errors import ApiError, unavailable
from gateway.upstreams import Engine
from trainer.errors import BadInput
from trainer.providers.endpoint import Endpoint, endpoint_of
from trainer.settings import Settings

OUR_KEY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Hosted:
    """Used like an Engine. Without a provider in the settings every call is refused with the setting's name."""

    def __init__(self, settings: Settings) -> None:
        self._endpoint: Endpoint | None = None
        self._why = ""
        try:
            self._endpoint = endpoint_of(settings)
        except BadInput as error:
            self._why = str(error)
        self._pool = Engine(self._endpoint.base_url if self._endpoint else "")

    async def __aenter__(self) -> Hosted:
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.__aexit__()

    @asynccontextmanager
    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The provider's answer. Its 401 and 403 are about our key, not about the caller's, and become 502."""
        there = self._endpoint
        if there is None:
            raise unavailable(f"This model answers at a hosted provider. {self._why}", code="provider_not_set")
        key = there.key.get_secret_value()
        own = {"authorization": f"Bearer {key}"} | ({there.quirks.key_header: key} if there.quirks.key_header else {})
        query = f"?{urlencode(there.query)}" if there.query else ""
        async with self._pool.post(path.removeprefix("/v1") + query, body, {**headers, **own}) as answer:
            if answer.status in OUR_KEY:
                raise ApiError(502, "The hosted provider refused the gateway's own key.", code="provider_key")
            yield answer
