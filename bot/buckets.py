"""A token bucket: so many calls a minute, shared by everybody who makes them."""

from __future__ import annotations

import threading
import time


class Bucket:
    def __init__(self, per_minute: float, burst: float) -> None:
        self.rate = per_minute / 60
        self.burst = burst
        self._tokens = burst
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether a call may be made now."""
        with self._lock:
            clock = time.monotonic()
            if clock < self._at:
                return False
            self._tokens = min(self.burst, self._tokens + (clock - self._at) * self.rate)
            self._at = clock
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def pause(self, seconds: float) -> None:
        """Slack said to wait: nothing for that long, and no burst after it."""
        with self._lock:
            self._tokens = 1.0
            self._at = max(self._at, time.monotonic() + seconds)
