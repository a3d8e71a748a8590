"""Events over HTTP instead of Socket Mode: signed requests at /slack/events."""

from __future__ import annotations

import threading
import time

import uvicorn
from slack_bolt import App
from slack_bolt.adapter.starlette import SlackRequestHandler
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from trainer.errors import BadInput, Unavailable
from trainer.settings import Settings


class HttpEvents:
    """A server in a thread of its own; Bolt checks every request's signature."""

    def __init__(self, app: App, settings: Settings) -> None:
        if not settings.slack_signing_secret.get_secret_value():
            raise BadInput(
                "HTTP events need the app's signing secret, and SLACK_SIGNING_SECRET is empty.",
                fix="Copy it from the app's Basic Information page.",
            )
        everywhere = "0.0.0.0"  # noqa: S104 (Slack calls from outside; the signature is what guards)
        config = uvicorn.Config(_asgi(app), host=everywhere, port=settings.slack_http_port, log_level="warning")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, name="slack-http", daemon=True)
        self.thread.start()
        while not self.server.started:
            if not self.thread.is_alive():
                raise Unavailable(
                    f"Port {settings.slack_http_port} cannot be opened.", fix="Is something else using it?"
                )
            time.sleep(0.02)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=10)


def _asgi(app: App) -> Starlette:
    slack = SlackRequestHandler(app)

    async def events(request: Request) -> Response:
        return await slack.handle(request)

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"]), Route("/health", health)])
