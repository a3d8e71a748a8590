"""The gate on the cards: frozen before training, promoted by, and overridden by two people with a reason."""

from __future__ import annotations

import time

import pytest

from bot.door import Door
from bot.sandbox.cast import ADA, GRACE, LINUS
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.reading import text_of
from tests.bot.acts import drop, judged, labels, queued_job, take, trained, until
from tests.gateway.doorway import add_model, point
from trainer.evals.gate import GateSpec
from trainer.services import Services
from trainer.settings import Settings

WHY = "The old one fails for *everybody* <!channel> today."


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Two people may approve; Linus may not train."""
    return settings.model_copy(update={"approvers": (ADA, GRACE)})


def evaluated(
    services: Services, ada: Person, channel: str, verdict: str, code: str, holder: str = ""
) -> tuple[str, str]:
    """A thread with a trained model and its verdict: (thread, model)."""
    ts, job = queued_job(services, ada, channel)
    model = trained(services, take(services, job))
    ada.wait_for_text(channel, ts, "Training finished")
    judge(services, ada, channel, ts, verdict, code, holder)
    return ts, model


def judge(
    services: Services,
    ada: Person,
    channel: str,
    ts: str,
    verdict: str,
    code: str,
    holder: str = "",
    *,
    words: str = "evaluate",
) -> None:
    before = {job.id for job in services.jobs.list()}
    ada.say(channel, words, thread_ts=ts)
    job = until(lambda: [j for j in services.jobs.list(open_only=True) if j.kind == "eval" and j.id not in before])[0]
    judged(services, take(services, job), verdict, code, holder)
    ada.wait_for_text(channel, ts, f"{verdict} – ")


def test_the_gate_stands_on_the_card_before_anything_is_trained(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    ts, _ = drop(ada, channel)
    ada.say(channel, "train with gate effect=3 % alias=gated suites=refusal-twins few-shot=2, 2 epochs", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "Train a model")
    words = text_of(card)
    assert "The gate" in words and "beats the base and whatever gated serves by then" in words
    assert "by 3 points or more" in words and "for each twin alone" in words and "the base with 2 examples" in words
    assert "test rows" in words and "are needed" in words

    row = services.approvals.get(_approval(card))
    assert row.subject["spec"]["epochs"] == 2
    assert GateSpec(**row.subject["gate"]).digest == row.subject["gate_digest"]
    ada.press(channel, card["ts"], "approval_approve")
    decided = ada.wait_for_text(channel, ts, "Approved")
    assert "The gate" in text_of(decided)  # it stays to be read
    job = services.jobs.get(services.threads.topic({"channel": channel, "thread_ts": ts}).job_id or "")
    assert job.spec["gate"] == row.subject["gate"] and job.spec["registered"]["approval"] == row.id


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("train with gate efect=3%", "Did you mean effect"),
        ("train with gate suites=refusal-twin", "Did you mean refusal-twins"),
        ("sweep with gate effect=3%", "keeps no model"),
        ("train with gate primary=exact_mach", "exact_mach"),
    ],
)
def test_a_gate_that_cannot_be_is_told_before_anybody_is_asked(
    bot: Door, services: Services, ada: Person, channel: str, words: str, says: str
) -> None:
    ts, _ = drop(ada, channel)
    before = len(services.approvals.pending())
    ada.say(channel, words, thread_ts=ts)
    ada.wait_for_text(channel, ts, says)
    assert len(services.approvals.pending()) == before


def test_a_promotion_is_refused_until_it_was_compared_with_what_serves(
    bot: Door, services: Services, ada: Person, channel: str
) -> None:
    add_model(services, "ft:tiny-base:mine:old:1")
    point(services, "held", "ft:tiny-base:mine:old:1", expected=0)
    ts, model = evaluated(services, ada, channel, "PASS", "better")
    ada.say(channel, "promote to held", thread_ts=ts)
    ada.wait_for_text(channel, ts, "held serves ft:tiny-base:mine:old:1 now; this evaluation did not compare")
    words = f"evaluate {model} against held"  # as the refusal says
    judge(services, ada, channel, ts, "PASS", "better", "ft:tiny-base:mine:old:1", words=words)
    assert any(job.spec.get("alias") == "held" for job in services.jobs.list() if job.model_id == model)
    until(lambda: len([m for m in ada.replies(channel, ts) if "PASS – " in text_of(m)]) == 2)
    ada.say(channel, "promote to held", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "Promote a model")
    assert "registered before training" in text_of(card)


def test_two_people_override_with_a_reason_that_stays(
    bot: Door, services: Services, ada: Person, grace: Person, driver: SandboxDriver, channel: str
) -> None:
    ts, model = evaluated(services, ada, channel, "FAIL", "forgot")
    ada.say(channel, "promote to urgent", thread_ts=ts)
    refused = ada.wait_for_text(channel, ts, "gate said FAIL")
    assert labels(refused) == ["Override…"]
    ada.press(channel, refused["ts"], "model_override")
    assert ada.wait_for_view()["callback_id"] == "override_gate"
    assert ada.submit({"override_reason": "why  not ? "})["response_action"] == "errors"
    ada.submit({"override_reason": WHY})
    card = ada.wait_for_text(channel, ts, "Override the gate")
    assert "Signed: 1 of 2" in text_of(card) and f"<@{ADA}>" in text_of(card)
    assert "<!channel>" not in str(card["blocks"])  # &lt;!channel&gt; is what Slack is given
    ada.press(channel, card["ts"], "approval_approve")
    ada.wait_for_ephemeral(channel, "signed this already")
    driver.click_forged(LINUS, "approval_approve", _approval(card), channel=channel, ts=card["ts"])
    time.sleep(0.3)
    assert services.aliases.find("urgent") is None

    grace.press(channel, card["ts"], "approval_approve")
    moved = grace.wait_for_text(channel, ts, "now answers with")
    assert services.aliases.get("urgent").model_id == model
    signed = ada.wait_for_text(channel, ts, "Signed: 2 of 2")
    for told in (moved, signed):
        assert f"<@{ADA}>" in text_of(told) and f"<@{GRACE}>" in text_of(told) and "everybody" in text_of(told)
    ada.say(channel, "show the evaluation", thread_ts=ts)
    shown = ada.wait_for_text(channel, ts, "Overridden")

    ada.press(channel, shown["ts"], "model_retrain")
    again = services.approvals.get(_approval(ada.wait_for_text(channel, ts, "replay 100")))
    job = services.jobs.get(services.models.get(model).job_id)
    assert again.subject["gate_digest"] == job.spec["registered"]["digest"]  # judged as the first one was


def test_who_only_says_it_has_not_signed_and_a_half_signed_card_says_so(
    bot: Door, services: Services, ada: Person, grace: Person, channel: str
) -> None:
    ts, _ = evaluated(services, ada, channel, "INCONCLUSIVE", "not_shown")
    ada.say(channel, "override to said because the release cannot wait any longer", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "Override the gate")
    assert "Signed: 0 of 2" in text_of(card) and "the release cannot wait any longer" in text_of(card)
    grace.press(channel, card["ts"], "approval_approve")
    half = ada.wait_for_text(channel, ts, "Signed: 1 of 2")
    assert half["ts"] == card["ts"] and labels(half) == ["Approve", "Reject"]
    assert services.aliases.find("said") is None
    ada.press(channel, card["ts"], "approval_reject")
    ada.wait_for_text(channel, ts, "Rejected")
    assert services.aliases.find("said") is None

    judge(services, ada, channel, ts, "FAIL", "contaminated")
    ada.say(channel, "override to said because the release cannot wait any longer", thread_ts=ts)
    ada.wait_for_text(channel, ts, "no evidence at all")


def _approval(card: dict) -> str:
    return next(e["value"] for b in card["blocks"] if b["type"] == "actions" for e in b["elements"])
