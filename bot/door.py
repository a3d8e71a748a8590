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
from bot.buckets import Bucket
from bot.guard import Guard, Ourselves, Refused
from bot.inbox import Inbox
from bot.lanes import Lanes
from bot.outbox import Outbox, metadata
from bot.slack import AWAY, code_of
from bot.threads import read_thread
from tools.context import Caller, Context, Said
from trainer.errors import TunesmithError
from trainer.services import Services
from trainer.settings import Settings

if TYPE_CHECKING:
    from bot.agent import Agent

log = structlog.get_logger()
Json = dict[str, Any]
EDITS_A_MINUTE, EDITS_BURST = 45, 10  # of chat.update's 50 or so per workspace


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
    edits: Bucket = field(default_factory=lambda: Bucket(EDITS_A_MINUTE, EDITS_BURST))
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
        """Without waiting for an agent that is still being made."""
        agent = self._agent
        if agent is not None:
            agent.close()

    def context(self, caller: Caller) -> Context:
        """Who asks, with what; and, when a verb wants it, what is said where they speak."""

        def thread() -> list[Said]:
            return read_thread(self.client, self.us.user_id, self.guard.name_of, caller.origin)

        return Context(caller, self.services, thread)

    def whisper(self, origin: dict[str, str], user: str, card: Card) -> None:
        """A message that only one person sees; if it cannot be shown, that is logged and all."""
        where: Json = {"channel": origin["channel"], "user": user}
        if origin.get("thread_ts"):
            where["thread_ts"] = origin["thread_ts"]
        try:
            self.poster.chat_postEphemeral(**where, text=card.text, blocks=card.blocks or None)
        except AWAY as error:
            log.warning("whisper_failed", channel=origin["channel"], reason=code_of(error))

    def thinking(self, origin: dict[str, str]) -> None:
        """Show “is thinking…” in the thread until the next message; where Slack does not take it, so be it."""
        channel, ts = origin["channel"], origin["thread_ts"]
        try:
            self.poster.assistant_threads_setStatus(channel_id=channel, thread_ts=ts, status="is thinking…")
        except AWAY as error:
            log.debug("status_failed", reason=code_of(error))

    def edit(self, channel: str, ts: str, card: Card, *, key: str = "") -> bool:
        """Replace a message of ours; False (and a line in the log) where Slack did not take it."""
        self.edits.take()
        mark: Json = {"metadata": metadata(key)} if key else {}
        try:
            self.client.chat_update(channel=channel, ts=ts, text=card.text, blocks=card.blocks, **mark)
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
