"""POST /api/<method>: read the call, meet the faults, check token, rate and scope, answer as Slack does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from bot.sandbox import cast
from bot.sandbox.arguments import Arguments
from bot.sandbox.errors import SlackError, rate_limited
from bot.sandbox.faults import Fault
from bot.sandbox.methods import METHODS
from bot.sandbox.scopes import require
from bot.sandbox.workspace import Workspace

Json = dict[str, Any]
WORKSPACE: web.AppKey[Workspace] = web.AppKey("workspace", Workspace)
CALLS_KEPT = 1000


async def handle(request: web.Request) -> web.StreamResponse:
    workspace = request.app[WORKSPACE]
    name = request.match_info["method"]
    values = await _read(request)
    token = _token(request, values)
    workspace.calls.append({"method": name, "arguments": values})
    del workspace.calls[:-CALLS_KEPT]
    fault = workspace.faults.take(name, lambda: json.dumps(values, default=str))
    if fault:
        failed = await meet(request, fault, lambda: _call(workspace, name, values, token))
        if failed is not None:
            return failed
    return _answer(workspace, name, values, token)


def _answer(workspace: Workspace, name: str, values: Json, token: str) -> web.Response:
    headers = {"X-OAuth-Scopes": ",".join(sorted(workspace.settings.scopes))}
    if name in METHODS:
        headers["X-Accepted-OAuth-Scopes"] = ",".join(METHODS[name].scopes)
    try:
        return web.json_response({"ok": True, **_call(workspace, name, values, token)}, headers=headers)
    except SlackError as error:
        workspace.calls[-1]["error"] = error.code
        return web.json_response(error.body(), status=error.status, headers=headers | error.headers)


def _call(workspace: Workspace, name: str, values: Json, token: str) -> Json:
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    _check_token(token, method.token, optional=name == "api.test")
    workspace.limiter.spend(name, str(values.get("channel", "")))
    require(workspace, *method.scopes)
    return method.call(workspace, Arguments(values))


def _check_token(token: str, wanted: str, *, optional: bool) -> None:
    known = {cast.BOT_TOKEN: "xoxb", cast.APP_TOKEN: "xapp"}
    if optional:
        return
    if not token:
        raise SlackError("not_authed")
    if token not in known:
        raise SlackError("invalid_auth")
    if known[token] != wanted:
        raise SlackError("not_allowed_token_type")


async def _read(request: web.Request) -> Json:
    """Query string and body together, as Slack reads them."""
    values: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            return values
        return values | (body if isinstance(body, dict) else {})
    form = await request.post()
    return values | {key: value for key, value in form.items() if isinstance(value, str)}


def _token(request: web.Request, values: Json) -> str:
    given = str(values.pop("token", "") or "")
    return request.headers.get("Authorization", "").removeprefix("Bearer ").strip() or given


async def meet(request: web.Request, fault: Fault, perform: Any) -> web.StreamResponse | None:
    """Suffer a planned fault; None means the call goes on as usual."""
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
        return None
    if fault.perform:
        try:
            perform()
        except SlackError as error:
            return web.json_response(error.body(), status=error.status)
    if fault.kind == "error":
        return web.json_response({"ok": False, "error": fault.error})
    if fault.kind == "ratelimited":
        error = rate_limited(fault.retry_after)
        return web.json_response(error.body(), status=429, headers=error.headers)
    if fault.kind == "html":
        return web.Response(text="<!DOCTYPE html><title>Slack</title>", content_type="text/html")
    if fault.kind == "drop" and request.transport is not None:
        request.transport.abort()
    return web.Response(status=fault.status, text="Internal Server Error")
