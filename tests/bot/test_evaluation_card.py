"""The verdict in Slack: everybody's figures, what came after, the whole report as a file, and reports of old."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.blocks import evaluation
from bot.blocks.kit import Card
from bot.door import Door
from bot.sandbox.driver import Person
from bot.sandbox.limits import check_blocks
from bot.sandbox.reading import text_of
from bot.sandbox.settings import Settings
from tests.bot.acts import labels, queued_job, take, trained, until
from tests.trainer.evals.reports import FOUR, old_style, report
from tools.evaluation_report import Beside
from trainer.evals.case import Contestant
from trainer.evals.outcome import EvalReport
from trainer.services import Services
from trainer.store.tables import Evaluation

HUGE = "<!channel> & <@U0GRACE001> *b* `c` " * 200


def a_row(made: EvalReport | dict[str, Any], **columns: Any) -> Evaluation:
    kept = made if isinstance(made, dict) else made.to_dict()
    given = {"id": "eval-x", "model_id": "ft:x", "verdict": kept["verdict"]} | columns
    return Evaluation(report=kept, **given)


def words_of(card: Card) -> str:
    return text_of({"text": card.text, "blocks": card.blocks})


def table_of(card: Card) -> list[list[str]]:
    (found,) = [b for b in card.blocks if b["type"] == "table"]
    return [[cell["text"] for cell in line] for line in found["rows"]]


def test_everybody_stands_in_the_table_the_base_first() -> None:
    head, first, second, third = table_of(evaluation.shown(a_row(report())))
    assert head == ["Metric", "Base", "Base + 4 examples", "Alias's model", "Tuned", "Difference", "n"]
    assert first[0] == "exact match" and first[4] == "95.0 % (90.0 to 100.0)" and first[-1] == "80"
    assert second[0] == "latency (lower is better)" and second[5] == "-0.4 s (-0.45 to -0.35), better"
    assert third[0] == "old-skills: exact match"


def test_the_verdict_comes_first_and_the_rest_follows() -> None:
    beside = Beside(("12 of 20 questions went to it.",), "Promoted against the gate; signed by Ada and Grace: “Demo.”")
    said = words_of(evaluation.shown(a_row(report("FAIL", "forgot")), beside))
    places = [
        said.index(part)
        for part in (
            "FAIL – it must not be promoted",
            "signed by Ada and Grace",
            "Of 60 old skills' rows 58 are kept.",
            "76 won, 0 lost, 4 equal",
            "old-skills/task=sums: 18 of 20 kept",
            "It only advises: κ 0.42",
            "12 of 20 questions went to it.",
            "stop here",
            "registered before training (digest",
        )
    ]
    assert places == sorted(places)


def test_contestants_beyond_eight_columns_are_left_to_the_page() -> None:
    many = (*FOUR[:3], Contestant("rival-1", "m1"), Contestant("rival-2", "m2"), FOUR[3])
    head = table_of(evaluation.shown(a_row(report(contestants=many))))[0]
    assert len(head) <= 8 and head[-3] == "Tuned"


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
def test_slack_takes_a_report_full_of_hostile_words(verdict: str) -> None:
    made = report(verdict, reasons=(HUGE,) * 40, notes=(HUGE,) * 40)
    findings = tuple(replace(f, reason=HUGE, suite=HUGE) for f in made.findings * 9)
    judges = tuple(replace(j, model=HUGE, benched=HUGE, warnings=(HUGE,) * 9) for j in made.judges * 9)
    duels = tuple(replace(c, suite="test", against=HUGE) for c in made.comparisons * 20)
    row = a_row(replace(made, findings=findings, judges=judges, comparisons=duels))
    card = evaluation.shown(row, Beside((HUGE,) * 20, HUGE))
    assert check_blocks(card.blocks, Settings())
    wire = json.dumps([b for b in card.blocks if b["type"] != "table"])
    assert "<!channel" not in wire + card.text and "<@U0GRACE" not in wire + card.text
    assert "Full report" in words_of(card)


def test_a_report_of_old_is_shown_like_a_new_one() -> None:
    card = evaluation.shown(a_row(old_style("PASS")))
    assert table_of(card)[0] == ["Metric", "Base", "Tuned", "Difference", "n"]
    assert "58 of 60 that the base has right are kept" in words_of(card) and "not registered" in words_of(card)


def test_a_report_that_nobody_can_read_still_tells_its_verdict() -> None:
    row = a_row({"verdict": "FAIL", "reasons": ["It forgot."], "metrics": "gone"})
    assert "It forgot." in words_of(evaluation.shown(row)) and "FAIL" in words_of(evaluation.shown(row))


def test_the_whole_report_is_uploaded_once(bot: Door, services: Services, ada: Person, channel: str) -> None:
    ts, job = queued_job(services, ada, channel)
    model = trained(services, take(services, job))
    ada.wait_for_text(channel, ts, "Training finished")
    kept = report("INCONCLUSIVE").to_dict()
    kept["rows_sha256"] = services.blobs.put_bytes(json.dumps(kept.pop("rows")).encode())
    add(services, model, "eval-new", kept)
    ada.say(channel, "show evaluation", thread_ts=ts)
    card = ada.wait_for_text(channel, ts, "INCONCLUSIVE – the evidence")
    assert {"Evaluate again", "Full report"} <= set(labels(card))
    ada.press(channel, card["ts"], "evaluation_report")
    files = until(lambda: [f for m in ada.replies(channel, ts) for f in m.get("files", []) if "eval" in f["name"]])
    page = ada.download(files[0]).decode()
    assert page.startswith("<!doctype html>") and "line-4" in page and model in page
    assert "pairs.jsonl" in page and "training.epochs" in page and "/nowhere" not in page
    ada.press(channel, card["ts"], "evaluation_report")
    ada.wait_for_ephemeral(channel, "in this thread already")


def add(services: Services, model: str, evaluation_id: str, kept: dict[str, Any]) -> None:
    row = Evaluation(id=evaluation_id, job_id=evaluation_id, model_id=model, dataset_id="d", created_at=1.0)
    row.verdict, row.report = kept["verdict"], kept
    with services.db.write() as session:
        session.add(row)
