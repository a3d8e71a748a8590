"""Messages owed to Slack: written down first, sent once, found again by their key after a crash.

The key travels in the message's metadata. A row that was tried and has no ts is in doubt: before it is sent
again, the thread is searched for its key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from bot.blocks.kit import Card, picture
from bot.inbox import PREFIX as INBOX
from bot.slack import AWAY, code_of, may_pass
from trainer.errors import BadInput, Unavailable
from trainer.store.database import Database, insert_once
from trainer.store.tables import Outbox as Row
from trainer.store.tables import now

log = structlog.get_logger()
Json = dict[str, Any]
EVENT_TYPE = "tunesmith"
JOB = "job:"
UNDELIVERABLE = "undeliverable"
KEPT_S = 14 * 24 * 3600.0
SETTLE_AFTER_S = 20.0
BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
Painter = Callable[[Json], tuple[bytes, str, str] | None]  # picture request → png, alt text, file name


def metadata(key: str) -> Json:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def with_pictures(blocks: list[Json], pictures: list[Json]) -> list[Json]:
    """Pictures stand above the buttons, as what one looks at before one presses."""
    kinds = [block["type"] for block in blocks]
    place = kinds.index("actions") if "actions" in kinds else len(blocks)
    return [*blocks[:place], *pictures, *blocks[place:]]


class Outbox:
    """`poster` repeats nothing but refused calls; `reader` looks for what may have been posted."""

    def __init__(self, db: Database, poster: WebClient, reader: WebClient, paint: Painter) -> None:
        self.db = db
        self.poster = poster
        self.reader = reader
        self.paint = paint
        self._sending: set[str] = set()
        self._lock = threading.Lock()

    @staticmethod
    def owe(session: Session, key: str, origin: dict[str, str], card: Card, picture: Json | None = None) -> bool:
        """Write a message down within the caller's transaction; False when it already was."""
        payload: Json = {"text": card.text, "blocks": card.blocks}
        return insert_once(
            session,
            Row,
            key=key[:255],
            channel=origin["channel"],
            thread_ts=origin.get("thread_ts", ""),
            payload=payload | ({"picture": picture} if picture else {}),
            tries=0,
            created_at=session.scalar(select(now())),
        )

    def post(self, key: str, origin: dict[str, str], card: Card, picture: Json | None = None) -> str:
        """Write down and send; the message's ts. Unavailable when Slack is away: it will be sent later."""
        with self.db.write() as session:
            self.owe(session, key, origin, card, picture)
        ts = self.send(key)
        if ts is None:
            raise Unavailable("Slack does not answer; the message is kept and will be sent.", code="slack_away")
        if ts == UNDELIVERABLE:
            raise BadInput(
                "Slack does not let me write there.", fix="Invite me with: /invite @Tunesmith", code="not_taken"
            )
        return ts

    def ts_of(self, key: str) -> str | None:
        with self.db.read() as session:
            row = session.get(Row, key[:255])
        return row.ts if row else None

    def send(self, key: str) -> str | None:
        """Send a message that is owed, at most once; its ts, or None when Slack is away."""
        with self._lock:
            if key in self._sending:
                return None
            self._sending.add(key)
        try:
            return self._send(key[:255])
        finally:
            with self._lock:
                self._sending.discard(key)

    def _send(self, key: str) -> str | None:
        with self.db.write() as session:
            row = session.get(Row, key)
            if row is None or row.ts:
                return row.ts if row else None
            in_doubt = row.tries > 0
            row.tries += 1
        try:
            ts = (self._find(row) if in_doubt else None) or self._deliver(row)
        except AWAY as error:
            log.warning("post_waits", key=key, reason=code_of(error))
            if may_pass(error):
                return None
            ts = UNDELIVERABLE
        with self.db.write() as session:
            session.execute(update(Row).where(Row.key == key).values(ts=ts))
        return ts

    def _deliver(self, row: Row) -> str:
        blocks = with_pictures(row.payload["blocks"], self._pictures(row))
        try:
            return self._call(row, blocks)
        except SlackApiError as error:
            if code_of(error) not in BAD_BLOCKS:
                raise
            log.error("blocks_refused", key=row.key, detail=str(error.response.get("errors"))[:300])
        plain = [b for b in row.payload["blocks"] if b["type"] in ("section", "context", "actions")]
        try:
            return self._call(row, plain)
        except SlackApiError as error:
            if code_of(error) not in BAD_BLOCKS:
                raise
            return self._call(row, [])

    def _call(self, row: Row, blocks: list[Json]) -> str:
        said = self.poster.chat_postMessage(
            channel=row.channel,
            thread_ts=row.thread_ts or None,
            text=row.payload["text"],
            blocks=blocks or None,
            metadata=metadata(row.key),
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(said["ts"])

    def _pictures(self, row: Row) -> list[Json]:
        """The picture that goes with a message, uploaded; a message never fails for want of its picture."""
        wanted = row.payload.get("picture")
        if not wanted:
            return []
        try:
            painted = self.paint(wanted)
            if painted is None:
                return []
            png, alt, filename = painted
            said = self.reader.files_upload_v2(content=png, filename=filename, title=filename, alt_txt=alt)
            return [picture((said.get("files") or [])[0]["id"], alt)]
        except Exception:
            log.exception("picture_failed", key=row.key)
            return []

    def _find(self, row: Row) -> str | None:
        """The ts of the message with this key, if it did arrive."""
        more: Json = {"channel": row.channel, "include_all_metadata": True, "limit": 200}
        more |= {"oldest": f"{row.created_at - 120:.6f}"}
        while True:
            if row.thread_ts:
                said = self.reader.conversations_replies(ts=row.thread_ts, **more)
            else:
                said = self.reader.conversations_history(**more)
            for message in said.get("messages") or []:
                if message.get("metadata") == metadata(row.key):
                    return message["ts"]
            cursor = (said.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            more["cursor"] = cursor

    def settle(self) -> None:
        """Send what is still owed; one failure leaves the rest for the next time."""
        with self.db.read() as session:
            late = Row.created_at < now() - SETTLE_AFTER_S
            query = select(Row.key).where(Row.ts.is_(None), Row.key.not_like(f"{INBOX}%"))
            query = query.where(or_(Row.key.like(f"{JOB}%"), late)).order_by(Row.created_at).limit(50)
            keys = list(session.scalars(query))
        for key in keys:
            if self.send(key) is None:
                return

    def owes(self, job_id: str) -> bool:
        """Whether a message about this job is still to be sent."""
        query = select(Row.key).where(Row.key.like(f"{JOB}{job_id}:%"), Row.ts.is_(None)).limit(1)
        with self.db.read() as session:
            return session.scalar(query) is not None

    def forget_old(self) -> None:
        with self.db.write() as session:
            old = delete(Row).where(Row.ts.is_not(None), Row.created_at < now() - KEPT_S)
            session.execute(old)
