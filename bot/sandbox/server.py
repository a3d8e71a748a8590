"""The sandbox's HTTP server: Slack's side under /api, the people's side under /sandbox, the page at /."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.sandbox import control, people, response_urls, transfers, webapi
from bot.sandbox.settings import Settings
from bot.sandbox.webapi import WORKSPACE
from bot.sandbox.workspace import Workspace

DEFAULT_PORT = 8901
PAGE = Path(__file__).with_name("page")
EXAMPLE = Path(__file__).parents[2] / "examples" / "tickets.jsonl"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGE_POLICY = "default-src 'self'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'"


def create_app(workspace: Workspace, *, hosts: tuple[str, ...] = LOOPBACK) -> web.Application:
    """The application for a workspace; requests that name another host are refused."""
    app = web.Application(middlewares=[_guard(hosts)], client_max_size=64 << 20)
    app[WORKSPACE] = workspace
    app.router.add_get("/", _index)
    app.router.add_get("/sandbox/example", _example)
    app.router.add_static("/page/", PAGE)
    app.router.add_route("*", "/api/{method}", webapi.handle)
    app.router.add_get("/link/", workspace.hub.serve)
    app.router.add_post("/upload/v1/{ticket}", transfers.receive)
    app.router.add_get("/files-pri/{team}-{file}/{name}", transfers.download)
    app.router.add_get("/files-pri/{team}-{file}/download/{name}", transfers.download)
    app.router.add_post("/actions/{key:.+}", response_urls.handle)
    app.router.add_routes(people.routes)
    app.router.add_routes(control.routes)
    app.on_shutdown.append(_shutdown)
    return app


def _guard(hosts: tuple[str, ...]) -> Middleware:
    """Refuse other hosts (DNS rebinding) and other origins (a web page posting here)."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if urlsplit(f"//{request.host}").hostname not in hosts:
            raise web.HTTPForbidden(text=f"this sandbox answers to {', '.join(hosts)} only")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="cross-origin requests are refused")
        return await handler(request)

    return guard


async def _index(request: web.Request) -> web.FileResponse:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": PAGE_POLICY}
    return web.FileResponse(PAGE / "index.html", headers=headers)


async def _example(request: web.Request) -> web.StreamResponse:
    """The dataset that a newcomer may drop: there in a clone, not in an installed package."""
    return web.FileResponse(EXAMPLE) if EXAMPLE.is_file() else web.Response(status=404, text="not installed here")


async def _shutdown(app: web.Application) -> None:
    app[WORKSPACE].live.close()
    await app[WORKSPACE].hub.close()


async def serve(workspace: Workspace, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> tuple[web.AppRunner, str]:
    """Start listening; returns the runner to clean up and the base URL."""
    app = create_app(workspace, hosts=(*LOOPBACK, host))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound = runner.addresses[0][1]
    workspace.base_url = f"http://{host}:{bound}"
    return runner, workspace.base_url


def run(host: str = "127.0.0.1", port: int = DEFAULT_PORT, folder: Path | None = None) -> None:
    """Serve until interrupted."""
    asyncio.run(_run(host, port, folder))


async def _run(host: str, port: int, folder: Path | None) -> None:
    workspace = Workspace(folder=folder)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    runner, url = await serve(workspace, host, port)
    print(f"Slack sandbox: open {url}/ in a browser; point a bot at {url}/api/", flush=True)  # noqa: T201
    try:
        await stop.wait()
    finally:
        await runner.cleanup()
        workspace.close()


class SandboxThread(threading.Thread):
    """A sandbox on a free port in a thread of its own. `base_url` is set once `started` is."""

    def __init__(self, settings: Settings | None = None, port: int = 0):
        super().__init__(name="slack-sandbox", daemon=True)
        self.workspace = Workspace(settings)
        self.base_url = ""
        self._port = port
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._finish = asyncio.Event()
        self._failure: BaseException | None = None

    @property
    def api_url(self) -> str:
        """What WebClient calls base_url."""
        return f"{self.base_url}/api/"

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _main(self) -> None:
        runner, self.base_url = await serve(self.workspace, port=self._port)
        self._ready.set()
        await self._finish.wait()
        await runner.cleanup()
        self.workspace.close()

    def __enter__(self) -> SandboxThread:
        self.start()
        self._ready.wait(10)
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._finish.set)
        self.join(10)


@contextlib.contextmanager
def running_sandbox(settings: Settings | None = None, port: int = 0) -> Iterator[SandboxThread]:
    """A sandbox for the length of a `with` block."""
    with SandboxThread(settings, port) as sandbox:
        yield sandbox
