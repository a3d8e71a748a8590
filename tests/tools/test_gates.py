"""What a model must show is read, checked and frozen before anything is trained."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bot.acts import good_rows, row
from tests.conftest import ROOT
from tests.tools.test_cli import Terminal
from tools import approvals, datasets, gates, sweep, training
from tools.context import APPROVER, TRAINER, Caller, Context
from trainer.bases import Base
from trainer.errors import BadInput, TunesmithError
from trainer.evals.case import Role
from trainer.evals.gate import GateSpec, SuiteRule
from trainer.evals.gate.reading import parse, read
from trainer.evals.gate.sentences import lines
from trainer.evals.suites import read_suite
from trainer.jobs import evaluate_gate
from trainer.jobs.train import lay_out, read_spec
from trainer.services import Services
from trainer.store.tables import Approval, Dataset, Job

GRACE = "U0GRACE"
SUITE = "suite: colours\nabout: ours\nprimary: exact_match\ncases:\n"
SUITE += "".join(f"  - {{id: c{n}, prompt: 'colour {n}?', expected: red, slices: {{hue: warm}}}}\n" for n in range(3))


@pytest.fixture
def context(services: Services) -> Context:
    return Context(Caller(GRACE, "Grace", frozenset({TRAINER, APPROVER}), "local", allow_paths=True), services)


@pytest.fixture
def dataset(context: Context, tmp_path: Path) -> Dataset:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(good_rows())
    made = datasets.check_file(context, path, filename=path.name).dataset
    assert made is not None
    datasets.ensure_split(context, made)
    return made


@pytest.fixture
def bare(tmp_path: Path) -> Base:
    """A base that carries nothing."""
    return Base("bare", str(tmp_path))


@pytest.fixture
def carrying(tmp_path: Path) -> Base:
    folder = tmp_path / "carrying" / "tunesmith"
    folder.mkdir(parents=True)
    (folder / "suite.jsonl").write_text("".join(row(f"old {n}") + "\n" for n in range(5)))
    return Base("carrying", str(folder.parent))


def test_percent_points_and_shares_are_the_same() -> None:
    assert {read({"effect": said}).min_effect for said in ("3%", "3 %", "3 points", "3 percent", "0.03", 0.03)} == {
        0.03
    }


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"efect": "3%"}, "Did you mean effect?"),
        ({"effect": 3}, "Write 3%"),
        ({"effect": "much"}, "'much' is no share"),
        ({"effect": float("nan")}, "does not fit"),
        ({"effect": "3%", "min_effect": 0.1}, "said twice"),
        ({"suites": [{"suite": "general", "marign": "1%"}]}, "Did you mean margin?"),
        ({"suites": "general,general"}, "named twice"),
        ({"suites": 7}, "list of names"),
        ({"few-shot": 99}, "few shot 99"),
        ({"arguments": {"x": float("inf")}}, "no JSON"),
        ({"judge": {"model": "x", "prompt": "y"}}, "A judge's rule has nothing called"),
        ({"decoding": {"temprature": 1}}, "Did you mean temperature?"),
        ({"<!channel>": 1}, "nothing called"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_fit(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(asked)
    assert says in str(caught.value) and caught.value.code == "bad_gate"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from([*GateSpec.model_fields, "effect", "suite", "x"]), json_values, max_size=4))
def test_whatever_is_asked_is_a_gate_or_a_sentence(asked: dict[str, Any]) -> None:
    try:
        made = read(asked)
    except BadInput as error:
        assert error.code == "bad_gate"
        return
    assert GateSpec(**json.loads(json.dumps(made.model_dump(mode="json")))).digest == made.digest
    assert 2 <= len(lines(made, 86)) <= 4


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_whatever_a_file_holds_is_a_gate_or_a_sentence(data: bytes) -> None:
    try:
        read(parse(data))
    except BadInput as error:
        assert error.code in ("bad_gate", "bad_yaml", "too_deep", "too_large")


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "gates").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_can_be_registered(context: Context, dataset: Dataset, carrying: Base, path: Path) -> None:
    spec = gates.register(context, dataset, carrying, gates.from_file(path))
    assert spec is not None and all(rule.sha256 for rule in spec.suites)


def test_a_base_is_held_to_what_it_carries_and_others_to_the_shipped_suites(
    context: Context, dataset: Dataset, bare: Base, carrying: Base
) -> None:
    old = gates.register(context, dataset, carrying, {})
    shipped = gates.register(context, dataset, bare, {})
    labels = gates.register(context, dataset, bare, {}, objective="classify")
    assert old and shipped and labels
    assert [(rule.suite, rule.role) for rule in old.suites] == [("old-skills", Role.REGRESSION)]
    assert context.services.blobs.get_bytes(old.suites[0].sha256).startswith(b'{"messages"')
    assert [(rule.suite, rule.role, rule.by) for rule in shipped.suites] == [
        ("general", Role.REGRESSION, ""),
        ("refusal-twins", Role.SAFETY, "twin"),
    ]
    assert not labels.suites and not labels.regression_required


def test_suites_are_frozen_as_they_are_now(context: Context, dataset: Dataset, bare: Base, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SUITE)
    asked = {"margin": "2%", "suites": [{"suite": str(path), "by": "hue", "sha256": "0" * 64}, "refusal-twins"]}
    first = gates.register(context, dataset, bare, asked)
    path.write_text(SUITE.replace("red", "blue"))
    second = gates.register(context, dataset, bare, asked)
    assert first and second and first.digest != second.digest
    assert context.services.blobs.get_bytes(first.suites[0].sha256) == SUITE.encode()
    assert (first.suites[0].suite, first.suites[0].margin, first.suites[0].by) == ("colours", None, "hue")
    assert first.suites[1].margin is None and first.regression_margin == 0.02  # said for all of them


def test_names_are_looked_up_before_anything_is_asked(context: Context, dataset: Dataset, bare: Base) -> None:
    for asked, says in (
        ({"primary": "exakt"}, "metric"),
        ({"primary": "length_ratio"}, "cannot decide"),
        ({"primary": "exact_match", "arguments": {"colour": 1}}, "argument"),
        ({"metrics": "nothing"}, "metric"),
        ({"suites": "refusal-twin"}, "Did you mean refusal-twins"),
        ({"suites": [{"suite": "general", "by": "colour"}]}, "No case of general has a slice 'colour'"),
        ({"suites": "test"}, "every evaluation"),
        ({"suites": "old-skills"}, "carries no suite"),
        ({"suites": "/nowhere/x.yaml"}, "no file"),
        ({"alias": "Not An Alias"}, "cannot be an alias"),
        ({"alias": "tiny-base"}, "name of a base"),
        ({"judge": "gpt-4o"}, "No language model is configured"),
    ):
        with pytest.raises(TunesmithError, match=says):
            gates.register(context, dataset, bare, asked)


def test_a_judge_is_frozen_with_the_words_that_it_will_be_given(context: Context, dataset: Dataset, bare: Base) -> None:
    told = {"judge_base_url": "http://me:pw@judge:8/v1", "judge_model": "fair-1"}
    settings = context.services.settings.model_copy(update=told)
    ready = Context(context.caller, replace(context.services, settings=settings))
    other = {"model": "other", "kind": "rubric", "endpoint": "elsewhere", "rows": 1}
    for asked, model, shown in (
        ({"judge": "yes"}, "fair-1", "100 test rows, which are"),
        ({"judge": other}, "other", "1 test row, which is"),
    ):
        spec = gates.register(ready, dataset, bare, asked)
        assert spec and spec.judge and spec.judge.model == model and len(spec.judge.prompt_sha256) == 64
        assert spec.judge.endpoint == "judge:8"  # where the settings send rows, whatever somebody writes
        assert f"{model} at judge:8 judges {shown} sent there, for at most $5.00; it only advises" in " ".join(
            lines(spec, 20)
        )
    with pytest.raises(TunesmithError, match="rubric"):
        gates.register(ready, dataset, bare, {"judge": {"model": "x", "rubric": "nobody-has-this"}})


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("test",), "cannot be called 'test'"),
        (("old-skills",), "cannot be called 'old-skills'"),
        (("mine", "mine"), "mine is named twice"),
    ],
)
def test_a_suite_has_a_name_of_its_own_whatever_its_file_is_called(
    context: Context, dataset: Dataset, bare: Base, tmp_path: Path, names: tuple[str, ...], says: str
) -> None:
    files = [tmp_path / f"file-{number}.yaml" for number in range(len(names))]
    for file, name in zip(files, names, strict=True):
        file.write_text(f"suite: {name}\ncases: [{{prompt: {file.stem}, expected: a}}]\n")
    with pytest.raises(BadInput, match=says):
        gates.register(context, dataset, bare, {"suites": [str(file) for file in files]})


@pytest.mark.parametrize("role", ["test", "lessons"])
def test_no_suite_passes_for_what_an_evaluation_brings_by_itself(role: str) -> None:
    """Rows of these that training saw are not left out."""
    with pytest.raises(BadInput, match=f"role {role}.*regression"):
        read({"suites": {"suite": "general", "role": role}})
    with pytest.raises(BadInput, match=f"no role '{role}'.*regression"):
        read_suite(f"suite: mine\nrole: {role}\ncases: [{{prompt: a, expected: b}}]\n".encode())


def test_files_are_for_the_terminal(context: Context, dataset: Dataset, bare: Base, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SUITE)
    elsewhere = Context(Caller(GRACE, "Grace", frozenset({TRAINER}), "T0"), context.services)
    with pytest.raises(TunesmithError, match="no suite"):
        gates.register(elsewhere, dataset, bare, {"suites": str(tmp_path / "mine.yaml")})


def test_the_gate_is_bound_by_the_approval_and_carried_by_the_job(context: Context, dataset: Dataset) -> None:
    asked = training.request(context, dataset.id, {"gate": {"effect": "3%", "alias": "tickets"}})
    subject = asked.approval.subject
    spec = GateSpec(**subject["gate"])
    assert (spec.min_effect, spec.alias, spec.digest) == (0.03, "tickets", subject["gate_digest"])

    job = approvals.decide(context, asked.approval.id, approve=True).job
    assert job and job.spec["gate"] == subject["gate"]
    by = {"approval": asked.approval.id, "by": GRACE, "at": asked.approval.requested_at}
    assert job.spec["registered"] == {"digest": spec.digest, **by}
    run: Any = SimpleNamespace(job=job)
    assert read_spec(run)[0] == asked.spec  # the run itself is what it was
    audit = next(line for line in context.services.audit.list() if line.action == "train.approved")
    assert audit.data["gate"] == spec.digest


def test_a_gate_that_was_altered_after_asking_is_not_trained_under(context: Context, dataset: Dataset) -> None:
    asked = training.request(context, dataset.id, {})
    with context.services.db.write() as session:
        row = session.get_one(Approval, asked.approval.id)
        row.subject = row.subject | {"gate": row.subject["gate"] | {"min_effect": 0.0}}
    with pytest.raises(TunesmithError, match="altered"):
        approvals.decide(context, asked.approval.id, approve=True)


def test_a_gate_that_was_altered_in_the_job_judges_nothing(context: Context, dataset: Dataset) -> None:
    asked = training.request(context, dataset.id, {})
    job = approvals.decide(context, asked.approval.id, approve=True).job
    assert job is not None
    model: Any = SimpleNamespace(id="ft:x", job_id=job.id)
    gate, registered = evaluate_gate.of(context.services, model)
    assert registered == job.spec["registered"] and gate.digest == registered["digest"]
    with context.services.db.write() as session:
        row = session.get_one(Job, job.id)
        row.spec = row.spec | {"gate": row.spec["gate"] | {"min_effect": 0.0}}
    with pytest.raises(TunesmithError, match="not the one that was registered"):
        evaluate_gate.of(context.services, model)


def test_a_sweep_chooses_on_the_dev_rows_and_has_no_gate(context: Context, dataset: Dataset) -> None:
    with pytest.raises(BadInput, match="keeps no model"):
        sweep.request(context, dataset.id, {"gate": {"effect": "3%"}}, over=[], trials=2)
    asked = sweep.request(context, dataset.id, {}, over=[], trials=2)
    assert "gate" not in asked.approval.subject


def test_whoever_learns_has_the_rows_to_choose_by_and_never_those_to_judge_by(
    context: Context, dataset: Dataset, tmp_path: Path
) -> None:
    run: Any = SimpleNamespace(services=context.services, job=SimpleNamespace(dataset_id=dataset.id), folder=tmp_path)
    files = lay_out(run)  # the checkpoint with the lowest loss on dev is the one that is kept: tests of methods/run
    assert set(files) == {"train", "dev"}
    assert not (tmp_path / "test.jsonl").exists()


def test_texts_have_no_gate(context: Context, bare: Base) -> None:
    texts = Dataset(id="file-t", kind="text", split={"counts": {"test": 5}})
    assert gates.register(context, texts, bare, {}) is None and gates.covered(None, texts) == {}
    with pytest.raises(BadInput, match="plain texts"):
        gates.register(context, texts, bare, {"effect": "3%"})


@pytest.mark.parametrize(
    ("rows", "says"), [(86, "86 test rows show gains of 11 points"), (900, "enough"), (3, "fewer than"), (0, "no test")]
)
def test_whether_the_test_rows_suffice_is_said(rows: int, says: str) -> None:
    told = " ".join(lines(GateSpec(suites=(SuiteRule(suite="general"),)), rows))
    assert says in told and "general (what was right before, less 10 % at most)" in told


def test_at_a_terminal_a_gate_is_a_file_and_is_refused_before_the_data_is_read(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    (tmp_path / "rows.jsonl").write_bytes(good_rows())
    path = tmp_path / "gate.yaml"
    asked = ("train", str(tmp_path / "rows.jsonl"), "--gate", str(path), "--alias", "tickets", "--no-wait")
    for text, says in ((None, "no file"), ("effekt: 3%", "Did you mean effect?"), ("- effect", "list of names")):
        if text:
            path.write_text(text)
        assert says in terminal.quick(*asked, code=2)["error"]["message"]
    path.write_text("effect: 3%\nsuites: general\n")
    made = terminal.quick(*asked)
    assert len(made["gate"]["digest"]) == 64 and "gate" not in made["hyperparameters"]
    [told] = [r for r in terminal.quick("audit")["rows"] if r["action"] == "train.approved"]
    assert told["data"]["gate"] == made["gate"]["digest"]
