"""One place where an error becomes an HTTP body, in the shape that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from trainer.errors import TunesmithError

STATUS_OF_KIND = {
    "bad_input": 400,
    "not_found": 404,
    "forbidden": 403,
    "conflict": 409,
    "limit": 429,
    "unavailable": 503,
    "missing_extra": 501,
}
RETRY_AFTER_S = 5


class ApiError(Exception):
    """An answer other than success, as OpenAI words it: message, type, param, code."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        return error_body(self.status, self.message, code=self.code, param=self.param)


def error_body(status: int, message: str, *, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": _type_of(status), "param": param, "code": code}}


def _type_of(status: int) -> str:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limit_error"
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"


def unavailable(message: str, *, code: str, retry_after_s: int = RETRY_AFTER_S) -> ApiError:
    return ApiError(503, message, code=code, headers={"retry-after": str(retry_after_s)})


def install(app: FastAPI) -> None:
    """Answer every kind of error of `app` in the one shape."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(TunesmithError, _on_tunesmith_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_surprise)


async def _on_api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body, status_code=error.status, headers=error.headers)


async def _on_tunesmith_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TunesmithError)
    status = STATUS_OF_KIND.get(error.kind, 500)
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    body = error_body(status, str(error), code=error.code, param=error.param)
    return JSONResponse(body, status_code=status, headers=headers)


async def _on_validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    message = f"{where or 'The request'}: {first['msg']}."
    return JSONResponse(error_body(400, message, code="invalid_value", param=where or None), status_code=400)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = {404: "unknown_url", 405: "method_not_allowed"}.get(status)
    message = {
        404: f"Unknown request URL: {request.method} {request.url.path}. "
        "Check it for typos; this gateway serves /v1/chat/completions, /v1/models and /health.",
        405: f"Not allowed to {request.method} on {request.url.path}.",
    }.get(status, str(error.detail))
    return JSONResponse(error_body(status, message, code=code), status_code=status, headers=dict(error.headers or {}))


async def _on_surprise(_request: Request, _error: Exception) -> JSONResponse:
    message = "The gateway failed on this request; its log has the cause. Trying again may help."
    return JSONResponse(error_body(500, message, code="internal_error"), status_code=500)
