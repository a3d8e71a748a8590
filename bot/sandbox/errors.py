"""Slack's way of saying no."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """Answered as {"ok": false, "error": code, ...}; `status` and `headers` matter for 429s only."""

    def __init__(self, code: str, *, status: int = 200, headers: dict[str, str] | None = None, **fields: Any):
        super().__init__(code)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self.fields = fields

    def body(self) -> dict[str, Any]:
        return {"ok": False, "error": self.code, **self.fields}


def invalid_arguments(*messages: str) -> SlackError:
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {m}" for m in messages]})


def rate_limited(retry_after: int) -> SlackError:
    return SlackError("ratelimited", status=429, headers={"Retry-After": str(retry_after)})
