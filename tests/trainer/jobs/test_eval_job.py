"""Evaluation jobs as an attempt runs them, in this process, on a base so small that it takes seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.inference.pebble import make_pebble
from tools import datasets, evaluation
from tools.context import Caller, Context
from tools.datasets.splitting import make_split
from trainer.errors import TunesmithError
from trainer.evals.gate import GateSpec, SuiteRule
from trainer.evals.gate.spec import digest_of
from trainer.evals.outcome import EvalReport
from trainer.jobs import evaluate
from trainer.jobs.child import JobRun, _fail
from trainer.jobs.lease import claim
from trainer.registry.aliases import swap
from trainer.registry.models import add_model
from trainer.services import Services
from trainer.store.tables import GivenAnswer, Job
from trainer.types import JobKind, JobStatus


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebble(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters(pebble: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two adapters with weights drawn at random: they answer otherwise than the base, and than each other."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        folder = tmp_path_factory.mktemp(f"adapter{seed}")
        get_peft_model(AutoModelForCausalLM.from_pretrained(pebble), config).save_pretrained(folder)  # type: ignore[arg-type]
        made.append(folder)
    return made


def row(number: int) -> dict[str, Any]:
    asked, said = f"Ticket {number * 37}: what now?", f"Do {number}."
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}


@dataclass
class Bench:
    services: Services
    base: Path
    dataset: str
    models: list[str]
    host: str = ""

    @property
    def context(self) -> Context:
        return Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "acme", allow_paths=True), self.services)

    def model(self, made: Path | str, *, whole: bool = False, **spec: Any) -> str:
        """A tuned model as a training job would have left it: an adapter's folder, or a name at the provider."""
        services, name = self.services, f"ft:pebble:acme::{len(self.models)}"
        here = isinstance(made, Path)
        if "gate" in spec:
            spec.setdefault("registered", {"digest": digest_of(spec["gate"])})
        where = {
            "base": "pebble" if here else "gpt-4o-mini",
            "base_location": str(self.base) if here else f"openai:{made}",
        }
        what = {"manifest": services.blobs.put_folder(made) if here else {}, "card": {"endpoint": self.host}}
        with services.db.write() as session:
            wish = {"owner": "U0ADA", "team": "acme", "origin": {}, "dataset_id": self.dataset}
            job = services.jobs.add(session, JobKind.TRAIN, spec=spec, **wish)
            job.status = JobStatus.SUCCEEDED.value
            add_model(session, job, model_id=name, method="lora", is_adapter=here and not whole, **where, **what)
        self.models.append(name)
        return name

    def attempt(self, job: Job) -> Job:
        """One attempt, ended as the trainer's process ends it."""
        lease = claim(self.services.db, job.id, worker="test", lease_s=30)
        assert lease is not None
        try:
            evaluate.run(JobRun(self.services, self.services.jobs.get(job.id), lease))
        except TunesmithError as error:
            _fail(lease, error.code, str(error))
        return self.services.jobs.get(job.id)

    def report(self, job: Job) -> EvalReport:
        assert job.status == JobStatus.SUCCEEDED, job.error
        kept = dict(self.services.models.evaluation((job.result or {})["evaluation_id"]).report)
        rows = json.loads(self.services.blobs.get_bytes(kept.pop("rows_sha256")))
        return EvalReport.from_dict(kept | {"rows": rows})

    def kept(self) -> int:
        with self.services.db.read() as session:
            return session.query(GivenAnswer).count()


@pytest.fixture
def bench(services: Services, pebble: Path, adapters: list[Path], tmp_path: Path) -> Bench:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(40)))
    context = Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "acme", allow_paths=True), services)
    dataset = datasets.check_file(context, path, filename=path.name).dataset
    assert dataset is not None
    make_split(context, dataset)
    return Bench(services, pebble, dataset.id, [])


SHORT = {"decoding": {"max_tokens": 6}}


def test_everybody_answers_in_one_loaded_model(bench: Bench, adapters: list[Path]) -> None:
    suite = "\n".join(json.dumps(row(n)) for n in range(100, 108)).encode()
    rule = SuiteRule(suite="greetings", sha256=bench.services.blobs.put_bytes(suite))
    gate = GateSpec.model_validate(
        {**SHORT, "suites": [rule], "few_shot": 1, "alias": "tickets", "metrics": ["perplexity"]}
    )
    told = {"digest": gate.digest, "approval": "appr-1", "by": "U0ADA", "at": 1.0}
    candidate = bench.model(adapters[0], gate=gate.model_dump(mode="json"), registered=told)
    holder = bench.model(adapters[1])
    with bench.services.db.write() as session:
        swap(session, "tickets", holder, expected=0, by="U0ADA", approval_id="")

    report = bench.report(bench.attempt(evaluation.start(bench.context, candidate)))

    assert {c.key: c.model for c in report.contestants} == {
        "base": "pebble",
        "candidate": candidate,
        "few_shot": "pebble",
        "holder": holder,
    }
    test = [r for r in report.rows if r.suite == "test"]
    assert len({tuple(r.answers[key].text for r in test) for key in ("base", "candidate", "holder")}) == 3
    assert (report.gate["suites"][0]["sha256"], report.registered) == (rule.sha256, told)
    assert {r.suite for r in report.rows} == {"test", "greetings", "old-skills"}
    assert all((r.answers["base"].nats or 0) > 0 and r.answers["base"].nats_tokens > 0 for r in test)
    assert bench.kept() == 0 and report.looks == 1


def test_whole_models_are_loaded_one_after_another_and_replayed_rows_are_what_training_saw(
    bench: Bench, adapters: list[Path], pebble: Path, tmp_path: Path
) -> None:
    blobs = (bench.services.datasets.get(bench.dataset).split or {})["blobs"]
    other = tmp_path / "old.jsonl"
    sealed = bench.services.blobs.get_bytes(blobs["test"]).decode()
    other.write_text(sealed + "".join(json.dumps(row(n)) + "\n" for n in range(200, 230)))
    replayed = datasets.check_file(bench.context, other, filename="old.jsonl").dataset
    assert replayed is not None
    make_split(bench.context, replayed)
    gate = GateSpec.model_validate(SHORT).model_dump(mode="json")
    candidate = bench.model(adapters[0], gate=gate, replay=1.0, replay_dataset=replayed.id)
    whole = bench.model(pebble, whole=True)
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "marble").symlink_to(pebble)  # another base by its name, which an alias serves
    here = bench.services.settings.model_copy(update={"base_folders": (str(tmp_path / "bases"),)})
    bench.services = replace(bench.services, settings=here)
    with bench.services.db.write() as session:
        swap(session, "stones", "marble", expected=0, by="U0ADA", approval_id="")

    report = bench.report(bench.attempt(evaluation.start(bench.context, candidate, alias="stones", against=[whole])))

    test = [r for r in report.rows if r.suite == "test"]
    assert report.contamination.checked and test  # rows of its own test were never replayed
    assert {c.key: c.model for c in report.contestants}["holder"] == "marble"
    for key in (whole, "holder"):
        assert [r.answers[key].text for r in test] == [r.answers["base"].text for r in test]
    assert [r.answers["candidate"].text for r in test] != [r.answers["base"].text for r in test]
