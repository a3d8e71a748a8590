"""Who may speak: colleagues of our workspace. Bots, strangers and guests may not; when in doubt, nobody."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk import WebClient
from sqlalchemy import select, update

from bot.slack import AWAY, code_of
from tools.context import Caller, roles_of
from trainer.settings import Settings
from trainer.store.database import Database, changed, insert_once
from trainer.store.tables import Claim, now

log = structlog.get_logger()
Json = dict[str, Any]
KNOWN_FOR_S = 300.0
USER_ID = re.compile(r"^[UW][A-Z0-9]{2,20}$")


class Refused(Exception):
    """This speaker is not served; `sentence` is what to whisper to them, or empty for silence."""

    def __init__(self, reason: str, sentence: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Ourselves:
    """The app's own ids, as auth.test tells them."""

    team_id: str
    user_id: str
    bot_id: str
    url: str = ""


def ourselves(client: WebClient) -> Ourselves:
    said: Json = dict(client.auth_test().data)  # type: ignore[arg-type]
    return Ourselves(said["team_id"], said["user_id"], said.get("bot_id") or "", said.get("url") or "")


class Guard:
    def __init__(self, settings: Settings, db: Database, client: WebClient, us: Ourselves) -> None:
        self.settings = settings
        self.db = db
        self.client = client
        self.us = us
        self.teams = frozenset(settings.allowed_teams) or frozenset({us.team_id})
        self._people: dict[str, tuple[float, Json]] = {}
        self._lock = threading.Lock()

    def speaker(self, event: Json, origin: dict[str, str]) -> Caller:
        """The author of a message, or Refused."""
        if event.get("bot_id") or event.get("bot_profile") or event.get("user") == self.us.user_id:
            raise Refused("bot")
        teams = [event[key] for key in ("user_team", "source_team", "team") if event.get(key)]
        return self.admit(str(event.get("user") or ""), teams, origin)

    def clicker(self, body: Json, origin: dict[str, str]) -> Caller:
        """Whoever pressed, submitted or commanded, from Slack's own payload, or Refused."""
        if "user_id" in body:  # a slash command
            return self.admit(str(body["user_id"]), [body.get("team_id")], origin)
        user = body.get("user") or {}
        teams = [t for t in (user.get("team_id"), (body.get("team") or {}).get("id")) if t]
        return self.admit(str(user.get("id") or ""), teams, origin)

    def admit(self, user: str, teams: list[str | None], origin: dict[str, str]) -> Caller:
        if not USER_ID.match(user) or not teams:
            raise Refused("no_user")
        if any(team not in self.teams for team in teams):
            raise Refused("foreign_team")
        person = self._person(user)
        if person.get("id") != user or person.get("is_bot") or person.get("deleted"):
            raise Refused("bot")
        if person.get("is_stranger") or person.get("team_id") not in self.teams:
            raise Refused("stranger")
        if person.get("is_restricted") is not False or person.get("is_ultra_restricted") is not False:
            raise Refused("guest", "I only work with full members of this workspace. Please ask a colleague.")
        name = (person.get("profile") or {}).get("display_name") or person.get("name") or user
        return Caller(user, str(name)[:80], roles_of(user, self.settings), str(person["team_id"]), origin)

    def name_of(self, user: str) -> str:
        """How somebody is called, as far as Slack says; else their id."""
        if not USER_ID.match(user):
            return user
        try:
            person = self._person(user)
        except Refused:
            return user
        return str((person.get("profile") or {}).get("display_name") or person.get("name") or user)[:80]

    def _person(self, user: str) -> Json:
        """users.info, remembered for five minutes; nobody is let in when Slack does not say who they are."""
        with self._lock:
            at, known = self._people.get(user, (0.0, {}))
        if known and time.monotonic() - at < KNOWN_FOR_S:
            return known
        try:
            person: Json = self.client.users_info(user=user).get("user") or {}
        except AWAY as error:
            log.warning("users_info_failed", user=user, reason=code_of(error))
            raise Refused("unknown", "I could not look up who you are just now. Please try again.") from None
        with self._lock:
            self._people[user] = (time.monotonic(), person)
        return person

    def first(self, key: str, *, within_s: float) -> bool:
        """False when the same was pressed less than `within_s` ago, in any process."""
        with self.db.write() as session:
            at = session.scalar(select(now())) or 0.0
            if insert_once(session, Claim, key=key[:255], at=at):
                return True
            old = update(Claim).where(Claim.key == key[:255], Claim.at < at - within_s)
            return changed(session, old.values(at=at)) == 1
