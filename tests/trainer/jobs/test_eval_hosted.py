"""Evaluation jobs over models at a provider: a scripted one that counts what it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.scripted_models import Upstream
from tests.trainer.jobs.test_eval_job import Bench, row
from tools import datasets, evaluation, lessons
from tools.context import Caller, Context
from tools.datasets.splitting import make_split
from trainer.errors import BadInput, NotFound
from trainer.evals.gate import GateSpec, JudgeRule
from trainer.evals.report import lines
from trainer.registry.aliases import swap
from trainer.services import build_services
from trainer.settings import Settings
from trainer.store.tables import Dataset
from trainer.types import JobStatus

TUNED, LEARNED = "ft:gpt-4o-mini:acme::1", "ft:gpt-4o-mini:acme::2"


def voice(model: str, prompt: str) -> str:
    if model == LEARNED:
        return "Press it." if "red" in prompt else "No."
    return f"Do {int(prompt.split()[1][:-1]) // 37}." if model == TUNED else "No."


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream(voice)
    yield made
    made.stop()


@pytest.fixture
def bench(settings: Settings, upstream: Upstream, tmp_path: Path) -> Iterator[Bench]:
    hosted = {
        "tuning_provider": "custom",
        "tuning_base_url": upstream.url,
        "tuning_api_key": SecretStr("sk-1234567890"),
    }
    with build_services(settings.model_copy(update=hosted), migrate=True) as services:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(60)))
        context = Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "acme", allow_paths=True), services)
        dataset = datasets.check_file(context, path, filename=path.name).dataset
        assert dataset is not None
        make_split(context, dataset)
        yield Bench(services, Path("openai:"), dataset.id, [], host=upstream.host)


def test_one_that_vanishes_midway_is_named_and_a_new_job_asks_only_the_rest(bench: Bench, upstream: Upstream) -> None:
    model = bench.model(TUNED)
    upstream.gone_after[TUNED] = 6
    failed = bench.attempt(evaluation.start(bench.context, model))
    assert failed.status == JobStatus.FAILED
    error = failed.error or {}
    assert error["code"] == "contestant_silent"
    assert f"{model} stopped answering after 6 of " in error["message"] and "are kept" in error["message"]
    known = bench.kept()
    assert 12 <= known == sum(upstream.asked.values())
    assert bench.services.models.evaluations(model) == []

    upstream.gone_after.clear()
    report = bench.report(bench.attempt(evaluation.start(bench.context, model)))

    assert set(upstream.asked.values()) == {1} and len(upstream.asked) == 2 * report.test_rows
    assert report.metrics["exact_match"].tuned.estimate == 1 and report.code == "too_few_rows"
    assert bench.kept() == 0


def test_a_leak_is_found_before_anybody_is_asked(bench: Bench, upstream: Upstream) -> None:
    model = bench.model(TUNED)
    with bench.services.db.write() as session:
        dataset = session.get_one(Dataset, bench.dataset)
        blobs = (dataset.split or {})["blobs"]
        dataset.split = {**(dataset.split or {}), "blobs": {**blobs, "train": blobs["test"]}}
    report = bench.report(bench.attempt(evaluation.start(bench.context, model)))
    assert (report.code, report.contamination.test_rows) == ("contaminated", report.test_rows)
    assert not upstream.asked


def test_a_judge_that_cannot_judge_is_benched_and_said(bench: Bench) -> None:
    gate = GateSpec(judge=JudgeRule(model="gpt-judge"))
    model = bench.model(TUNED, gate=gate.model_dump(mode="json"))
    job = bench.attempt(evaluation.start(bench.context, model))
    (judge,) = bench.report(job).judges
    assert "No language model is configured" in judge.benched and judge.rows == 0
    notes = [e.data["text"] for e in bench.services.jobs.events(job.id) if e.data.get("code") == "judge_benched"]
    assert len(notes) == 1 and "gpt-judge" in notes[0]


def test_a_later_report_tells_what_is_fixed_and_what_is_still_open(bench: Bench) -> None:
    before = bench.report(bench.attempt(evaluation.start(bench.context, bench.model("gpt-4o-mini"))))
    assert not any("people looked at" in note for note in before.notes)
    found = lessons.browse(bench.context, bench.models[0])
    one = found.failures[0].row
    lessons.learn(bench.context, found.evaluation.id, one.suite, one.id)
    for colour in ("red", "green"):
        prompt = f"My {colour} button does nothing at all, what shall I do with this {colour} thing?"
        lessons.learn(bench.context, found.evaluation.id, one.suite, one.id, prompt=prompt, answer="Press it.")
    version = lessons.next_version(bench.context, bench.services.datasets.get(bench.dataset))[0].dataset

    bench.dataset = version.id
    after = bench.report(bench.attempt(evaluation.start(bench.context, bench.model(LEARNED))))

    assert any("Of 3 failures that people looked at: fixed in v2: 1, still open: 2" in note for note in after.notes)
    assert after.contamination.test_rows == 0, "what was asked is not trained on"
    assert not [line for line in lines(after) if line.startswith("lessons: ")], "told once"


def test_looks_at_the_same_sealed_rows_are_counted(bench: Bench) -> None:
    models = [bench.model(TUNED), bench.model(TUNED)]
    reports = [bench.report(bench.attempt(evaluation.start(bench.context, model))) for model in models]
    assert [report.looks for report in reports] == [1, 2]


def test_other_models_are_named_or_refused_in_words(bench: Bench) -> None:
    model, other = bench.model(TUNED), bench.model("gpt-4o-mini")
    with bench.services.db.write() as session:
        swap(session, "tickets", other, expected=0, by="U0ADA", approval_id="")
    report = bench.report(
        bench.attempt(evaluation.start(bench.context, model, alias="tickets", against=[other, "tickets"]))
    )
    assert [(c.key, c.model) for c in report.contestants] == [
        ("base", "gpt-4o-mini"),
        ("candidate", model),
        ("holder", other),
    ]
    with pytest.raises(NotFound, match="no alias"):
        evaluation.start(bench.context, model, alias="nobody")
    with pytest.raises(BadInput, match="with itself"):
        evaluation.start(bench.context, model, against=[model])
    with pytest.raises(BadInput, match="too many"):
        evaluation.start(bench.context, model, against=[other] * 9)


def test_from_a_thread_no_hosted_holder_is_asked(bench: Bench, upstream: Upstream) -> None:
    from trainer.jobs.contestants import line_up

    model = bench.services.models.get(bench.model(TUNED))
    with bench.services.db.write() as session:
        swap(session, "tickets", bench.model("gpt-4o-mini"), expected=0, by="U0ADA", approval_id="")
    found, notes = line_up(bench.services, model, GateSpec(alias="tickets"), {})
    assert [one.contestant.key for one in found] == ["base", "candidate"]
    assert "only somebody at the terminal" in notes[0]
    thread = Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "acme"), bench.services)
    with pytest.raises(BadInput, match="Somebody at the terminal"):
        evaluation.start(thread, model.id)
