"""Slack's clients by settings: tokens, address, and which failures each client tries again."""

from __future__ import annotations

import http.client
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)

from trainer.errors import BadInput
from trainer.settings import Settings

SANDBOX_BOT_TOKEN = "xoxb-sandbox"  # noqa: S105
SANDBOX_APP_TOKEN = "xapp-sandbox"  # noqa: S105
SANDBOX_APPROVER = "U0GRACE001"
TIMEOUT_S = 20
AWAY = (SlackApiError, SlackClientError, URLError, OSError, http.client.HTTPException)
TRANSIENT = {
    "ratelimited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "operation_timeout",
    "team_added_to_org",
    "rollup_error",
}


def base_url(settings: Settings) -> str:
    if settings.in_sandbox:
        return f"http://127.0.0.1:{settings.sandbox_port}/api/"
    return settings.slack_base_url.rstrip("/") + "/"


def file_hosts(settings: Settings) -> frozenset[str]:
    """Where uploads may be fetched from, as host or host:port."""
    if settings.in_sandbox:
        return frozenset({f"127.0.0.1:{settings.sandbox_port}"})
    return frozenset(settings.slack_file_hosts)


def with_sandbox_roles(settings: Settings) -> Settings:
    """In the sandbox, where nobody is named, Ada trains and Grace also approves: a newcomer can play both sides."""
    if not settings.in_sandbox or settings.approvers:
        return settings
    return settings.model_copy(update={"approvers": (SANDBOX_APPROVER,)})


def bot_token(settings: Settings) -> str:
    return settings.slack_bot_token.get_secret_value() or SANDBOX_BOT_TOKEN


def app_token(settings: Settings) -> str:
    if settings.in_sandbox:
        return SANDBOX_APP_TOKEN
    token = settings.slack_app_token.get_secret_value()
    if not token:
        raise BadInput(
            "Socket Mode needs an app-level token, and SLACK_APP_TOKEN is empty.",
            fix="Create one with the scope connections:write (docs/slack.md), or set TUNESMITH_SLACK_HTTP_PORT.",
        )
    return token


def reading_client(settings: Settings, token: str = "") -> WebClient:
    """For calls that may safely be made twice: every kind of failure is tried again."""
    again = [ConnectionErrorRetryHandler(2), ServerErrorRetryHandler(2), RateLimitErrorRetryHandler(3)]
    return _client(settings, token, again)


def posting_client(settings: Settings) -> WebClient:
    """For posts: only a refused call (429) is repeated; after any other failure it may have happened."""
    return _client(settings, "", [RateLimitErrorRetryHandler(2)])


def updating_client(settings: Settings) -> WebClient:
    """For edits of living cards: nothing is repeated here, the next edit says more anyway."""
    return _client(settings, "", [])


def _client(settings: Settings, token: str, handlers: list[RetryHandler]) -> WebClient:
    return WebClient(
        token or bot_token(settings),
        base_url=base_url(settings),
        timeout=TIMEOUT_S,
        retry_handlers=handlers,
    )


def may_pass(error: Exception) -> bool:
    """Whether trying again later can help."""
    if isinstance(error, SlackApiError):
        response = error.response
        status = getattr(response, "status_code", 200) or 200
        return status >= 500 or status == 429 or code_of(error) in TRANSIENT
    return True


def code_of(error: Exception) -> str:
    """Slack's error code, or the kind of the failure."""
    if isinstance(error, SlackApiError):
        try:
            return str(error.response.get("error") or "unknown")
        except (AttributeError, ValueError, TypeError):
            return "unknown"
    return type(error).__name__


def retry_after(error: Exception) -> float:
    """Seconds that Slack asks to wait, at least one."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after":
            raw = value[0] if isinstance(value, list) else value
            return max(1.0, float(raw)) if str(raw).replace(".", "", 1).isdigit() else 1.0
    return 1.0
