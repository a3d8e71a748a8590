"""OpenAI's chat wire, the part that the engine speaks: requests read strictly, answers and errors written."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from trainer.errors import BadInput, TunesmithError
from trainer.types import ChatMessage, GenerateRequest, GenerateResult

ROLES = ("system", "developer", "user", "assistant", "tool")
STATUS = {
    "bad_input": 400,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "limit": 429,
    "unavailable": 503,
    "missing_extra": 503,
}
KNOWN_TYPES = {400: "invalid_request_error", 404: "invalid_request_error", 429: "rate_limit_error"}
UNSUPPORTED = ("tools", "functions", "tool_choice", "function_call", "logprobs", "top_logprobs", "logit_bias")


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat request as read. `request.adapter` is not set yet: the name is resolved later."""

    model: str
    request: GenerateRequest
    stream: bool
    include_usage: bool


def read(body: Any, *, most_tokens: int) -> Asked:
    """The JSON body of POST /v1/chat/completions → Asked, or BadInput that names the field."""
    if not isinstance(body, dict):
        raise _bad("The body must be a JSON object.", None)
    _refuse_unsupported(body)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise _bad("“model” must be a string that is not empty.", "model")
    options = body.get("stream_options") or {}
    asked = _number(body, "max_completion_tokens", 1, 10**9, None, whole=True)
    asked = asked or _number(body, "max_tokens", 1, 10**9, None, whole=True)
    request = GenerateRequest(
        messages=tuple(_message(m, at) for at, m in enumerate(_list(body, "messages"))),
        max_tokens=min(int(asked or most_tokens), most_tokens),
        temperature=float(_number(body, "temperature", 0, 2, 1.0) or 0.0),
        top_p=float(_number(body, "top_p", 0, 1, 1.0) or 0.0),
        stop=_stops(body.get("stop")),
        seed=_seed(body),
    )
    return Asked(model, request, body.get("stream") is True, bool(options.get("include_usage")))


def _refuse_unsupported(body: dict[str, Any]) -> None:
    if body.get("n") not in (None, 1):
        raise _bad("Only one answer per request: “n” must be 1.", "n", "unsupported_parameter")
    for name in UNSUPPORTED:
        if body.get(name) not in (None, False, [], {}, "none", 0):
            raise _bad(f"“{name}” is not supported by this server.", name, "unsupported_parameter")
    for name in ("presence_penalty", "frequency_penalty"):
        if body.get(name):
            raise _bad(f"“{name}” is not supported: leave it out or 0.", name, "unsupported_parameter")
    form = body.get("response_format")
    if form is not None and form != {"type": "text"}:
        raise _bad("“response_format” must be text.", "response_format", "unsupported_parameter")


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list) or not value:
        raise _bad(f"“{name}” must be a list that is not empty.", name)
    return value


def _message(message: Any, at: int) -> ChatMessage:
    where = f"messages[{at}]"
    if not isinstance(message, dict):
        raise _bad(f"{where} must be an object.", where)
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise _bad(f"{where}.role must be one of {', '.join(ROLES)}.", f"{where}.role")
    if isinstance(content, list):
        content = "".join(_text_part(part, where) for part in content)
    if not isinstance(content, str):
        raise _bad(f"{where}.content must be text.", f"{where}.content")
    return ChatMessage(role, content)


def _text_part(part: Any, where: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return part["text"]
    raise _bad(f"{where}.content may hold text parts only.", f"{where}.content")


def _number(
    body: dict[str, Any], name: str, least: float, most: float, default: float | None, *, whole: bool = False
) -> float | None:
    value = body.get(name)
    if value is None:
        return default
    good = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not good or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        raise _bad(f"“{name}” must be {kind} from {least:,} to {most:,}.", name)
    return value


def _stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    good = isinstance(stops, list) and len(stops) <= 4 and all(isinstance(s, str) and s for s in stops)
    if not good:
        raise _bad("“stop” must be a string or up to four of them, none empty.", "stop")
    return tuple(stops)


def _seed(body: dict[str, Any]) -> int | None:
    seed = _number(body, "seed", -(2**63), 2**63 - 1, None, whole=True)
    return None if seed is None else int(seed) % 2**63


def _bad(what: str, param: str | None, code: str = "invalid_value") -> BadInput:
    return BadInput(what, code=code, param=param)


def error_body(error: TunesmithError) -> tuple[int, dict[str, Any]]:
    """Our error → HTTP status and OpenAI's error object."""
    status = STATUS.get(error.kind, 500)
    kind = KNOWN_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return status, {"error": {"message": str(error), "type": kind, "param": error.param, "code": error.code}}


class Answer:
    """The shapes of one answer: whole, or chunk by chunk."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())

    def whole(self, result: GenerateResult) -> dict[str, Any]:
        message = {"role": "assistant", "content": result.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": result.finish_reason}
        return self._frame("chat.completion", [choice]) | {"usage": usage(result)}

    def chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        extra = {"usage": None} if self.asked.include_usage else {}
        return self._frame("chat.completion.chunk", [choice]) | extra

    def usage_chunk(self, result: GenerateResult) -> dict[str, Any]:
        return self._frame("chat.completion.chunk", []) | {"usage": usage(result)}

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.asked.model,
            "choices": choices,
        }


def usage(result: GenerateResult) -> dict[str, int]:
    return {
        "prompt_tokens": result.prompt_tokens,
        "completion_tokens": result.completion_tokens,
        "total_tokens": result.prompt_tokens + result.completion_tokens,
    }
