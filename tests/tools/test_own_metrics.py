"""Metrics of one's own at the terminal: from a Python file beside a suite, and from an installed package."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.tools.test_cli import Terminal
from tests.trainer.jobs.test_eval_job import Bench, row
from tools import datasets, evaluation, gates, suites
from tools.context import Caller, Context
from tools.datasets.splitting import make_split
from trainer.bases import Base
from trainer.errors import BadInput, Forbidden
from trainer.evals.case import Answer
from trainer.jobs import contestants
from trainer.services import Services

CODE = '''
class Short:
    """Within so many characters."""
    def __init__(self, most=400): self.most = most
    def score(self, case, answer): return float(len(answer.text) <= self.most)

class Size:
    unit, better = "tokens", "lower"
    def score(self, case, answer): return len(answer.text)

def calm(expected, answer, shouts=0):
    return float(answer.count("!") <= shouts)
'''
SUITE = """suite: own
primary: file:metric.py:Short
metrics: ['file:metric.py:Short': {most: 100000}, 'file:metric.py:Size', exact_match]
cases:
"""
SUITE += "".join(
    f"  - {{prompt: 'colour {n}?', expected: red, checks: ['file:metric.py:calm': {{shouts: 9999}}]}}\n"
    for n in range(3)
)
SHORT = {"max_tokens": 4}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "metric.py").write_text(CODE)
    (tmp_path / "own.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture
def context(services: Services) -> Context:
    return Context(Caller("U0ADA", "Ada", frozenset({"trainer"}), "T1", allow_paths=True), services)


@pytest.fixture
def bench(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Everybody gives the same answer, so that no model is loaded."""
    yes = Answer("Yes!")
    monkeypatch.setattr(contestants, "asker", lambda *_: lambda asked: enumerate([yes] * len(asked)))
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(40)))
    dataset = datasets.check_file(context, path, filename=path.name).dataset
    assert dataset is not None
    make_split(context, dataset)
    return Bench(context.services, base, dataset.id, [])


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with a metric."""
    site = tmp_path / "site"
    info = site / "own_metrics-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "own_metrics.py").write_text(CODE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-metrics\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tunesmith.metrics]\ncalm = own_metrics:calm\n")
    monkeypatch.syspath_prepend(site)


def frozen(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    """A training job's spec under such a gate, as it is registered at a terminal."""
    dataset = bench.services.datasets.get(bench.dataset)
    spec = gates.register(bench.context, dataset, Base("pebble", str(bench.base)), {"decoding": SHORT} | asked)
    assert spec is not None
    return {"gate": spec.model_dump(mode="json"), "registered": {"digest": spec.digest}}


def test_the_figures_of_a_file_and_of_a_package_are_in_the_report(bench: Bench, folder: Path, package: None) -> None:
    (folder / "bound.yaml").write_text(
        "suite: bound\nmetrics: [calm: {shouts: 9999}]\nprimary: calm\ncases:\n  - {prompt: Hi, expected: Ho}\n"
    )
    suites.add_file(bench.context, folder / "own.yaml")
    asked = {"suites": ["own", str(folder / "bound.yaml")], "primary": "calm", "arguments": {"shouts": 9999}}
    gate = frozen(bench, asked | {"metrics": ["calm"]})
    (folder / "metric.py").unlink()  # what was registered was frozen
    model = bench.model(bench.base, **gate)
    report = bench.report(bench.attempt(evaluation.start(bench.context, model)))
    figures = report.suites["own"].figures
    assert set(figures) == {"file:metric.py:Short", "file:metric.py:Size", "exact_match"}
    size, short = (figures[f"file:metric.py:{name}"]["candidate"] for name in ("Size", "Short"))
    assert (size.unit, size.better, size.n, short.value.estimate) == ("tokens", "lower", 3, 1)
    assert size.value.estimate == 4 and report.suites["bound"].figures["calm"]["base"].value.estimate == 1
    assert report.metrics["calm"].tuned.estimate == 1 and report.gate["primary"] == "calm"


def test_code_that_is_gone_or_fails_where_it_runs_is_named_before_anybody_is_asked(bench: Bench, folder: Path) -> None:
    where = folder / "home-only"
    where.mkdir()
    (folder / "metric.py").write_text(f"import os\nos.listdir({str(where)!r})\n{CODE}")
    kept = suites.add_file(bench.context, folder / "own.yaml")
    gate = frozen(bench, {"suites": ["own"]})
    where.rmdir()
    model = bench.model(bench.base, **gate)
    broken = bench.attempt(evaluation.start(bench.context, model)).error or {}
    assert (
        broken["code"] == "bad_metric" and "The suite own: metric.py cannot be run (FileNotFound" in broken["message"]
    )
    bench.services.blobs.delete(kept.written.suite.files["metric.py"])
    gone = bench.attempt(evaluation.start(bench.context, model)).error or {}
    assert gone["code"] == "metric_gone" and "metric.py, a metric of the suite own, is gone" in gone["message"]


def test_the_terminal_says_whose_code_will_run(context: Context, folder: Path) -> None:
    made = suites.add_file(context, folder / "own.yaml")
    sha256 = made.written.suite.files["metric.py"]
    assert f"runs in the worker wherever it is evaluated: metric.py ({sha256[:8]})" in suites.added(made)
    assert context.services.blobs.get_bytes(sha256) == CODE.encode()
    spec = gates.GateSpec(suites=(gates.SuiteRule(suite="own", sha256=made.row.sha256),))
    assert [line[:27] for line in gates.code(context, spec)] == ["Code of the suite own runs "]
    (folder / "metric.py").write_text(CODE + "\n# another\n")
    assert suites.add_file(context, folder / "own.yaml").row.version == 2  # other code is another suite


def test_from_elsewhere_no_code_comes_and_what_was_kept_runs_nowhere_but_in_the_worker(
    context: Context, folder: Path
) -> None:
    mark = folder / "ran"
    (folder / "metric.py").write_text(f"open({str(mark)!r}, 'w').close()\n{CODE}")
    kept = suites.add_file(context, folder / "own.yaml")
    mark.unlink()  # it ran at its owner's terminal
    stranger = replace(context, caller=replace(context.caller, allow_paths=False))
    data = context.services.blobs.get_bytes(kept.row.sha256)
    sha256 = kept.written.suite.files["metric.py"]
    for given in (SUITE.encode(), data, SUITE.replace("metric.py", f"{sha256}.py").replace("own", "mine").encode()):
        with pytest.raises(BadInput, match="file of Python"):
            suites.add_bytes(stranger, given)
        (folder / "theirs.yaml").write_bytes(given)
        with pytest.raises(BadInput, match="file of Python"):
            suites.add_file(stranger, folder / "theirs.yaml")
    with pytest.raises(BadInput, match="files: Tunesmith writes this itself"):
        suites.add_bytes(stranger, data)
    (folder / "theirs.yaml").write_bytes(data)
    with pytest.raises(BadInput, match="files: Tunesmith writes this itself"):
        suites.check_file(folder / "theirs.yaml")
    assert suites.show(stranger, "own").suite.files == {"metric.py": sha256} and not mark.exists()
    nobody = replace(context, caller=replace(context.caller, roles=frozenset()))
    with pytest.raises(Forbidden):
        suites.add_file(nobody, folder / "own.yaml")
    assert not mark.exists(), "who may not add a suite runs none of its code"


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("own.py:Short", "raise KeyError(1)", "own.py cannot be run (KeyError"),
        ("own.py:Short", "import nothing_of_that_name", "ModuleNotFoundError"),
        ("own.py:Gone", CODE, "has no 'Gone'"),
        ("my own.py:Short", CODE, "cannot be kept under its name"),
        ("../own.py:Short", CODE, "no Python file"),
        ("own.py:Size", CODE, "primary: file:own.py:Size is in tokens"),
    ],
)
def test_code_that_cannot_be_used_is_refused_when_it_is_added(
    context: Context, folder: Path, name: str, code: str, said: str
) -> None:
    (folder / name.rpartition(":")[0].removeprefix("../")).write_text(code)
    (folder / "s.yaml").write_text(f"suite: s\nprimary: 'file:{name}'\ncases:\n  - {{prompt: a, expected: b}}\n")
    with pytest.raises(BadInput) as told:
        suites.add_file(context, folder / "s.yaml")
    assert said in str(told.value) and context.services.suites.list() == []


def test_the_terminal_adds_and_tells(folder: Path) -> None:
    terminal = Terminal(folder / "home")
    assert terminal.quick("suite", "check", str(folder / "own.yaml"))["cases"] == 3
    kept = terminal.quick("suite", "add", str(folder / "own.yaml"))
    again = terminal.quick("suite", "add", str(folder / "own.yaml"))
    assert list(kept["files"]) == ["metric.py"] and not again["new"] and again["sha256"] == kept["sha256"]
    assert terminal.quick("suite", "show", "own")["primary"] == "file:metric.py:Short"


def test_one_name_is_measured_once(context: Context, folder: Path) -> None:
    (folder / "s.yaml").write_text(
        "suite: s\nmetrics: [{regex: a}, {regex: b}]\ncases:\n  - {prompt: a, expected: b}\n"
    )
    with pytest.raises(BadInput, match="regex stands twice"):
        suites.add_file(context, folder / "s.yaml")
