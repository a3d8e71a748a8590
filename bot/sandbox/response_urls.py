"""POST to a response_url: an app's later answer to an interaction."""

from __future__ import annotations

import json
import time

from aiohttp import web

from bot.sandbox.errors import SlackError
from bot.sandbox.interactions import respond
from bot.sandbox.webapi import WORKSPACE, meet


async def handle(request: web.Request) -> web.StreamResponse:
    workspace = request.app[WORKSPACE]
    fault = workspace.faults.take("response_url")
    if fault and (failed := await meet(request, fault, lambda: None)) is not None:
        return failed
    target = workspace.response_urls.get(request.match_info["key"])
    if target is None:
        return web.Response(status=404, text="unknown_url")
    expired = time.monotonic() - target.born > workspace.settings.response_url_seconds
    if expired or target.uses >= workspace.settings.response_url_uses:
        return web.json_response({"ok": False, "error": "expired_url" if expired else "used_url"}, status=404)
    try:
        answer = json.loads(await request.text())
        respond(workspace, target, answer)
    except (ValueError, AttributeError):
        return web.Response(status=400, text="invalid_payload")
    except SlackError as error:
        return web.json_response(error.body(), status=400)
    target.uses += 1
    return web.Response(text="ok")
