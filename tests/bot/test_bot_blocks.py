"""Cards hold Slack's limits whatever is put into them, and nothing in them is alive that is not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.blocks import alias, approval, dataset, dataset_fix, dataset_views, evaluation, job, milestone, note
from bot.blocks.kit import Card
from bot.blocks.mrkdwn import clip, code, esc, from_markdown, name, person
from bot.sandbox.limits import check_blocks, check_view
from bot.sandbox.settings import Settings
from bot.versions import Shown as Change
from tests.bot.acts import report as eval_report
from trainer.data.log import Findings
from trainer.errors import BadInput
from trainer.store.tables import Approval, Dataset, Evaluation, Job
from trainer.types import CheckReport, Finding, JobStatus, Severity, Verdict

HUGE = "<!channel> & <@U0GRACE001> *b* `c` " * 2000
MANY = tuple(Finding(n, f"code_{n % 200}", Severity.ERROR, HUGE, HUGE) for n in range(1, 501))


def checked(**changes: Any) -> CheckReport:
    stats = {"answer_chars": {"min": 1, "p50": 5, "max": 9}, "messages_per_row": 2.0, "estimated_tokens": 10**12}
    made = CheckReport(
        Verdict.WARNINGS, "openai-chat", 10**9, 10**9 - 5, Findings(MANY), 10**12, "0", "0", 10**8, stats=stats
    )
    return replace(made, **changes)


def a_dataset() -> Dataset:
    return Dataset(id="file-x", filename=HUGE[:255], accepted=1, rows=1, verdict="good", version=1, kind="chat")


def a_version() -> Dataset:
    change = {"kind": "fix", "applied": {f"{HUGE[:300]}{n}": 10**9 for n in range(60)}, "quarantined": 10**9}
    return Dataset(id="file-y", filename=HUGE[:255], version=2, parent_id="file-x", change=change)


NO_ROWS: dict[str, Any] = {"verdict": Verdict.BROKEN, "accepted": 0, "stats": {}}


def an_approval(kind: str, **changes: Any) -> Approval:
    spec = {"method": "lora", "base": HUGE, "epochs": 3.0, "seed": 1, "replay": 1.0}
    made = {
        "seconds": 9e9,
        "memory_bytes": 1e15,
        "cost_usd": 1e9,
        "trainable_params": 1,
        "total_params": 2,
        "basis": HUGE,
    }
    subject = {"spec": spec, "estimate": made, "split": None}
    moving = {"alias": "a" * 63, "model_id": "ft:" + "m" * 250, "previous": HUGE}
    given = {"status": "pending", "requested_by": "U0ADA00001", "decided_by": None, "decided_at": None} | changes
    return Approval(id="appr-x", kind=kind, subject=subject if kind == "train" else moving, **given)


def an_evaluation(verdict: str = "PASS") -> Evaluation:
    report = eval_report(verdict, "forgot")
    report["reasons"] = [HUGE] * 50
    report["metrics"] = {f"{HUGE[:300]}{n}": report["metrics"]["exact_match"] for n in range(50)}
    return Evaluation(id="eval-x", model_id="ft:x", verdict=verdict, report=report)


def a_job(status: JobStatus, kind: str = "train", **changes: Any) -> Job:
    given = {
        "id": "ftjob-x",
        "kind": kind,
        "status": status.value,
        "spec": {"method": "lora", "base": HUGE},
        "model_id": HUGE[:255],
        "owner": "U0ADA00001",
        "fence": 2,
        "cancel_requested": False,
        "started_at": 1.0,
        "finished_at": 99.0,
        "trained_tokens": 10**12,
        "error": {"message": HUGE},
        "result": {"model_id": "ft:" + "m" * 250, "verdict": HUGE, "steps": 10**9, "val_loss": 0.1},
    }
    return Job(**(given | changes))


PROGRESS = {"stage": HUGE, "step": 5, "total_steps": 3, "loss": 1e30, "eta_s": 1e9, "tokens_per_s": 1e12, "note": HUGE}
CARDS: dict[str, Card] = {
    "answer": note.answer(HUGE * 3, HUGE),
    "error": note.error(BadInput(HUGE, fix=HUGE)),
    "report": dataset.report(HUGE, checked(), a_dataset()),
    "broken report": dataset.report(HUGE, checked(verdict=Verdict.BROKEN, accepted=0, rows=0, stats={}), None),
    "refused": dataset.refused(HUGE, BadInput(HUGE, fix=HUGE)),
    "columns": dataset.report(HUGE, checked(**NO_ROWS, mapping={"prompt": HUGE, "completion": "b"}), a_dataset()),
    "mended": dataset_fix.mended(a_dataset(), a_version(), {HUGE: 3, "b": 2}, [Change(1, (HUGE,), HUGE, HUGE)] * 9),
    "train request": approval.asked(an_approval("train"), a_dataset()),
    "promotion request": approval.asked(an_approval("promote"), None, an_evaluation()),
    "decided": approval.decided(an_approval("train", status="approved", decided_by="cli:root", decided_at=9.0), None),
    "evaluation": evaluation.shown(an_evaluation()),
    "refusal": evaluation.shown(an_evaluation("FAIL")),
    "running": job.living(a_job(JobStatus.RUNNING), PROGRESS),
    "succeeded": job.living(a_job(JobStatus.SUCCEEDED), {}),
    "eval succeeded": job.living(a_job(JobStatus.SUCCEEDED, "eval"), {}),
    "failed": job.living(a_job(JobStatus.FAILED), {}),
    "final": milestone.trained(a_job(JobStatus.SUCCEEDED)),
    "final failed": milestone.failed(a_job(JobStatus.FAILED)),
    "cancelled": milestone.cancelled(a_job(JobStatus.CANCELLED), HUGE),
    "moved": alias.moved({"alias": "a" * 63, "model_id": HUGE, "revision": 1, "previous": "x"}),
}


@pytest.mark.parametrize("kind", CARDS)
def test_slack_takes_it_whatever_it_holds(kind: str) -> None:
    card = CARDS[kind]
    assert check_blocks(card.blocks, Settings())
    assert 0 < len(card.text) <= 3_500


@pytest.mark.parametrize("kind", CARDS)
def test_nothing_in_it_calls_anybody(kind: str) -> None:
    wire = json.dumps([b for b in CARDS[kind].blocks if b["type"] not in ("rich_text", "table")])
    assert "<!channel" not in wire and "<@U0GRACE" not in wire
    assert "<!channel" not in CARDS[kind].text and "<@U0GRACE" not in CARDS[kind].text


@pytest.mark.parametrize("kind", [k for k in CARDS if "request" in k])
def test_buttons_carry_the_requests_id_and_nothing_else(kind: str) -> None:
    buttons = [e for b in CARDS[kind].blocks if b["type"] == "actions" for e in b["elements"]]
    assert {b["value"] for b in buttons} == {"appr-x"}
    assert {b["action_id"] for b in buttons} == {"approval_approve", "approval_reject"}


def test_the_modal_is_one_that_slack_opens() -> None:
    view = alias.modal("ft:" + "m" * 250, {"channel": "C1", "thread_ts": "1.2"}, "tickets")
    assert check_view(view, Settings())


def test_escapes() -> None:
    assert esc("<!channel> & co") == "&lt;!channel&gt; &amp; co"
    assert esc("a\u202eb\x00c") == "abc"
    assert clip("ab&lt;cd", 5) == "ab…"
    assert code("a`b\nc") == "`aˋb c`"
    assert person("U0ADA00001") == "<@U0ADA00001>" and person("U1> <!here") == "`U1&gt; &lt;!here`"
    assert "<" not in name("<!here>.jsonl")


def test_markdown_becomes_mrkdwn_without_live_links() -> None:
    made = from_markdown("# Plan\n- **bold** [x](https://evil.example)\n<https://evil.example|y>")
    assert made == "*Plan*\n• *bold* x (https://evil.example)\n&lt;https://evil.example|y&gt;"


def test_modals_of_a_dataset_are_taken_whatever_its_columns_are_called() -> None:
    where = {"channel": "C0FINETUNE", "thread_ts": "1.0", "ts": "1.0"}
    names = [f"{HUGE[:300]}{n}" for n in range(150)]
    columns = dataset_views.columns(a_dataset(), names, {"prompt": names[0], "completion": names[140]}, where)
    assert check_view(columns, Settings()) and check_view(dataset_views.split(a_dataset(), where), Settings())
    assert "100 of 150" in json.dumps(columns)
