"""From a failure to the next version of the data, as verbs and at the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bot.acts import good_rows
from tests.failed import failed
from tests.failed import row as answered
from tests.tools.test_cli import Terminal
from tools import datasets, lessons, polls
from tools.context import TRAINER, Caller, Context
from trainer.data.split import prompt_keys
from trainer.errors import BadInput, Conflict, Forbidden, NotFound
from trainer.services import Services, build_services
from trainer.settings import Settings
from trainer.store.tables import Dataset, Evaluation
from trainer.types import JobKind


@pytest.fixture
def context(services: Services) -> Context:
    return Context(Caller("U0ADA", "Ada", frozenset({TRAINER}), "local"), services)


@pytest.fixture
def dataset(context: Context, tmp_path: Path) -> Dataset:
    return kept(context, tmp_path)


def kept(context: Context, folder: Path) -> Dataset:
    path = folder / "pairs.jsonl"
    path.write_bytes(good_rows())
    made = datasets.check_file(context, path, filename=path.name).dataset
    assert made is not None
    datasets.make_split(context, made, seed=5)
    return made


def test_failures_are_browsed_by_cause(context: Context, dataset: Dataset) -> None:
    found = lessons.browse(context, failed(context.services, dataset).id)
    first = found.failures[0]
    assert first.row.id == "t2" and first.lost
    assert found.causes == {"not_json": 1, "fields": 1, "nearly": 1, "empty": 1, "refused": 1}


def test_other_words_go_where_their_hash_says_and_the_next_version_says_what_it_mends(
    context: Context, dataset: Dataset, tmp_path: Path
) -> None:
    row = failed(context.services, dataset)
    for number in range(12):
        lessons.learn(context, row.id, "test", "t1", prompt=f"Please sort ticket {number * 7919} about {number}")
    promised = {one.id: one.side for one in lessons.waiting(context, dataset)}
    assert len(promised) == 12 and set(promised.values()) == {"train", "eval"}

    built, held = lessons.next_version(context, dataset)

    version = built.dataset
    assert (version.version, version.rows, version.change["kind"]) == (2, 72, "lessons")
    assert version.change["fixes"] == [{"cause": "fields", "model": row.model_id, "count": 12}]
    assert version.split and version.split["seed"] == 5, "split as its parent was"
    sealed = prompt_keys(context.services.blobs.get_file(version.split["blobs"]["test"], tmp_path / "test.jsonl"))
    assert all((one.side == "eval") == (one.key in sealed) for one in held)
    assert sum(promised[one.id] == one.side for one in held) >= 10, "the hash kept its word but for near neighbours"
    assert not lessons.waiting(context, dataset)
    with pytest.raises(BadInput, match="No lesson waits"):
        lessons.next_version(context, dataset)
    with pytest.raises(Conflict, match="already"):
        lessons.learn(context, row.id, "test", "t1", prompt="Please sort ticket 0 about 0")


def test_a_prompt_that_was_asked_is_never_trained_on(context: Context, dataset: Dataset) -> None:
    row = failed(context.services, dataset)
    made = lessons.learn(context, row.id, "test", "t3")
    assert (made.lesson.side, made.lesson.dataset_id) == ("eval", dataset.id)
    assert made.lesson.row["messages"][-1] == {"role": "assistant", "content": "Paris"}
    assert not lessons.waiting(context, dataset)


def test_nor_is_a_prompt_of_another_suite_whichever_failure_it_is_written_for(
    context: Context, dataset: Dataset, tmp_path: Path
) -> None:
    asked = [answered(f"o{n}", "Lima", "no", True, "old-skills") for n in range(8)]  # by hash, some would be trained on
    row = failed(context.services, dataset, *asked)
    made = [lessons.learn(context, row.id, "old-skills", one["id"]).lesson for one in asked]
    made.append(lessons.learn(context, row.id, "test", "t1", prompt="Which one is number t6?").lesson)
    assert {(one.side, one.dataset_id) for one in made} == {("eval", dataset.id)}
    lessons.learn(context, row.id, "test", "t1", prompt="Is a crash at night high?")
    version = lessons.next_version(context, dataset)[0].dataset
    assert version.rows == 61 and version.split
    trained = prompt_keys(context.services.blobs.get_file(version.split["blobs"]["train"], tmp_path / "train.jsonl"))
    assert not trained & {one.key for one in made}


def test_rows_are_shown_to_trainers_where_they_were_asked_for(context: Context, dataset: Dataset) -> None:
    row, services = failed(context.services, dataset), context.services
    with services.db.write() as session:
        wish = {"owner": "U0ADA", "team": "local", "dataset_id": dataset.id, "model_id": row.model_id}
        job = services.jobs.add(session, JobKind.EVAL, spec={}, origin={"channel": "C1", "thread_ts": "1"}, **wish)
        session.get_one(Evaluation, row.id).job_id = job.id

    def where(channel: str, *roles: str, **more: Any) -> Context:
        return Context(Caller("U0LINUS", "Linus", frozenset(roles), "local", {"channel": channel}, **more), services)

    assert lessons.browse(where("C1", TRAINER), row.id) and lessons.browse(where("", TRAINER, allow_paths=True), row.id)
    for verb in (lessons.browse, polls.ask):
        with pytest.raises(NotFound, match="another channel"):
            verb(where("C2", TRAINER), row.id)
        with pytest.raises(Forbidden, match="trainer role"):
            verb(where("C1"), row.id)


def test_said_twice_before_its_version_the_newer_answer_counts(context: Context, dataset: Dataset) -> None:
    row = failed(context.services, dataset)
    first = lessons.learn(context, row.id, "test", "t4", prompt="Which town is it?", answer="Roma")
    again = lessons.learn(context, row.id, "test", "t4", prompt="Which town is it?", answer="Rome, Italy")
    assert (again.lesson.id, again.new) == (first.lesson.id, False)
    assert lessons.waiting(context, dataset)[0].row["messages"][-1]["content"] == "Rome, Italy"


def test_a_version_made_just_before_a_crash_holds_its_lessons(context: Context, dataset: Dataset) -> None:
    row = failed(context.services, dataset)
    one = lessons.learn(context, row.id, "test", "t5", prompt="Which town is the capital there?").lesson
    rows = [one.row]
    lessons.add_rows(context, dataset.id, rows, source="lessons", change={"kind": "lessons", "lessons": [one.id]})
    assert not lessons.waiting(context, dataset) and context.services.lessons.get(one.id).dataset_id


def test_who_may_not_and_what_cannot(context: Context, dataset: Dataset) -> None:
    row = failed(context.services, dataset)
    guest = Context(Caller("U0GUS", "Gus", frozenset(), "local"), context.services)
    with pytest.raises(Forbidden, match="trainer role"):
        lessons.learn(guest, row.id, "test", "t1")
    with pytest.raises(BadInput, match="an example takes 20,000"):
        lessons.learn(context, row.id, "test", "t1", answer="x" * 20_001)
    for case in ("t6", "nothing"):
        with pytest.raises(Exception, match="no failure"):
            lessons.learn(context, row.id, "test", case)


def test_at_the_terminal(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with build_services(Settings(home=home, redis_url="redis://127.0.0.1:1/0"), migrate=True) as services:
        writing = Context(Caller("cli:ada", "ada", frozenset({TRAINER}), "local"), services)
        dataset = kept(writing, tmp_path)
        row = failed(services, dataset)
    terminal = Terminal(home)
    told = terminal.quick("failures", row.id, "--cause", "fields")
    assert (told["count"], told["failures"][0]["why"]) == (1, "level: low for high")
    made = terminal.quick("lessons", "add", row.id, "test/t1", "--prompt", "Sort this, please: it crashes")
    assert made["side"] in ("train", "eval") and json.loads(made["messages"][-1]["content"])["level"] == "high"
    assert terminal.quick("lessons", "list", dataset.id)["waiting"] == 1
    done = terminal.quick("lessons", "version", dataset.id)
    assert done["dataset"]["version"] == 2 and done["lessons"][0]["dataset"] == done["dataset"]["id"]
    assert terminal.quick("failures", row.id, "--cause", "bad", code=2)["error"]["param"] == "cause"
    assert "SUITE/CASE" in terminal.quick("lessons", "add", row.id, "t1", code=2)["error"]["message"]
    assert terminal.quick("evaluation", row.model_id, code=1)["evaluation_id"] == row.id


def test_what_a_voter_would_have_had_it_say_stands_beside_the_failure(context: Context, dataset: Dataset) -> None:
    row, kept = failed(context.services, dataset), context.services.polls
    poll = kept.open(row.id, [("test", "t3")], kind="pairwise", against="base", needed=2, by="U0ADA", origin={})
    kept.cast(poll.id, 0, voter="U0GRACE", choice="tie", first="base", ratings={"said": "Paris, France"})
    assert lessons.browse(context, row.id).corrections == {("test", "t3"): "Paris, France"}


def test_what_a_deleted_version_was_asked_goes_with_it(context: Context, dataset: Dataset) -> None:
    row = failed(context.services, dataset)
    lessons.learn(context, row.id, "test", "t3")
    datasets.delete(context, dataset.id)
    with pytest.raises(Conflict, match="deleted with the dataset"):
        lessons.browse(context, row.id)
    assert not context.services.lessons.of(dataset.id) and context.services.models.evaluation(row.id).verdict == "FAIL"
