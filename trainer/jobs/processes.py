"""Small truths about processes: die with the parent, say that you live."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import threading
from typing import Any

import structlog
from sqlalchemy import select

from trainer.errors import Unavailable
from trainer.store.database import Database, upsert
from trainer.store.tables import Heartbeat, now

log = structlog.get_logger()
PR_SET_PDEATHSIG = 1
BEAT_S = 5.0


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when `parent`, its parent's pid, dies; leave at once if it already has.

    Elsewhere there is no such promise, and the lease alone ends the attempt.
    """
    try:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except AttributeError:
        return
    if os.getppid() != parent:
        os._exit(1)


def identity(role: str) -> str:
    return f"{role}@{socket.gethostname()}:{os.getpid()}"


class Heartbeats:
    """Processes that said they are alive within the last 4 beats."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def beat(self, role: str, **info: Any) -> None:
        name = f"{role}@{socket.gethostname()}"
        values = {"at": now(), "info": {"pid": os.getpid(), **info}}
        with self.db.write() as session:
            upsert(session, Heartbeat, {"name": name}, values)

    def alive(self) -> dict[str, dict[str, Any]]:
        """role@host → info, of everything that beat lately."""
        with self.db.read() as session:
            rows = session.scalars(select(Heartbeat).where(Heartbeat.at > now() - 4 * BEAT_S))
            return {row.name: row.info for row in rows}

    def has(self, role: str) -> bool:
        return any(name.startswith(f"{role}@") for name in self.alive())

    def keep_beating(self, role: str, **info: Any) -> threading.Thread:
        """Beat from a daemon thread until the process ends."""

        def loop() -> None:
            while True:
                try:
                    with beating:
                        self.beat(role, **info)
                except Unavailable as error:
                    log.warning("heartbeat_waits", reason=str(error))
                stopped.wait(BEAT_S)

        stopped, beating = threading.Event(), threading.Lock()
        # A fork in the middle of a beat would leave the child with the database library's locks taken for good.
        os.register_at_fork(before=beating.acquire, after_in_parent=beating.release, after_in_child=beating.release)
        thread = threading.Thread(target=loop, name=f"heartbeat-{role}", daemon=True)
        thread.start()
        return thread
