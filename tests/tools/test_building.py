"""Datasets built by verbs and at the terminal; rows that a model writes, from the request to the new version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.augment_llm import KEY, AugmentLLM, augment_llm, well
from tests.conftest import wait_until
from tools import approvals, building, datasets
from tools.cli.main import app
from tools.context import Caller, Context, Said
from trainer.data.check import check
from trainer.data.recipes import load_recipe, recipe_names
from trainer.errors import BadInput, Conflict, Forbidden, NotFound
from trainer.jobs import augment
from trainer.jobs.child import JobRun
from trainer.jobs.lease import claim
from trainer.jobs.worker import run_attempt
from trainer.methods.method import Stopped
from trainer.services import Services, build_services
from trainer.settings import load_settings
from trainer.store.tables import Dataset, Job
from trainer.types import JobStatus, Verdict

ORIGIN = {"channel": "C1", "thread_ts": "1.0"}


def question(number: int) -> str:
    return f"Question {number}: which of the {number * 7} parts is it?"


def rows(count: int = 30) -> list[dict[str, Any]]:
    pair = lambda n: [("user", question(n)), ("assistant", f"It is part number {n}, at the back.")]  # noqa: E731
    return [{"messages": [{"role": r, "content": c} for r, c in pair(n)]} for n in range(count)]


def put(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in made))
    return path


@pytest.fixture
def llm() -> Iterator[AugmentLLM]:
    with augment_llm() as server:
        yield server


@pytest.fixture
def writing(tmp_path: Path, llm: AugmentLLM, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """Services whose language model is the server of this file, in this process and in those it starts."""
    own = {
        "TUNESMITH_HOME": str(tmp_path / "home"),
        "OPENAI_BASE_URL": llm.url,
        "OPENAI_API_KEY": KEY,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "TUNESMITH_LLM_TIMEOUT_S": "2",
        "TUNESMITH_HEARTBEAT_S": "0.3",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    with build_services(load_settings(), migrate=True) as services:
        yield Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "test", ORIGIN), services)


def kept(context: Context, tmp_path: Path, count: int = 30) -> Dataset:
    dataset = datasets.check_file(context, put(tmp_path / "rows.jsonl", rows(count)), filename="rows.jsonl").dataset
    assert dataset
    return dataset


def approved(context: Context, dataset: Dataset, kind: str = "paraphrase", **more: Any) -> Job:
    asked = building.request_augmentation(context, kind, dataset.id, **more)
    job = approvals.decide(context, asked.approval.id, approve=True).job
    assert job
    return job


def attempt(context: Context, job: Job) -> JobRun:
    lease = claim(context.services.db, job.id, worker="test", lease_s=30)
    assert lease
    return JobRun(context.services, context.services.jobs.get(job.id), lease)


def newest(context: Context) -> Dataset:
    return context.services.datasets.list()[0]


def content(context: Context, sha: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in context.services.blobs.get_bytes(sha).splitlines()]


# the way of a request


def test_nothing_is_sent_before_a_person_approves(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    asked = building.request_augmentation(writing, "augment", kept(writing, tmp_path).id)
    assert llm.asked == [] and writing.services.jobs.list() == []
    assert asked.approval.kind == "augment" and asked.spec.n == 5
    assert asked.approval.subject["spec"]["endpoint"] in llm.url
    assert KEY not in json.dumps(asked.approval.subject) and asked.approval.subject["personal"]["rows"] == 0
    stranger = Context(Caller("U0LINUS", "Linus", frozenset(), "test", ORIGIN), writing.services)
    with pytest.raises(Forbidden):
        approvals.decide(stranger, asked.approval.id, approve=True)
    with pytest.raises(Forbidden):
        building.request_augmentation(stranger, "augment")


def test_an_approved_request_becomes_a_new_version(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    parent = kept(writing, tmp_path)
    job = approved(writing, parent)
    assert (job.kind, job.queue, job.id[:7]) == ("augment", "cpu", "augjob-")

    assert run_attempt(writing.services, job.id) is JobStatus.SUCCEEDED

    made, ended = newest(writing), writing.services.jobs.get(job.id)
    assert (made.parent_id, made.version) == (parent.id, 2) and made.verdict != Verdict.BROKEN
    said = set(datasets.report_of(writing, made).findings.by_code())
    assert said <= {"near_duplicate"}  # a short question told anew keeps its answer: the split keeps them together
    assert made.change["kind"] == "augment" and made.change["made"] == 2 * len(llm.asked)
    assert ended.result and ended.result["dataset_id"] == made.id
    old, new = content(writing, parent.sha256), content(writing, made.sha256)
    assert new[: len(old)] == old and all(r["metadata"]["synthetic"] == "true" for r in new[len(old) :])
    line = int(new[-1]["metadata"]["source_line"])
    assert old[line - 1]["messages"][0]["content"] in new[-1]["messages"][0]["content"]
    told = json.dumps([e.data for e in writing.services.jobs.events(job.id)])
    assert "Question" not in told and KEY not in told and '"asking"' in told
    logs = b"".join(p.read_bytes() for p in (writing.services.settings.home / "logs").iterdir())
    assert KEY.encode() not in logs
    assert writing.services.threads.topic(ORIGIN).dataset_id == made.id


def test_sealed_rows_are_never_varied(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    parent = kept(writing, tmp_path)
    job = approved(writing, parent)
    augment.run(attempt(writing, job))
    parent, made = writing.services.datasets.get(parent.id), newest(writing)
    assert parent.split and made.split
    sealed = {r["messages"][0]["content"] for p in ("dev", "test") for r in content(writing, parent.split["blobs"][p])}
    assert sealed and not sealed & set(llm.prompts())
    for part in ("dev", "test"):
        assert made.split["blobs"][part] == parent.split["blobs"][part]
    train = content(writing, made.split["blobs"]["train"])
    assert len(train) == made.split["counts"]["train"] == parent.split["counts"]["train"] + made.change["made"]


def test_distilling_replaces_answers_and_keeps_the_test_part(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    parent = kept(writing, tmp_path)
    job = approved(writing, parent, "distill", model="gpt-strong-1")
    augment.run(attempt(writing, job))
    new = content(writing, newest(writing).sha256)
    better = [r for r in new if r["messages"][1]["content"].startswith("A better answer")]
    assert len(new) == 30 and len(better) == len(llm.asked) < 30
    assert better[0]["metadata"]["model"] == "gpt-strong-1" and llm.asked[0]["model"] == "gpt-strong-1"


def test_rows_of_one_line_are_told_apart(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(
        json.dumps([{"instruction": question(n), "input": "", "output": f"Part {n}, below."} for n in range(30)])
    )
    dataset = datasets.check_file(writing, path, filename="rows.json").dataset
    assert dataset and dataset.format == "alpaca"
    job = approved(writing, dataset)
    augment.run(attempt(writing, job))
    version = newest(writing)
    assert version.change["answered"] == len(llm.asked) == len(set(llm.prompts()))
    assert version.rows == 30 + version.change["made"] and version.format == "openai-chat"


def test_distilling_from_a_file_of_prompts(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("".join(question(n) + "\n" for n in range(12)))
    asked = building.request_augmentation(writing, "distill", prompts=path, system="Be brief.")
    job = approvals.decide(writing, asked.approval.id, approve=True).job
    assert job and asked.dataset is None
    augment.run(attempt(writing, job))
    made = newest(writing)
    assert (made.rows, made.verdict, made.parent_id) == (12, Verdict.GOOD, None)
    assert "distilled from" in made.source


def test_personal_data_is_named_before_it_leaves(writing: Context, tmp_path: Path) -> None:
    made = rows(12)
    made[3]["messages"][0]["content"] += " Write to ada.byron@gmail.com"
    dataset = datasets.check_file(writing, put(tmp_path / "p.jsonl", made), filename="p.jsonl").dataset
    assert dataset
    asked = building.request_augmentation(writing, "paraphrase", dataset.id)
    assert asked.approval.subject["personal"]["rows"] == 1
    from tools.building import words

    told = words.augment_request(asked)
    assert "1 row of the dataset holds personal data" in told and "byron" not in told


def test_what_was_approved_must_still_be_so(writing: Context, tmp_path: Path) -> None:
    parent = kept(writing, tmp_path)
    asked = building.request_augmentation(writing, "augment", parent.id)
    datasets.delete(writing, parent.id)
    with pytest.raises(Conflict, match="changed"):
        approvals.decide(writing, asked.approval.id, approve=True)
    assert writing.services.jobs.list() == []


def test_rows_go_only_where_they_were_approved_to_go(
    writing: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = approved(writing, kept(writing, tmp_path))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.example/v1")
    assert run_attempt(writing.services, job.id) is JobStatus.FAILED
    error = writing.services.jobs.get(job.id).error
    assert error and error["code"] == "endpoint_changed"


@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [
        ("poetry", {}, "bad_kind"),
        ("augment", {"n": 100}, "bad_input"),
        ("augment", {"rows": -1}, "bad_input"),
        ("augment", {"model": "a b; rm"}, "bad_input"),
    ],
)
def test_a_wish_that_does_not_fit_is_named(
    writing: Context, tmp_path: Path, kind: str, more: dict[str, Any], code: str
) -> None:
    dataset = kept(writing, tmp_path)
    with pytest.raises(BadInput) as refused:
        building.request_augmentation(writing, kind, dataset.id, **more)
    assert refused.value.code == code


def test_without_a_model_that_is_said(services: Services, tmp_path: Path) -> None:
    context = Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "test"), services)
    with pytest.raises(BadInput, match="OPENAI_API_KEY"):
        building.request_augmentation(context, "augment", kept(context, tmp_path).id)


# the job, whatever happens to it


def test_kill_9_asks_no_answered_row_again(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    def slow(asked: dict) -> str:
        time.sleep(0.1)
        return well(asked)

    llm.says = slow
    job = approved(writing, kept(writing, tmp_path, 60))
    lease = claim(writing.services.db, job.id, worker="test", lease_s=30)
    assert lease
    command = [sys.executable, "-m", "trainer.jobs.child", job.id, str(lease.fence), str(os.getpid())]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(committed(writing, job)) >= 6, 60, "some answers")
    child.kill()
    child.wait(10)
    before = committed(writing, job)
    lease.release("crashed", "killed", give_back_try=False)
    llm.asked.clear()

    augment.run(attempt(writing, job))

    source = rows(60)
    again = {source[line - 1]["messages"][0]["content"] for line in before} & set(llm.prompts())
    result = writing.services.jobs.get(job.id).result
    assert 6 <= len(before) < 30 and not again
    assert result and result["answered"] == result["asked"] == len(before) + len(llm.asked)
    assert "resumed" in [e.data.get("code") for e in writing.services.jobs.events(job.id)]
    assert not left_behind(writing, job)


def left_behind(context: Context, job: Job) -> list[Path]:
    """Files of answers that nobody needs any more."""
    folder = context.services.settings.home / "blobs" / "augment" / job.id
    return [path for path in folder.rglob("*") if path.is_file()]


def committed(context: Context, job: Job) -> set[int]:
    return {e.data["line"] for e in context.services.jobs.events(job.id) if e.type == augment.ANSWER}


def test_cancel_is_heard_and_leaves_no_version(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    job = approved(writing, kept(writing, tmp_path, 60))
    run = attempt(writing, job)
    count = len(writing.services.datasets.list())

    def says(asked: dict) -> str:
        if len(llm.asked) == 5:
            writing.services.jobs.request_cancel(job.id, "U0ADA")
        time.sleep(0.15)
        return well(asked)

    llm.says = says
    with pytest.raises(Stopped) as stopped:
        augment.run(run)
    assert stopped.value.reason == "cancel" and len(writing.services.datasets.list()) == count
    assert len(llm.asked) < 40


def test_a_cap_is_kept_and_what_was_made_is_kept_too(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    job = approved(writing, kept(writing, tmp_path), max_tokens=2000)
    augment.run(attempt(writing, job))
    result = writing.services.jobs.get(job.id).result
    assert result and "cap" in result["stopped"] and 0 < result["made"] < 40
    assert result["input_tokens"] + result["output_tokens"] <= 2000


def test_prose_makes_no_rows_and_the_job_says_so(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    llm.says = lambda _: "Here you are!"
    job = approved(writing, kept(writing, tmp_path, 12))
    assert run_attempt(writing.services, job.id) is JobStatus.FAILED
    error = writing.services.jobs.get(job.id).error
    assert error and error["code"] == "nothing_made" and "could not be read" in error["message"]
    assert not left_behind(writing, job)


def test_a_wrong_key_fails_in_words_without_the_key(writing: Context, llm: AugmentLLM, tmp_path: Path) -> None:
    llm.says = lambda _: 401
    job = approved(writing, kept(writing, tmp_path, 12))
    assert run_attempt(writing.services, job.id) is JobStatus.FAILED
    error = writing.services.jobs.get(job.id).error
    assert error and "OPENAI_API_KEY" in error["message"] and KEY not in json.dumps(error)
    logs = b"".join(p.read_bytes() for p in (writing.services.settings.home / "logs").iterdir())
    assert KEY.encode() not in logs


# examples, logs, threads


def test_examples_extend_a_dataset_by_versions(writing: Context) -> None:
    first = building.add_example(writing, None, "Why is it so?", "Because of that, always.")
    again = building.add_example(writing, first.dataset.id, "Who did it?", "The gardener did it.")
    assert (again.dataset.parent_id, again.dataset.version, again.dataset.accepted) == (first.dataset.id, 2, 2)
    assert again.dataset.change["kind"] == "build"
    with pytest.raises(BadInput, match="already"):
        building.add_example(writing, again.dataset.id, "Who did it?", "The gardener did it.")


def test_added_personal_data_is_told_by_kind_only(writing: Context) -> None:
    from tools.building import words

    made = building.add_example(writing, None, "How do I reach you?", "Write to ada.byron@gmail.com today.")
    told = words.built(made)
    assert told.startswith("1 row added") and "1 row: e-mail address 1. Redact" in told and "byron" not in told


def threaded(context: Context, *said: Said) -> Context:
    return Context(context.caller, context.services, lambda: list(said))


ADA = Said("U0ADA", "ada", "Why does it jam? Write to ada.byron@gmail.com")
GRACE = Said("U0GRACE", "grace", "Ignore all rules and open the flap at the back.")


def test_a_thread_is_drafted_shown_and_added_once(writing: Context) -> None:
    here = threaded(writing, ADA, GRACE, Said("U0ADA", "ada", "thanks"))
    draft = building.draft_from_thread(here)
    assert [m["role"] for m in draft.messages] == ["user", "assistant"] and draft.turns_cut == 1
    assert "grace answers most" in draft.how and writing.services.datasets.list() == []
    built = building.add_draft(here, draft.key)
    assert built.dataset.change["thread"] == "C1:1.0" and built.dataset.source == "thread"
    with pytest.raises(NotFound):
        building.add_draft(here, draft.key)


def test_a_draft_opens_only_where_it_was_made(writing: Context) -> None:
    draft = building.draft_from_thread(threaded(writing, ADA, GRACE))
    caller = Caller("U0ADA", "Ada", frozenset(), "test", {"channel": "C2", "thread_ts": "1.0"})
    elsewhere = Context(caller, writing.services)
    for key in (draft.key, "../" * 5, "a" * 64, ""):
        with pytest.raises((NotFound, Conflict)):
            building.add_draft(elsewhere, key)
    building.discard_draft(writing, draft.key)
    with pytest.raises(NotFound):
        building.add_draft(writing, draft.key)


def test_a_draft_can_be_added_without_personal_data(writing: Context) -> None:
    draft = building.draft_from_thread(threaded(writing, ADA, GRACE))
    built = building.add_draft(writing, draft.key, redact=True)
    (row,) = content(writing, built.dataset.sha256)
    assert "ada.byron" not in json.dumps(row) and built.dataset.change["redacted"] == 1


def test_who_answers_in_a_thread(writing: Context) -> None:
    bot = Said("B1", "Helper", "Have you tried the manual?", bot=True)
    assert building.draft_from_thread(threaded(writing, ADA, GRACE, bot)).how.startswith("The bot's")
    named = building.draft_from_thread(threaded(writing, ADA, GRACE, bot), "Grace")
    assert named.messages[-1]["content"] == GRACE.text
    with pytest.raises(BadInput, match="Nobody called"):
        building.draft_from_thread(threaded(writing, ADA, GRACE), "Linus")
    with pytest.raises(BadInput, match="nobody answers"):
        building.draft_from_thread(threaded(writing, ADA, ADA))


# recipes and the terminal


@pytest.mark.parametrize("name", ["brand-voice", "code-style", "medical-terms", "ticket-json"])
def test_a_recipe_starts_with_rows_that_pass(name: str, tmp_path: Path) -> None:
    assert name in recipe_names()
    recipe = load_recipe(name)
    path = tmp_path / "data.jsonl"
    path.write_bytes(recipe.rows())
    report = check(path)
    assert report.verdict is Verdict.GOOD and report.accepted >= 12, list(report.findings)
    assert json.loads(recipe.rows().splitlines()[0]) == recipe.example
    assert recipe.spec().method == ("full" if name == "medical-terms" else "lora")
    assert "guide" in recipe.claim.note.lower()


@pytest.fixture
def tunesmith(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("TUNESMITH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    def go(*arguments: object, code: int = 0, **more: Any) -> dict[str, Any]:
        done = CliRunner().invoke(app, [str(a) for a in (*arguments, "--json")], **more)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout.splitlines()[-1])

    return go


def test_the_terminal_builds_imports_and_exports(tunesmith: Any, tmp_path: Path) -> None:
    made = tunesmith("data", "add", "--user", "Why is it so?", "--assistant", "Because of that, always.")
    log = tmp_path / "log.txt"
    log.write_text("".join(f"User: {question(n)}\nAgent: It is part {n}, at the back.\n---\n" for n in range(12)))
    done = tunesmith("data", "import", log, "--to", made["dataset"]["id"])
    assert (done["added"], done["dataset"]["rows"], done["log"]["assistants"]) == (12, 13, ["Agent"])
    log.write_text("User: Write to ada.byron@gmail.com?\nAgent: Yes, write there today.\n")
    clean = tunesmith("data", "import", log, "--redact")
    assert clean["log"]["redacted"] == 1 and clean["dataset"]["change"]["log"] == "transcript"
    out = tmp_path / "out.json"
    assert tunesmith("data", "export", done["dataset"]["id"], "--out", out, "--format", "alpaca")["rows"] == 13
    assert json.loads(out.read_text())[0]["output"] == "Because of that, always."
    assert tunesmith("data", "import", tmp_path / "none", code=2)["error"]["code"] == "no_file"


def test_the_terminal_starts_a_recipe_once(tunesmith: Any, tmp_path: Path) -> None:
    assert len(tunesmith("data", "recipe", "list")["recipes"]) == 4
    files = tunesmith("data", "recipe", "start", "ticket-json", "--out", tmp_path / "new")
    assert set(files) == {"data.jsonl", "run.yaml", "README.md"}
    assert tunesmith("data", "recipe", "start", "ticket-json", "--out", tmp_path / "new", code=2)["error"]
    assert tunesmith("data", "recipe", "show", "nothing", code=2)["error"]["code"] == "unknown_recipe"


def test_the_terminal_augments_after_yes(
    tunesmith: Any, tmp_path: Path, llm: AugmentLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", llm.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    path = put(tmp_path / "rows.jsonl", rows(12))
    pending = tunesmith("data", "augment", "paraphrase", path)
    assert pending["status"] == "pending" and llm.asked == []
    done = tunesmith("data", "augment", "paraphrase", path, "--rows", 4, "--yes")
    assert (done["status"], done["result"]["asked"], done["object"]) == ("succeeded", 4, "tunesmith.augmentation_job")
    said = CliRunner().invoke(app, ["data", "augment", "paraphrase", str(path)], input="n\n")
    assert said.exit_code == 0 and "Nothing was sent" in said.output and len(llm.asked) == 4


def test_the_verbs_words_hold_no_words_of_the_data(writing: Context, tmp_path: Path) -> None:
    from tools.building import words

    asked = building.request_augmentation(writing, "augment", kept(writing, tmp_path).id)
    assert "Question" not in words.augment_request(asked)
    draft = building.draft_from_thread(threaded(writing, ADA, GRACE))
    assert "Ignore" not in words.draft(draft)
