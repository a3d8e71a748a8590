"""Slack's rate limits: one token bucket per method, or per method and channel."""

from __future__ import annotations

import math
import time

from bot.sandbox.errors import rate_limited
from bot.sandbox.settings import Rate, Settings

PER_CHANNEL = {"chat.postMessage", "chat.postEphemeral"}


class RateLimiter:
    def __init__(self, settings: Settings):
        self._settings = settings
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def spend(self, method: str, channel: str = "") -> None:
        """Take one call from the method's bucket, or raise `ratelimited` with the seconds to wait."""
        rate = self._settings.rates.get(method) or self._settings.rates["*"]
        key = (method, channel if method in PER_CHANNEL else "")
        tokens = self._refilled(key, rate)
        if tokens < 1:
            self._buckets[key] = (tokens, time.monotonic())
            raise rate_limited(max(1, math.ceil((1 - tokens) * 60 / rate.per_minute)))
        self._buckets[key] = (tokens - 1, time.monotonic())

    def _refilled(self, key: tuple[str, str], rate: Rate) -> float:
        tokens, at = self._buckets.get(key, (float(rate.burst), time.monotonic()))
        return min(float(rate.burst), tokens + (time.monotonic() - at) * rate.per_minute / 60)
