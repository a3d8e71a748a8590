"""The team's suites: versions of a name, each for good. What Tunesmith ships stands behind them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trainer.errors import BadInput, Conflict, NotFound
from trainer.evals.case import Role, Suite
from trainer.evals.suites import Written, read_suite, shipped
from trainer.evals.suites.mistakes import meant
from trainer.store.blobs import Blobs
from trainer.store.database import Database, insert_once
from trainer.store.tables import SuiteVersion, now

RESERVED = ("test", "lessons", "old-skills")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A suite by its name. `version` is 0 for one that is shipped; `defaults` are those of a gate's rule that the suite
    brings: some of margin, floor and by."""

    name: str
    version: int
    data: bytes = field(repr=False)
    sha256: str
    role: Role
    defaults: dict[str, Any]
    suite: Suite = field(repr=False)


class Added(NamedTuple):
    row: SuiteVersion
    written: Written
    new: bool  # False: these bytes are the newest version already


class Suites:
    def __init__(self, db: Database, blobs: Blobs) -> None:
        self.db, self.blobs = db, blobs

    def add(self, name: str, data: bytes, *, owner: str, team: str, over: bool = False, kept: bool = False) -> Added:
        """A new version of a team's suite; the bytes of its newest version again make none. `over` allows the name of
        a shipped suite, which is then hidden; `kept` means that Tunesmith wrote the bytes itself, with the hashes of
        code that it keeps. Raises BadInput with every mistake of the suite."""
        written = read_suite(data, name, kept=kept)
        if written.suite.name != name:
            said = f"The suite calls itself {written.suite.name!r}, not {name!r}."
            raise BadInput(said, fix="Use one name.", code="bad_suite", param="name")
        if name in RESERVED:
            said = f"A suite cannot be called {name!r}: that is what an evaluation brings by itself."
            raise BadInput(said, fix="Give it another name.", code="reserved_name", param="name")
        if name in shipped() and not over:
            raise Conflict(
                f"Tunesmith ships a suite {name!r}.",
                fix="Give yours another name; to stand in for the shipped one, add it with --over at a terminal.",
                code="shipped_suite",
                param="name",
            )
        sha256 = self.blobs.put_bytes(data)
        said = {"role": written.suite.role.value, "cases": len(written.suite.cases), "owner": owner, "team": team}
        with self.db.write() as session:
            while (newest := _newest(session, name)) is None or newest.sha256 != sha256:
                version = newest.version + 1 if newest else 1
                made = {"name": name, "version": version, "sha256": sha256, "created_at": session.scalar(select(now()))}
                if insert_once(session, SuiteVersion, **made, **said):  # else somebody else just took this number
                    return Added(session.get_one(SuiteVersion, (name, version)), written, new=True)
            return Added(newest, written, new=False)

    def get(self, name: str, version: int | None = None) -> SuiteVersion:
        """One version, the newest without a number. Raises NotFound."""
        with self.db.read() as session:
            row = session.get(SuiteVersion, (name, version)) if version else _newest(session, name)
        if row is None:
            which = f"{name[:60]} v{version}" if version else name[:60]
            known = [*shipped(), *(r.name for r in self.list())]
            raise NotFound(
                f"There is no suite {which!r}.{meant(name, known)}",
                fix="Drop its YAML into the channel, or run: tunesmith suite add FILE.",
                code="no_suite",
                param="suite",
            )
        return row

    def list(self) -> list[SuiteVersion]:
        """The newest version of each name."""
        newest = select(SuiteVersion.name, func.max(SuiteVersion.version)).group_by(SuiteVersion.name).subquery()
        query = select(SuiteVersion).join(
            newest, (SuiteVersion.name == newest.c[0]) & (SuiteVersion.version == newest.c[1])
        )
        with self.db.read() as session:
            return [*session.scalars(query.order_by(SuiteVersion.name))]

    def resolve(self, name: str) -> Resolved:
        """`name`, or `name@2` for a version: the team's suite, else the shipped one. Raises NotFound."""
        plain, _, number = name.partition("@")
        if number and not number.isdigit():
            raise BadInput(f"{number[:20]!r} is no version.", fix="Write it as name@2.", code="no_suite", param="suite")
        with self.db.read() as session:
            row = session.get(SuiteVersion, (plain, int(number))) if number else _newest(session, plain)
        if row is None and (number or plain not in shipped()):
            row = self.get(plain, int(number) if number else None)
        data = shipped()[plain].read_bytes() if row is None else self.blobs.get_bytes(row.sha256)
        suite, defaults = read_suite(data, plain, kept=row is not None)
        version = row.version if row else 0
        return Resolved(plain, version, data, hashlib.sha256(data).hexdigest(), suite.role, defaults, suite)


def _newest(session: Session, name: str) -> SuiteVersion | None:
    query = select(SuiteVersion).where(SuiteVersion.name == name).order_by(SuiteVersion.version.desc()).limit(1)
    return session.scalars(query).first()
