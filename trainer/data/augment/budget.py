"""The cap on a run: what is spent and what is under way, never more than was approved."""

from __future__ import annotations

import threading


class Budget:
    """Requests and tokens. `reserve` before asking, `settle` after; threads wait for each other's change."""

    def __init__(self, max_requests: int, max_tokens: int) -> None:
        self.max_requests = max_requests
        self.max_tokens = max_tokens
        self.requests = self.tokens = 0
        self._reserved = self._under_way = 0
        self._changed = threading.Condition()

    def spend(self, requests: int, tokens: int) -> None:
        """What an earlier attempt has spent."""
        with self._changed:
            self.requests += requests
            self.tokens += tokens

    def reserve(self, tokens: int) -> bool:
        """False when the cap would be passed even if everything under way came out free."""
        with self._changed:
            while not self._fits(tokens):
                if not self._under_way:
                    return False
                self._changed.wait(1.0)
            self.requests += 1
            self._reserved += tokens
            self._under_way += 1
            return True

    def settle(self, reserved: int, used: int) -> None:
        with self._changed:
            self.tokens += used
            self._reserved -= reserved
            self._under_way -= 1
            self._changed.notify_all()

    def _fits(self, tokens: int) -> bool:
        return self.requests < self.max_requests and self.tokens + self._reserved + tokens <= self.max_tokens
