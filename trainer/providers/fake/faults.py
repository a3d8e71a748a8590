"""Faults on order: POST /_control/faults with one of these; each is used up after `times`.

By name, on every call or those whose "METHOD /path" begins with `on`:
  {"fault": one of REFUSALS, "garbage", "html", "hang" or "reset", "on": "POST /v1/fine_tuning/jobs"}
  {"fault": "reset_after"}   does the work, then breaks the connection in the middle of the answer (the double payment)
  {"fault": "hang_after"}    does the work, then is silent
What becomes of things:
  {"job": "fail_validation" | "fail_midway" | "cancelled" | "paused" | "stall"}   of the next job
  {"file": "processing" | "error"}   of the next file
  {"events": "shuffled" | "doubled"}   of every list of events from then on
  {"reject": "metadata"}   a parameter that is not known: 400; {"ignore": "metadata"}: dropped without a word
"""

from __future__ import annotations

from typing import Any

from trainer.providers.fake.state import Json

REFUSALS: dict[str, tuple[int, str, str, str]] = {  # status, type, code, message
    "training_not_available": (
        403,
        "invalid_request_error",
        "training_not_available",
        "Fine-tuning is not available for this organization.",
    ),
    "bad_key": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-fake-abcdefgh."),
    "no_model": (
        404,
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    "rate_limit": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    "insufficient_quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "billing_hard_limit": (
        429,
        "insufficient_quota",
        "billing_hard_limit_reached",
        "Billing hard limit has been reached.",
    ),
    "error_500": (500, "server_error", "server_error", "The server had an error."),
    "error_503": (503, "server_error", "overloaded", "The engine is currently overloaded."),
}


def take(data: Json, kind: str, asked: str = "") -> Any:
    """The next fault of this kind, counted down; None where there is none."""
    for fault in data["faults"]:
        if kind in fault and asked.startswith(fault.get("on", "")) and fault.get("times", 1) > 0:
            fault["times"] = fault.get("times", 1) - 1
            return fault[kind]
    return None


def standing(data: Json, kind: str) -> list[Any]:
    """Every fault of this kind, for good."""
    return [fault[kind] for fault in data["faults"] if kind in fault]


def error(code: str, message: str, *, kind: str = "invalid_request_error", param: str | None = None) -> Json:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
