"""Judges at a terminal: asked about an evaluation, held against votes, and read again for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.augment_llm import KEY, AugmentLLM
from tests.evaluated import evaluated
from tests.tools.test_cli import Terminal
from tests.trainer.evals.judges.benches import CONTESTANTS, bench, honest, judged, rows
from tools import polls
from tools.context import Context, terminal_caller
from trainer.evals.outcome import Contamination, EvalReport
from trainer.services import Services, build_services
from trainer.settings import load_settings
from trainer.store.tables import Evaluation
from trainer.types import GateVerdict


@pytest.fixture
def llm() -> Iterator[AugmentLLM]:
    with bench(honest) as server:
        yield server


@pytest.fixture
def here(tmp_path: Path, llm: AugmentLLM) -> Terminal:
    made = Terminal(tmp_path / "home")
    made.env |= {
        "TUNESMITH_JUDGE_BASE_URL": llm.url,
        "TUNESMITH_JUDGE_API_KEY": KEY,
        "TUNESMITH_JUDGE_MODEL": "arbiter-1",
    }
    return made


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with build_services(load_settings(home=tmp_path / "home"), migrate=True) as built:
        yield built


def whole(services: Services, report: EvalReport) -> Evaluation:
    """An evaluation as its job leaves it: figures in the row, answers in a blob."""
    value = report.to_dict()
    row = evaluated(services, value.pop("rows"))
    with services.db.write() as session:
        kept = session.get_one(Evaluation, row.id)
        kept.report = value | {"rows_sha256": kept.report["rows_sha256"]}
    return row


def report(n: int, **more: object) -> EvalReport:
    figures = {"metrics": {}, "regression": None, "slices": {}, "contamination": Contamination(checked=True)}
    sizes = {"minimum_detectable_effect": 0.5, "more_test_rows": None, "more_regression_rows": None}
    given = {"candidate": "candidate", "verdict": GateVerdict.PASS, "code": "better", "reasons": (), "gate": {}}
    known = {"test_rows": n, "rows": tuple(rows(n)), "contestants": CONTESTANTS}
    return EvalReport(**given, **figures, **sizes, **known, **more)  # type: ignore[arg-type]


def test_a_judge_is_held_against_votes_and_asked_once(here: Terminal, services: Services, llm: AugmentLLM) -> None:
    row = whole(services, report(4))
    me = Context(terminal_caller(services.settings), services)
    poll = polls.ask(me, row.id, needed=1)
    for number in range(4):
        polls.cast(me, poll, number, "A" if "right" in polls.question(me, poll, number).a else "B")
    said = here.quick("judge", "calibrate", row.id, code=1)
    again = here.quick("judge", "calibrate", row.model_id, "--rows", "4", code=1)
    assert (said["wins"], said["labels"], said["advisory"]) == (4, 4, True) and again == said
    assert len(llm.asked) == 8 and KEY not in json.dumps(said)


def test_what_a_judge_said_is_shown_with_its_reasons(here: Terminal, services: Services, llm: AugmentLLM) -> None:
    judges = (judged(llm, services.db, rows(3)),)
    row = whole(services, report(3, judges=judges))
    found = here.quick("judge", "show", row.id)["judges"][0]
    assert found["report"]["wins"] == 3 and len(llm.asked) == 6
    assert [(one["choice"], one["reasons"]) for one in found["rulings"]] == [("candidate", ["because"] * 2)] * 3


def test_what_cannot_be_judged_is_named(here: Terminal, services: Services) -> None:
    row = whole(services, report(2))
    for words, told in (
        (["--rubric", "nobody-has"], "no rubric"),
        (["--rows", "0"], "does not fit"),
        (["--against", "holder"], "No row"),
    ):
        assert told in here.quick("judge", "calibrate", row.id, *words, code=2)["error"]["message"]


def test_the_rubrics_are_listed(here: Terminal) -> None:
    known = here.quick("judge", "rubrics")
    assert {"helpfulness", "tone", "faithfulness", "conciseness", "style"} <= set(known)
