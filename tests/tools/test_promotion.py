"""Asking for what users get: what is refused before anybody is bothered."""

from __future__ import annotations

import pytest

from tests.gateway.doorway import add_model, point
from tools.context import APPROVER, TRAINER, Caller, Context
from tools.promotion import request_rollback
from trainer.errors import Conflict
from trainer.services import Services
from trainer.store.tables import Model

TUNED = "ft:mine:local::11111111"
ADA = Caller("U0ADA", "Ada", frozenset({TRAINER, APPROVER}), "local")


@pytest.mark.parametrize("base", ["tiny-base", "/models/mine"])
def test_after_the_first_promotion_a_rollback_leads_only_to_a_base_that_can_be_called(
    services: Services, base: str
) -> None:
    add_model(services, TUNED)
    with services.db.write() as session:
        session.query(Model).update({"base": base})
    point(services, "tickets", TUNED, expected=0)

    if base == "tiny-base":
        assert request_rollback(Context(ADA, services), "tickets").subject["model_id"] == base
    else:
        with pytest.raises(Conflict, match="TUNESMITH_BASE_FOLDERS"):
            request_rollback(Context(ADA, services), "tickets")
