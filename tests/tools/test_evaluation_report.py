"""An evaluation at the terminal: sentences, JSON, Markdown, a page; with what came after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.trainer.evals.reports import old_style, report
from tools import evaluation_report
from tools.cli.main import app
from trainer.evals.case import BASE, CANDIDATE
from trainer.services import build_services
from trainer.settings import load_settings
from trainer.store.tables import Evaluation


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house with an evaluation of today, its answers kept and two people's votes on it, and one of old."""
    monkeypatch.setenv("TUNESMITH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUNESMITH_REDIS_PORT", "1")
    with build_services(load_settings(), migrate=True) as services:
        kept = report("PASS").to_dict()
        kept["rows_sha256"] = services.blobs.put_bytes(json.dumps(kept.pop("rows")).encode())
        with services.db.write() as session:
            for name, told in (("eval-new", kept), ("eval-old", old_style("FAIL"))):
                columns = {"model_id": "ft:x", "dataset_id": "d", "created_at": 1.0, "verdict": told["verdict"]}
                session.add(Evaluation(id=name, job_id=name, report=told, **columns))
        asked = {"kind": "pairwise", "against": BASE, "needed": 1, "by": "U1", "origin": {}}
        poll = services.polls.open("eval-new", [("test", "line-1"), ("test", "line-2")], **asked)
        for item in (0, 1):
            services.polls.cast(poll.id, item, voter="U1", choice=CANDIDATE, first=BASE, ratings={})
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["evaluation", *words])


def test_sentences_come_verdict_first(home: Path) -> None:
    new, old = run("eval-new"), run("eval-old")
    assert (new.exit_code, old.exit_code) == (0, 1)
    assert new.stdout.startswith("PASS for ft:x (eval-new).") and "2 for the candidate" in new.stdout
    assert old.stdout.startswith("FAIL for ft:x (eval-old).") and "58 are kept" in old.stdout


def test_one_json_object_holds_the_report_and_the_people(home: Path) -> None:
    told = json.loads(run("eval-new", "--json", "--html", str(home / "out.html")).stdout)
    assert told["report"]["metrics"]["exact_match"]["tuned"]["estimate"] == 0.95
    assert (told["people"]["for_it"], told["people"]["sealed"], told["override"]) == (2, False, None)
    assert told["html"] == str(home / "out.html")
    page = (home / "out.html").read_text()
    assert page.startswith("<!doctype html>") and "line-4" in page and "2 for the candidate" in page


def test_markdown_is_for_pull_requests(home: Path) -> None:
    assert run("eval-new", "--md").stdout.startswith("**PASS: better than the base")
    refused = run("eval-new", "--md", "--json")
    assert refused.exit_code == 2 and json.loads(refused.stdout)["error"]["param"] == "md"


def test_a_page_of_an_old_report_says_that_its_answers_are_gone(home: Path) -> None:
    with build_services(load_settings()) as services:
        page = evaluation_report.page(services, services.models.evaluation("eval-old"))
    assert "only the figures were kept" in page and "58 of 60 that the base has right are kept" in page
