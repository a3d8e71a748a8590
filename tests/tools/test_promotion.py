"""Asking for what users get: what is refused before anybody is bothered, and what two people may override."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.doorway import add_model, point
from tests.tools.test_cli import Terminal
from tools import approvals, promotion, sentences
from tools.context import APPROVER, TRAINER, Caller, Context, terminal_caller
from tools.promotion import overrides_of, request, request_override, request_rollback
from trainer.errors import BadInput, Conflict, Forbidden, TunesmithError
from trainer.services import Services
from trainer.settings import Settings
from trainer.store.tables import Approval, Evaluation, Model
from trainer.types import JobKind

OLD, TUNED = "ft:mine:local::00000000", "ft:mine:local::11111111"
ADA = Caller("U0ADA", "Ada", frozenset({TRAINER}), "local")
GRACE = Caller("U0GRACE", "Grace", frozenset({TRAINER, APPROVER}), "local")
HEDY = replace(GRACE, user="U0HEDY", name="Hedy")
DIGEST = "ab" * 32
WHY = "The old one fails for everybody today."


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"approvers": ("U0GRACE", "U0HEDY")})


@pytest.fixture
def house(services: Services) -> Services:
    """A tuned model that was trained under a registered gate, and an alias that serves another one."""
    for model in (OLD, TUNED):
        add_model(services, model)
        train_job(services, model, {"digest": DIGEST})
    point(services, "tickets", OLD, expected=0)
    return services


def train_job(services: Services, model: str, registered: dict[str, Any]) -> None:
    with services.db.write() as session:
        spec = {"registered": registered} if registered else {}
        job = services.jobs.add(
            session,
            JobKind.TRAIN,
            spec=spec,
            dataset_id="file-1",
            owner="U0ADA",
            team="local",
            origin={},
            approval_id=None,
        )
        session.query(Model).filter(Model.id == model).update({"job_id": job.id})


def judge(
    services: Services, verdict: str = "PASS", code: str = "better", holder: str = OLD, gate: str = DIGEST
) -> str:
    """An evaluation of the tuned model, newer than any other; its id."""
    contestants = [{"key": "base", "model": "tiny-base"}, {"key": "candidate", "model": TUNED}]
    contestants += [{"key": "holder", "model": holder}] if holder else []
    report = {"reasons": ["It is."], "code": code, "contestants": contestants, "registered": {"digest": gate}}
    with services.db.write() as session:
        number = session.query(Evaluation).count()
        row = Evaluation(
            id=f"eval-{number}",
            job_id=f"evaljob-{number}",
            model_id=TUNED,
            dataset_id="file-1",
            verdict=verdict,
            report=report,
            created_at=1_700_000_000.0 + number,
        )
        session.add(row)
    return row.id


def by(caller: Caller, services: Services) -> Context:
    return Context(caller, services)


@pytest.mark.parametrize("base", ["tiny-base", "/models/mine"])
def test_after_the_first_promotion_a_rollback_leads_only_to_a_base_that_can_be_called(
    services: Services, base: str
) -> None:
    add_model(services, TUNED)
    with services.db.write() as session:
        session.query(Model).update({"base": base})
    point(services, "tickets", TUNED, expected=0)

    if base == "tiny-base":
        assert request_rollback(Context(GRACE, services), "tickets").subject["model_id"] == base
    else:
        with pytest.raises(Conflict, match="TUNESMITH_BASE_FOLDERS"):
            request_rollback(Context(GRACE, services), "tickets")


def test_a_pass_that_was_compared_with_what_serves_is_asked_for(house: Services) -> None:
    judge(house)
    subject = request(by(ADA, house), TUNED, "tickets").subject
    assert (subject["previous"], subject["gate_digest"]) == (OLD, DIGEST)


@pytest.mark.parametrize("holder", ["", "ft:mine:local::22222222"])
def test_a_pass_that_did_not_compare_with_what_serves_now_is_refused(house: Services, holder: str) -> None:
    judge(house, holder=holder)
    with pytest.raises(Conflict, match=f"tickets serves {OLD} now.*`evaluate {TUNED} against tickets`") as caught:
        request(by(ADA, house), TUNED, "tickets")
    assert caught.value.code == "holder_not_compared"
    assert request(by(ADA, house), TUNED, "another").subject["previous"] is None  # which serves nothing yet


def test_an_alias_that_serves_the_base_was_compared_with_it(house: Services) -> None:
    point(house, "tickets", "tiny-base", expected=1)
    judge(house, holder="")
    assert request(by(ADA, house), TUNED, "tickets").subject["previous"] == "tiny-base"


def test_another_base_is_compared_by_its_name(house: Services, tmp_path: Path) -> None:
    (tmp_path / "large-base").mkdir()
    (tmp_path / "large-base" / "config.json").touch()
    house = replace(house, settings=house.settings.model_copy(update={"base_folders": (str(tmp_path),)}))
    point(house, "tickets", "large-base", expected=1)
    judge(house, holder="")
    with pytest.raises(Conflict, match=r"`evaluate .* against tickets`"):
        request(by(ADA, house), TUNED, "tickets")
    with pytest.raises(Conflict, match=r"`evaluate .* against tickets`"):
        request_override(by(ADA, house), TUNED, "tickets", WHY)
    judge(house, holder="large-base")
    assert request(by(ADA, house), TUNED, "tickets").subject["previous"] == "large-base"


def test_another_base_that_cannot_be_compared_takes_two_people(house: Services) -> None:
    point(house, "tickets", "large-base", expected=1)
    judge(house, holder="")
    with pytest.raises(Conflict, match=r"No model or base of that name.*two approvers"):
        request(by(ADA, house), TUNED, "tickets")
    asked = request_override(by(ADA, house), TUNED, "tickets", WHY)
    assert asked.subject["verdict"] == "PASS" and asked.subject["holder_compared"] is False


@pytest.mark.parametrize("gate", ["cd" * 32, ""])
def test_a_verdict_by_another_gate_than_the_registered_one_promotes_nothing(house: Services, gate: str) -> None:
    judge(house, gate=gate)
    with pytest.raises(Conflict, match="chosen before training") as caught:
        request(by(ADA, house), TUNED, "tickets")
    assert caught.value.code == "another_gate"


def test_a_model_from_before_gates_can_still_be_promoted(house: Services) -> None:
    train_job(house, TUNED, {})
    judge(house, gate="")
    assert request(by(ADA, house), TUNED, "tickets").subject["gate_digest"] == ""


@pytest.mark.parametrize("verdict", ["FAIL", "INCONCLUSIVE"])
def test_two_approvers_override_a_verdict_and_it_stays_to_be_read(house: Services, verdict: str) -> None:
    evaluation = judge(house, verdict, "forgot")
    with pytest.raises(Conflict, match="override") as caught:
        request(by(ADA, house), TUNED, "tickets")
    assert caught.value.code == promotion.REFUSED

    asked = request_override(by(ADA, house), TUNED, "tickets", f'"{WHY}"', signed=True)
    assert asked.signatures == []  # Ada is no approver: asking is no signature
    first = approvals.decide(by(GRACE, house), asked.id, approve=True)
    assert first.approval.status == "pending" and not first.moved
    assert house.aliases.get("tickets").model_id == OLD
    with pytest.raises(Forbidden, match="signed this already"):
        approvals.decide(by(GRACE, house), asked.id, approve=True)
    approvals.decide(by(HEDY, house), asked.id, approve=True)

    assert house.aliases.get("tickets").model_id == TUNED
    [kept] = overrides_of(house, evaluation)
    assert promotion.told(kept) == (
        f"Promoted against the gate, which said {verdict}; signed by U0GRACE and U0HEDY: “{WHY}”"
    )
    assert promotion.told(kept) in sentences.models(by(ADA, house))
    log = [(line.actor, line.action) for line in house.audit.list() if line.action.startswith("override")]
    assert sorted(log) == sorted(
        [
            ("U0ADA", "override.requested"),
            ("U0GRACE", "override.signed"),
            ("U0HEDY", "override.signed"),
            ("U0HEDY", "override.approved"),
        ]
    )
    last = next(line for line in house.audit.list() if line.action == "override.approved")
    assert last.data["reason"] == WHY and last.data["signed_by"] == ["U0GRACE", "U0HEDY"]
    assert house.audit.verify() is None


def test_an_override_is_told_of_the_alias_until_something_else_is_promoted(house: Services) -> None:
    judge(house, "FAIL", "forgot")
    asked = request_override(by(GRACE, house), TUNED, "tickets", WHY, signed=True)
    approvals.decide(by(HEDY, house), asked.id, approve=True)  # Grace signed by asking
    found = promotion.override_behind(house, "tickets", TUNED)
    assert found is not None and found.id == asked.id
    assert promotion.override_behind(house, "tickets", OLD) is None

    for model in (OLD, TUNED):  # back and forth: how the model came here first is what counts
        back = request_rollback(by(ADA, house), "tickets")
        approvals.decide(by(HEDY, house), back.id, approve=True)
        assert house.aliases.get("tickets").model_id == model
    again = promotion.override_behind(house, "tickets", TUNED)
    assert again is not None and again.id == asked.id

    point(house, "tickets", OLD, expected=4)
    judge(house)
    passed = request(by(ADA, house), TUNED, "tickets")
    approvals.decide(by(HEDY, house), passed.id, approve=True)
    assert promotion.override_behind(house, "tickets", TUNED) is None


def test_the_requester_who_approves_signs_by_asking_in_person_and_never_through_an_agent(house: Services) -> None:
    judge(house, "FAIL", "forgot")
    through_agent = request_override(by(GRACE, house), TUNED, "tickets", WHY)
    assert through_agent.signatures == []
    assert approvals.decide(by(GRACE, house), through_agent.id, approve=True).approval.status == "pending"

    in_person = request_override(by(GRACE, house), TUNED, "tickets", WHY, signed=True)
    with pytest.raises(Forbidden, match="signed this already"):
        approvals.decide(by(GRACE, house), in_person.id, approve=True)
    with pytest.raises(Forbidden, match="approver role"):
        approvals.decide(by(ADA, house), in_person.id, approve=True)
    assert house.aliases.get("tickets").model_id == OLD


def test_a_reason_is_needed(house: Services) -> None:
    judge(house, "FAIL", "forgot")
    for why in ("", "too short", "x" * 501, "   \n\t  ", "\u202e" * 30):
        with pytest.raises(BadInput, match="reason"):
            request_override(by(ADA, house), TUNED, "tickets", why)


def test_without_evidence_or_need_there_is_nothing_to_override(house: Services) -> None:
    with pytest.raises(Conflict, match="not been evaluated"):
        request_override(by(ADA, house), TUNED, "tickets", WHY)
    judge(house, "FAIL", "contaminated")
    with pytest.raises(Conflict, match="no evidence at all"):
        request_override(by(ADA, house), TUNED, "tickets", WHY)
    with pytest.raises(Conflict, match="gate said FAIL") as refused:
        request(by(ADA, house), TUNED, "tickets")
    assert "override" not in str(refused.value)
    judge(house)
    with pytest.raises(Conflict, match="nothing to override"):
        request_override(by(ADA, house), TUNED, "tickets", WHY)


def half_signed(house: Services) -> Approval:
    judge(house, "FAIL", "forgot")
    asked = request_override(by(ADA, house), TUNED, "tickets", WHY)
    return approvals.decide(by(GRACE, house), asked.id, approve=True).approval


def _evaluated_again(house: Services, row: Approval) -> None:
    judge(house, "FAIL", "forgot")


def _reason_altered(house: Services, row: Approval) -> None:
    with house.db.write() as session:
        found = session.get_one(Approval, row.id)
        found.subject = found.subject | {"reason": "because I say so"}


def _alias_moved(house: Services, row: Approval) -> None:
    point(house, "tickets", "tiny-base", expected=1)


def _expired(house: Services, row: Approval) -> None:
    with house.db.write() as session:
        session.get_one(Approval, row.id).expires_at = 1.0


def _rejected(house: Services, row: Approval) -> None:
    approvals.decide(by(HEDY, house), row.id, approve=False)


@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [
        (_evaluated_again, "evaluation_changed"),
        (_reason_altered, "altered"),
        (_alias_moved, "alias_moved"),
        (_expired, "expired"),
        (_rejected, "already_decided"),
    ],
)
def test_the_second_signature_meets_the_same_rules_as_any_approval(house: Services, meanwhile: Any, code: str) -> None:
    row = half_signed(house)
    meanwhile(house, row)
    with pytest.raises(TunesmithError) as caught:
        approvals.decide(by(HEDY, house), row.id, approve=True)
    assert caught.value.code == code
    assert house.aliases.get("tickets").model_id in (OLD, "tiny-base")
    assert len(house.approvals.get(row.id).signatures) == 1  # nothing of it happened


def test_a_signature_of_somebody_who_is_no_approver_any_more_counts_for_nothing(house: Services) -> None:
    row = half_signed(house)
    later = replace(house, settings=house.settings.model_copy(update={"approvers": ("U0HEDY",)}))
    with pytest.raises(Conflict, match="no approver any more"):
        approvals.decide(by(HEDY, later), row.id, approve=True)
    assert house.aliases.get("tickets").model_id == OLD


def test_many_presses_at_once_are_one_signature_of_each(house: Services) -> None:
    judge(house, "FAIL", "forgot")
    asked = request_override(by(ADA, house), TUNED, "tickets", WHY)

    def press(caller: Caller) -> str:
        try:
            return approvals.decide(by(caller, house), asked.id, approve=True).approval.status
        except TunesmithError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        came = sorted(pool.map(press, [GRACE, GRACE, GRACE, HEDY, HEDY, HEDY]))
    assert came.count("approved") == 1 and came.count("pending") == 1
    assert sorted(promotion.signers(house.approvals.get(asked.id))) == ["U0GRACE", "U0HEDY"]
    assert house.aliases.get("tickets").revision == 2


def test_at_a_terminal_typing_it_is_the_first_signature(house: Services, settings: Settings) -> None:
    judge(house, "FAIL", "forgot")
    me = terminal_caller(settings).user
    terminal = Terminal(settings.home)
    terminal.env |= {"TUNESMITH_APPROVERS": f"{me},U0HEDY"}
    refused = terminal.quick("promote", TUNED, "--alias", "tickets", code=1)["error"]
    assert refused["code"] == promotion.REFUSED and f"override {TUNED} to tickets because" in refused["message"]

    asked = terminal.quick("promote", TUNED, "--alias", "tickets", "--override", WHY)
    assert (asked["kind"], asked["signed_by"], asked["status"]) == ("override", [me], "pending")
    assert terminal.quick("approve", asked["id"], code=1)["error"]["code"] == "already_signed"
    allowed = replace(house, settings=settings.model_copy(update={"approvers": (me, "U0HEDY")}))
    approvals.decide(by(HEDY, allowed), asked["id"], approve=True)
    told = terminal.quick("alias", "tickets")
    assert told["override"] == {
        "request": asked["id"],
        "verdict": "FAIL",
        "reason": WHY,
        "signed_by": [me, "U0HEDY"],
    }
