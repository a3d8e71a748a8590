"""`tunesmith up`, and a command for each of the processes that it runs."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Any

import typer

from tools.cli.output import answers, say
from trainer.errors import BadInput
from trainer.jobs.processes import die_with_parent, identity
from trainer.services import Services, build_services
from trainer.settings import Settings, load_settings

SUPERVISED = "TUNESMITH_SUPERVISED"
# Doors stand above this package, so they are named here and imported only when they are opened.
DOORS = {
    "gateway": "gateway.app:serve",
    "bot": "bot.app:run",
    "sandbox": "bot.sandbox.server:run",
    "engine": "trainer.inference.serve:run",
}


class QueueName(StrEnum):
    GPU = "gpu"
    CPU = "cpu"


def register(app: typer.Typer) -> None:
    for command in (redis, reconcile, gateway, engine, bot, sandbox):
        app.command(command.__name__)(answers(command))
    app.command("worker")(answers(worker))
    app.command("up")(answers(up))


def door(name: str) -> Any:
    return resolve_name(DOORS[name])


def begin() -> Settings:
    """First thing in every process: under a supervisor, do not outlive it."""
    if parent := os.environ.get(SUPERVISED):
        if not parent.isdigit():
            raise BadInput(f"{SUPERVISED} must be a process id.", fix="Leave it unset; `tunesmith up` sets it.")
        die_with_parent(int(parent))
    return load_settings()


def up(
    procfile: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Run these processes instead.")
    ] = None,
) -> None:
    """Run everything on this machine until Ctrl-C: crashed processes come back, logs go to <home>/logs."""
    from tools.ops.up import run

    raise typer.Exit(run(begin(), procfile=procfile))


def redis() -> None:
    """Run the embedded Redis on 127.0.0.1, its data in <home>/redis."""
    from tools.ops.redis_server import exec_server

    settings = begin()
    if settings.redis_url:
        say("REDIS_URL is set, so the embedded Redis is not needed.")
        return
    exec_server(settings)


def worker(queue: Annotated[QueueName, typer.Argument(help="One queue a process.")]) -> None:
    """Run jobs of one queue: gpu trains and evaluates, cpu does the rest."""
    from trainer.jobs.worker import work

    with build_services(begin(), migrate=True) as services:
        work(services, queue.value)


def reconcile() -> None:
    """Put right what crashes leave behind, every two seconds. Several may run; one works at a time."""
    from trainer.jobs import canary
    from trainer.jobs.reconcile import run_forever
    from trainer.jobs.retention import sweep

    def hourly(services: Services) -> None:
        sweep(services)
        services.answers.drop_older(services.settings.checkpoint_days)
        canary.enqueue(services)

    with build_services(begin(), migrate=True) as services:
        services.heartbeats.keep_beating("reconcile")
        run_forever(services.db, services.wakeups, identity("reconcile"), sweep=lambda: hourly(services))


def gateway() -> None:
    """Serve the OpenAI-compatible API."""
    door("gateway")(begin())


def engine() -> None:
    """Serve bases and adapters to the gateway."""
    with build_services(begin(), migrate=True) as services:
        door("engine")(services)


def bot() -> None:
    """Serve the Slack workspace, or the sandbox where no SLACK_BOT_TOKEN is set."""
    with build_services(begin(), migrate=True) as services:
        door("bot")(services)


def sandbox() -> None:
    """Serve the local Slack to try the bot in."""
    settings = begin()
    door("sandbox")("127.0.0.1", settings.sandbox_port)
