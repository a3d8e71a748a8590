"""The HTTP door. FastAPI carries the control routes; chat is a plain ASGI route among them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.params import Depends as Dependency
from starlette.routing import Route

from gateway import errors
from gateway.access_log import AccessLog, note
from gateway.auth import Auth
from gateway.hosted import Hosted
from gateway.names import Names
from gateway.routes import chat, health, models
from gateway.upstreams import Engine
from trainer.services import Services, build_services
from trainer.settings import Settings

KEEP_ALIVE_S = 65  # longer than usual clients and load balancers keep a connection idle
SHUTDOWN_S = 20


def create_app(services: Services, *, engine: Engine | None = None) -> FastAPI:
    """The application for `services`; a new control route is one line below."""
    auth = Auth(services.keys)
    engine = engine or Engine(services.settings.engine)
    hosted = Hosted(services.settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with engine, hosted:
            yield

    app = FastAPI(title="Tunesmith gateway", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.add_middleware(AccessLog)
    errors.install(app)
    limit = services.settings.max_body_bytes
    chat_route = chat.ChatCompletions(auth, Names(services), engine, hosted, max_body_bytes=limit)
    app.router.routes.append(Route(chat.PATH, chat_route, methods=["POST"]))
    app.include_router(health.router(services, engine))
    for control in (models.router(services),):
        app.include_router(control, dependencies=_signed_in(auth))
    return app


def _signed_in(auth: Auth) -> list[Dependency]:
    async def check(request: Request) -> None:
        note(request.scope, key=await auth.check(request))

    return [Depends(check)]


def serve(settings: Settings) -> None:
    """Serve until told to stop; requests under way get 20 s to finish."""
    import uvicorn

    with build_services(settings, migrate=True) as services:
        services.heartbeats.keep_beating("gateway", port=settings.gateway_port)
        uvicorn.run(
            create_app(services),
            host=settings.gateway_host,
            port=settings.gateway_port,
            access_log=False,
            server_header=False,
            log_level="warning",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
