from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from trainer.errors import BadInput, Conflict, Forbidden, TunesmithError
from trainer.registry.aliases import check_name, swap
from trainer.services import Services
from trainer.store.tables import Approval, Audit, now


def ask(services: Services) -> Approval:
    return services.approvals.ask("promote", {"alias": "prod", "model_id": "ft:x"}, by="U0ADA", origin={})


def decide(services: Services, approval: Approval, by: str, **changes: Any) -> Any:
    arguments = {
        "by": by,
        "approve": True,
        "second_person": True,
        "check": lambda *_: None,
        "then": lambda *_: {},
    }
    return services.approvals.decide(approval.id, **(arguments | changes))


def test_the_requester_may_not_approve_but_another_may_once(any_services: Services) -> None:
    asked = ask(any_services)

    with pytest.raises(Forbidden, match="yourself"):
        decide(any_services, asked, "U0ADA")
    decide(any_services, asked, "U0GRACE")
    with pytest.raises(Conflict, match="already approved"):
        decide(any_services, asked, "U0LINUS")


def test_of_many_clicks_at_once_one_acts(any_services: Services) -> None:
    asked, acted = ask(any_services), []

    def click(number: int) -> None:
        try:
            decide(any_services, asked, f"U{number}", then=lambda *_: acted.append(number) or {})
        except Conflict:
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(click, range(16)))

    assert len(acted) == 1


def test_a_click_whose_action_fails_decides_nothing(any_services: Services) -> None:
    asked = ask(any_services)

    def fail(*_: object) -> dict[str, Any]:
        raise Conflict("moved")

    with pytest.raises(Conflict, match="moved"):
        decide(any_services, asked, "U0GRACE", then=fail)
    assert any_services.approvals.get(asked.id).status == "pending"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"expires_at": 0.0}, "expired"), ({"subject": {"alias": "prod", "model_id": "ft:evil"}}, "altered")],
)
def test_an_expired_or_altered_request_is_refused(any_services: Services, change: dict[str, Any], words: str) -> None:
    asked = ask(any_services)
    with any_services.db.write() as session:
        session.execute(update(Approval).values(**change))

    with pytest.raises(Conflict, match=words):
        decide(any_services, asked, "U0GRACE")


def move(services: Services, model: str, expected: int) -> int:
    with services.db.write() as session:
        return swap(session, "prod", model, expected=expected, by="U0GRACE", approval_id="appr-x")


def test_an_alias_moves_only_from_the_revision_that_was_seen(any_services: Services) -> None:
    assert move(any_services, "ft:a", 0) == 1
    assert move(any_services, "ft:b", 1) == 2
    for stale in (0, 1):
        with pytest.raises(Conflict, match="moved"):
            move(any_services, "ft:c", stale)

    assert any_services.aliases.get("prod").model_id == "ft:b"
    assert any_services.aliases.previous_model("prod") == "ft:a"
    assert [h.revision for h in any_services.aliases.history("prod")] == [2, 1]


def test_a_failed_promotion_leaves_neither_alias_nor_audit(any_services: Services) -> None:
    before = len(any_services.audit.list())
    with pytest.raises(RuntimeError), any_services.db.write() as session:
        swap(session, "prod", "ft:a", expected=0, by="U", approval_id="x")
        raise RuntimeError

    assert any_services.aliases.find("prod") is None
    assert len(any_services.audit.list()) == before


@pytest.mark.parametrize("name", ["", "Prod", "a b", "-x", "<!channel>", "a" * 64, "../x"])
def test_names_that_cannot_be_an_alias(name: str) -> None:
    with pytest.raises(BadInput):
        check_name(name)


def test_a_changed_audit_row_is_found(any_services: Services) -> None:
    for _ in range(3):
        ask(any_services)
    assert any_services.audit.verify() is None

    with any_services.db.write() as session:
        session.execute(update(Audit).where(Audit.seq == 2).values(actor="U0EVIL"))
    assert any_services.audit.verify() == 2


def test_a_key_opens_until_it_is_revoked(any_services: Services) -> None:
    row, secret = any_services.keys.create("ci", by="U0ADA")

    assert any_services.keys.find(secret) and secret not in row.hash
    any_services.keys.revoke(row.id)
    assert any_services.keys.find(secret) is None
    with pytest.raises(TunesmithError):
        any_services.keys.revoke(row.id)


def test_now_is_usable_in_an_update(any_services: Services) -> None:
    asked = ask(any_services)
    with any_services.db.write() as session:
        session.execute(update(Approval).where(Approval.id == asked.id).values(expires_at=now() - 1))
    assert any_services.approvals.pending() == []
