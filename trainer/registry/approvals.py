"""Approvals: a tool asks, a person decides; two, where a verdict is overridden. One conditional UPDATE moves PENDING to
decided, once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trainer.errors import Conflict, Forbidden, NotFound
from trainer.registry import audit
from trainer.store.database import Database, changed
from trainer.store.ids import new_id
from trainer.store.tables import Approval, now

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"


def digest_of(subject: dict[str, Any]) -> str:
    """What an approval is bound to: sha256 over the canonical JSON of everything it covers."""
    return hashlib.sha256(json.dumps(subject, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def own_request() -> Forbidden:
    return Forbidden(
        "You asked for this yourself, so somebody else has to approve it.",
        fix="Ask a colleague with the approver role to press the button.",
        code="own_request",
    )


def already_signed() -> Forbidden:
    return Forbidden(
        "You have signed this already; the second signature has to be somebody else's.",
        fix="Ask another colleague with the approver role to press the button.",
        code="already_signed",
    )


def signers(row: Approval) -> list[str]:
    """Who approved so far, of those whose one approval is not enough; in order."""
    return [str(signature["by"]) for signature in row.signatures or ()]


class Approvals:
    def __init__(self, db: Database, *, hours: float) -> None:
        self.db = db
        self.hours = hours

    def ask(
        self, kind: str, subject: dict[str, Any], *, by: str, origin: dict[str, Any], signed: bool = False
    ) -> Approval:
        """`signed`: asking is the first of several signatures."""
        with self.db.write() as session:
            at = session.scalar(select(now())) or 0.0
            row = Approval(
                id=new_id("appr-"),
                kind=kind,
                subject=subject,
                digest=digest_of(subject),
                status=PENDING,
                requested_by=by,
                requested_at=at,
                expires_at=at + self.hours * 3600,
                origin=origin,
                signatures=[{"by": by, "at": at}] if signed else [],
            )
            session.add(row)
            data = {"approval": row.id, "digest": row.digest}
            audit.append(session, actor=by, action=f"{kind}.requested", subject=row.id, data=data)
            if signed:
                audit.append(session, actor=by, action=f"{kind}.signed", subject=row.id, data=data | {"signature": 1})
        return row

    def get(self, approval_id: str) -> Approval:
        with self.db.read() as session:
            row = session.get(Approval, approval_id)
        if row is None:
            raise NotFound(
                f"There is no request “{approval_id[:60]}”.",
                fix="It may belong to another installation; ask for it again.",
                code="unknown_approval",
            )
        return row

    def pending(self) -> list[Approval]:
        with self.db.read() as session:
            query = select(Approval).where(Approval.status == PENDING, Approval.expires_at > now())
            return list(session.scalars(query.order_by(Approval.requested_at)))

    def approved(self, kind: str) -> list[Approval]:
        """Newest first."""
        query = select(Approval).where(Approval.kind == kind, Approval.status == APPROVED)
        with self.db.read() as session:
            return list(session.scalars(query.order_by(Approval.decided_at.desc(), Approval.id)))

    def decide(
        self,
        approval_id: str,
        *,
        by: str,
        approve: bool,
        second_person: bool,
        check: Callable[[Session, Approval], None],
        then: Callable[[Session, Approval], dict[str, Any]],
        needed: int = 1,
    ) -> tuple[Approval, dict[str, Any]]:
        """Decide and act in one transaction: `check` may still refuse, `then` does what was approved. Where more than
        one signature is `needed`, those before the last are written down, and the request stays pending.

        Raises Conflict for a card already decided or expired, Forbidden where a second person is needed.
        """
        with self.db.write() as session:
            row = session.get(Approval, approval_id, with_for_update=True)
            if row is None:
                raise NotFound(f"There is no request “{approval_id[:60]}”.", code="unknown_approval")
            self._still_open(session, row)
            if approve and second_person and row.requested_by == by:
                raise own_request()
            if approve:
                check(session, row)
                if needed > 1 and self._sign(session, row, by) < needed:
                    return row, {}
            self._move(session, row, APPROVED if approve else REJECTED, by)
            done = then(session, row) if approve else {}
            outcome = "approved" if approve else "rejected"
            data = {"approval": row.id, "digest": row.digest, "requested_by": row.requested_by, **done}
            if approve and needed > 1:
                data["signed_by"] = signers(row)
            audit.append(session, actor=by, action=f"{row.kind}.{outcome}", subject=row.id, data=data)
        return row, done

    @staticmethod
    def _still_open(session: Session, row: Approval) -> None:
        if row.status != PENDING:
            raise Conflict(
                f"This was already {row.status} by {row.decided_by}; nothing more happened.",
                fix="Ask again if you want it once more.",
                code="already_decided",
            )
        if (session.scalar(select(now())) or 0.0) > row.expires_at:
            raise Conflict("This request has expired; nothing happened.", fix="Ask again.", code="expired")
        if digest_of(row.subject) != row.digest:
            raise Conflict("This request was altered after it was asked.", fix="Ask again.", code="altered")

    @staticmethod
    def _sign(session: Session, row: Approval, by: str) -> int:
        """Add a signature, and its line in the audit log; how many there are then. The row is locked."""
        if by in signers(row):
            raise already_signed()
        row.signatures = [*(row.signatures or ()), {"by": by, "at": session.scalar(select(now()))}]
        data = {"approval": row.id, "digest": row.digest, "signature": len(row.signatures)}
        audit.append(session, actor=by, action=f"{row.kind}.signed", subject=row.id, data=data)
        return len(row.signatures)

    @staticmethod
    def _move(session: Session, row: Approval, status: str, by: str) -> None:
        pending = update(Approval).where(Approval.id == row.id, Approval.status == PENDING)
        if changed(session, pending.values(status=status, decided_by=by, decided_at=now())) != 1:
            raise Conflict("Somebody else decided this at the same moment.", code="already_decided")
        session.refresh(row)
