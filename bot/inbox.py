"""Messages that people sent us: each is taken once, and none is lost when the process dies over it.

Taking a message writes a row with the event in it; finishing marks it. After a kill -9 the next process finds
rows whose holder is dead and takes them up again. Answers carry a key made from the message, so an answer that
was already posted is found and not posted twice.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from trainer.store.database import Database, changed, insert_once
from trainer.store.tables import Outbox, now

Json = dict[str, Any]
PREFIX = "in:"
DONE = "done"
FORGOTTEN_S = 600.0  # a holder on another machine that is silent this long is taken for dead
TRIES = 3
KEPT = ("type", "user", "team", "user_team", "channel", "channel_type", "ts", "thread_ts", "text", "subtype")
FILE_KEPT = ("id", "name", "size", "mimetype", "filetype", "mode", "file_access", "url_private", "url_private_download")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to work on. `tries` counts earlier starts that did not finish."""

    key: str
    event: Json
    tries: int = 0

    @property
    def channel(self) -> str:
        return self.event["channel"]

    @property
    def ts(self) -> str:
        return self.event["ts"]

    @property
    def thread_ts(self) -> str:
        return self.event.get("thread_ts") or self.event["ts"]

    @property
    def origin(self) -> dict[str, str]:
        return {"channel": self.channel, "thread_ts": self.thread_ts}


class Inbox:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.holder = f"{socket.gethostname()}:{os.getpid()}"

    def take(self, event: Json) -> Letter | None:
        """Claim a message for good; None when it was taken before, by whatever event it came."""
        slim = {key: event[key] for key in KEPT if event.get(key)}
        slim["files"] = [{k: f[k] for k in FILE_KEPT if k in f} for f in event.get("files") or []]
        letter = Letter(f"{PREFIX}{event['channel']}:{event['ts']}", slim)
        with self.db.write() as session:
            taken = insert_once(
                session,
                Outbox,
                key=letter.key,
                channel=letter.channel,
                thread_ts=letter.thread_ts,
                payload={"event": slim, "holder": self.holder},
                tries=0,
                created_at=session.scalar(select(now())),
            )
        return letter if taken else None

    def works_on(self, channel: str, ts: str) -> bool:
        """Whether that message was taken and is not answered yet."""
        with self.db.read() as session:
            row = session.get(Outbox, f"{PREFIX}{channel}:{ts}")
        return row is not None and row.ts is None

    def done(self, letter: Letter) -> None:
        with self.db.write() as session:
            session.execute(update(Outbox).where(Outbox.key == letter.key).values(ts=DONE))

    def abandoned(self) -> list[Letter]:
        """Messages whose holder died, claimed for this process."""
        with self.db.read() as session:
            at = session.scalar(select(now())) or 0.0
            query = select(Outbox).where(Outbox.key.startswith(PREFIX), Outbox.ts.is_(None))
            rows = list(session.scalars(query.order_by(Outbox.created_at)))
        return [letter for row in rows if self._dead(row, at) and (letter := self._take_over(row))]

    def _dead(self, row: Outbox, at: float) -> bool:
        holder = str(row.payload.get("holder"))
        host, _, pid = holder.rpartition(":")
        if host != socket.gethostname():
            return at - row.created_at > FORGOTTEN_S
        return holder != self.holder and not _runs(int(pid))

    def _take_over(self, row: Outbox) -> Letter | None:
        held = (Outbox.key == row.key, Outbox.ts.is_(None), Outbox.tries == row.tries)
        payload = {**row.payload, "holder": self.holder}
        with self.db.write() as session:
            mine = update(Outbox).where(*held).values(tries=row.tries + 1, payload=payload)
            taken = changed(session, mine) == 1
        return Letter(row.key, row.payload["event"], row.tries + 1) if taken else None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
