"""What every listener is given: services, Slack's clients, the guard, the lanes, inbox and outbox."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from slack_sdk import WebClient

from bot.blocks import note
from bot.blocks.kit import Card
from bot.guard import Guard, Ourselves, Refused
from bot.inbox import Inbox
from bot.lanes import Lanes
from bot.outbox import Outbox
from bot.slack import AWAY, code_of
from tools.context import Caller, Context
from trainer.errors import TunesmithError
from trainer.services import Services
from trainer.settings import Settings

if TYPE_CHECKING:
    from bot.agent import Agent

log = structlog.get_logger()
Json = dict[str, Any]


@dataclass
class Door:
    services: Services
    us: Ourselves
    client: WebClient  # tries everything again: reading, uploading, opening views
    poster: WebClient  # tries only refused calls again
    guard: Guard
    inbox: Inbox
    outbox: Outbox
    lanes: Lanes
    _agent: Agent | None = None
    _making: threading.Lock = field(default_factory=threading.Lock)

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def agent(self) -> Agent:
        """Made at first use: importing LangChain takes longer than connecting to Slack."""
        with self._making:
            if self._agent is None:
                from bot.agent import Agent

                self._agent = Agent(self.services)
            return self._agent

    def close(self) -> None:
        with self._making:
            if self._agent is not None:
                self._agent.close()

    def context(self, caller: Caller) -> Context:
        return Context(caller, self.services)

    def whisper(self, origin: dict[str, str], user: str, card: Card) -> None:
        """A message that only one person sees; if it cannot be shown, that is logged and all."""
        where: Json = {"channel": origin["channel"], "user": user}
        if origin.get("thread_ts"):
            where["thread_ts"] = origin["thread_ts"]
        try:
            self.poster.chat_postEphemeral(**where, text=card.text, blocks=card.blocks or None)
        except AWAY as error:
            log.warning("whisper_failed", channel=origin["channel"], reason=code_of(error))

    def edit(self, channel: str, ts: str, card: Card) -> bool:
        """Replace a message of ours; False (and a line in the log) where Slack did not take it."""
        try:
            self.client.chat_update(channel=channel, ts=ts, text=card.text, blocks=card.blocks)
        except AWAY as error:
            log.warning("edit_failed", channel=channel, ts=ts, reason=code_of(error))
            return False
        return True

    def guarded(self, work: Callable[[], None], tell: Callable[[Card], None]) -> None:
        """Run work; whatever goes wrong is told once, as a card."""
        try:
            work()
        except Refused as refused:
            log.info("refused", reason=refused.reason)
            if refused.sentence:
                tell(note.line(refused.sentence))
        except TunesmithError as error:
            if error.code == "slack_away":
                log.warning("answer_waits", reason=str(error))
            else:
                tell(note.error(error))
        except Exception:
            error_id = secrets.token_hex(4)
            log.exception("work_failed", error_id=error_id)
            tell(note.trouble(error_id))
