"""Who asks, with what: from Slack's signed payload, the API key or the operating system; never a model."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from trainer.errors import Forbidden
from trainer.services import Services
from trainer.settings import Settings

TRAINER, APPROVER = "trainer", "approver"


@dataclass(frozen=True, slots=True)
class Caller:
    """A person. `origin` is where they speak: {"channel", "thread_ts"}, or {} at a terminal."""

    user: str
    name: str
    roles: frozenset[str]
    team: str
    origin: dict[str, str] = field(default_factory=dict)
    allow_paths: bool = False  # may name folders of this machine as bases: the terminal only

    def need(self, role: str, to: str) -> None:
        if role not in self.roles:
            raise Forbidden(
                f"You need the {role} role to {to}.",
                fix=f"Ask an admin to add you to TUNESMITH_{role.upper()}S.",
                code="missing_role",
            )


class Said(NamedTuple):
    """One message of a thread: an id of who spoke, their name, and the text as a reader sees it."""

    speaker: str
    name: str
    text: str
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What every verb gets first. `thread` reads where the caller speaks, in order; None at a terminal.
    `on_progress` hears (bytes done, bytes in all) of work on a file that takes long."""

    caller: Caller
    services: Services
    thread: Callable[[], list[Said]] | None = None
    on_progress: Callable[[int, int], None] | None = None


def roles_of(user: str, settings: Settings) -> frozenset[str]:
    """No trainers set: every full member may train. No approvers set: nobody may promote."""
    roles = set()
    if not settings.trainers or user in settings.trainers:
        roles.add(TRAINER)
    if user in settings.approvers:
        roles.add(APPROVER)
    return frozenset(roles)


def terminal_caller(settings: Settings) -> Caller:
    """The account that runs this process, by its uid: environment variables cannot change who you are."""
    user = f"cli:{_account()}"
    return Caller(
        user, user.removeprefix("cli:"), roles_of(user, settings) | {TRAINER}, settings.team, allow_paths=True
    )


def _account() -> str:
    """The account's name; where nobody named it, as in many containers, its number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
