"""Bytes in and out: the upload URL, and downloads that want the bot's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import BodyPartReader, web

from bot.sandbox import cast
from bot.sandbox.errors import SlackError
from bot.sandbox.shelf import TooLarge
from bot.sandbox.webapi import WORKSPACE, meet

Json = dict[str, Any]
CHUNK = 1 << 18
LOGIN_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Sign in to Tunesmith sandbox</title></head>
<body><h1>Sign in to your workspace</h1><p>This file needs a token with files:read.</p></body></html>"""


async def receive(request: web.Request) -> web.StreamResponse:
    """The second step of an upload: raw bytes, or a form with one file."""
    workspace = request.app[WORKSPACE]
    fault = workspace.faults.take("files.upload")
    if fault and (failed := await meet(request, fault, lambda: None)) is not None:
        return failed
    file = workspace.files.redeem(request.match_info["ticket"])
    if file is None:
        return web.Response(status=404, text="this upload URL is unknown or was used")
    try:
        size = await workspace.files.store(file["id"], await body_chunks(request), file["size"])
    except TooLarge:
        return web.Response(status=400, text=f"more bytes than the announced {file['size']}")
    return web.Response(text=f"OK - {size}")


async def body_chunks(request: web.Request) -> AsyncIterator[bytes]:
    if not request.content_type.startswith("multipart/"):
        return request.content.iter_chunked(CHUNK)
    part = await (await request.multipart()).next()
    if not isinstance(part, BodyPartReader):
        raise web.HTTPBadRequest(text="the form holds no file")
    return part_chunks(part)


async def part_chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


async def download(request: web.Request) -> web.StreamResponse:
    """url_private: bytes for the bot's token with files:read; an HTML page, with 200, for anyone else."""
    workspace = request.app[WORKSPACE]
    fault = workspace.faults.take("files.download")
    if fault and (failed := await meet(request, fault, lambda: None)) is not None:
        return failed
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if token != cast.BOT_TOKEN or "files:read" not in workspace.settings.scopes:
        return web.Response(text=LOGIN_PAGE, content_type="text/html", charset="utf-8")
    try:
        file = workspace.files.find(request.match_info["file"])
    except SlackError:
        return web.Response(status=404, text="no such file")
    return serve(workspace.files.path(file["id"]), file, inline=False)


def serve(path: Any, file: Json, *, inline: bool) -> web.FileResponse:
    """A file's bytes; only pictures may be shown inline, so that no upload runs as a page."""
    picture = file["mimetype"] in ("image/png", "image/jpeg", "image/gif", "image/webp")
    disposition = "inline" if inline and picture else "attachment"
    safe_name = "".join(c if c.isalnum() or c in "._- " else "_" for c in file["name"])
    headers = {
        "Content-Type": file["mimetype"] if picture or not inline else "application/octet-stream",
        "Content-Disposition": f'{disposition}; filename="{safe_name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return web.FileResponse(path, headers=headers)
