"""Custom metrics, by an installed package and by a file beside a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trainer.errors import BadInput
from trainer.evals import scoring
from trainer.evals.case import Answer, Case, Check, Contestant, Role, Suite
from trainer.evals.metrics import limited, load_metric, scored
from trainer.evals.metrics.figures import figure

SOURCE = '''
def shouts(expected, answer, *, least=1):
    return float(answer.count("!") >= least)

class Longer:
    """How much longer."""
    unit, better = "ratio", "lower"
    def __init__(self, by=1): self.by = by
    def applies(self, case): return 1 / len(case.expected) > 0
    def score(self, case, answer): return len(answer.text) / len(case.expected) / self.by

class Furlongs:
    unit = "furlongs"
    def score(self, case, answer): return 1.0

class Mute: pass

number = 7

def breaks(expected, answer):
    raise KeyError(answer)
'''
CASE = Case("c1", (), "four")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(SOURCE)
    return tmp_path


def test_a_function_in_a_file(folder: Path) -> None:
    metric = load_metric("file:mine.py:shouts", allow_files=folder)
    assert (metric.name, metric.unit, metric.better) == ("file:mine.py:shouts", "share", "higher")
    assert scored(metric, CASE, Answer("Yes!")) == 1 and metric.applies(CASE) and metric.pool([], []) is None
    assert scored(load_metric("file:mine.py:shouts", allow_files=folder, least=2), CASE, Answer("Yes!")) == 0


def test_a_class_in_a_file(folder: Path) -> None:
    metric = load_metric("file:mine.py:Longer", allow_files=folder, by=2)
    assert (metric.unit, metric.better, scored(metric, CASE, Answer("12345678"))) == ("ratio", "lower", 1.0)
    assert figure(metric, [CASE] * 3, [Answer("12345678")] * 3).value.estimate == 1
    with pytest.raises(BadInput, match=r"Longer failed on case c0 \(ZeroDivisionError\)") as told:
        metric.applies(Case("c0", ()))
    assert told.value.code == "metric_failed"


def test_a_file_in_a_check(folder: Path) -> None:
    case = Case("c", (), checks=(Check("file:mine.py:shouts", {"least": 2}),))
    assert scored(load_metric("checks", allow_files=folder), case, Answer("Yes!!")) == 1
    with pytest.raises(BadInput, match="only where its owner"):
        scored(load_metric("checks"), case, Answer("Yes!!"))


def test_a_changed_file_is_read_again(folder: Path) -> None:
    assert scored(load_metric("file:mine.py:shouts", allow_files=folder), CASE, Answer("Yes!")) == 1
    (folder / "mine.py").write_text("def shouts(expected, answer): return 0")
    assert scored(load_metric("file:mine.py:shouts", allow_files=folder), CASE, Answer("Yes!")) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("file:mine.py:gone", {}, "has no 'gone'"),
        ("file:mine.py", {}, "does not name a metric"),
        ("file:gone.py:shouts", {}, "no Python file"),
        ("file:../mine.py:shouts", {}, "no Python file"),
        ("file:/etc/passwd:shouts", {}, "no Python file"),
        ("file:mine.py:shouts", {"most": 1}, "cannot take"),
        ("file:mine.py:Longer", {"most": 1}, "cannot be made"),
        ("file:mine.py:Furlongs", {}, "'furlongs'"),
        ("file:mine.py:Mute", {}, "no score"),
        ("file:mine.py:number", {}, "neither a class nor a function"),
        ("file:ends.py:x", {}, r"ends.py cannot be run: it ends the program \(SystemExit"),
        ("file:linked.py:shouts", {}, "no Python file"),
    ],
)
def test_what_cannot_be_used_is_said(folder: Path, name: str, arguments: dict[str, Any], said: str) -> None:
    (folder / "suites").mkdir()
    (folder / "suites" / "mine.py").write_text(SOURCE)
    (folder / "suites" / "ends.py").write_text("raise SystemExit(0)")
    (folder / "suites" / "linked.py").symlink_to(folder / "mine.py")
    with pytest.raises(BadInput, match=said) as told:
        load_metric(name, allow_files=folder / "suites", **arguments)
    assert told.value.code == "bad_metric"


def test_a_file_runs_only_where_its_owner_allows_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(BadInput, match="only where its owner starts it") as told:
        load_metric("file:mine.py:shouts")
    assert told.value.code == "bad_metric" and "terminal" in told.value.fix
    for arguments in ({"allow_files": str(folder)}, {"allow_files": "."}, {"name": "x"}):
        with pytest.raises(BadInput, match="only where its owner starts it"):
            load_metric("file:mine.py:shouts", **arguments)  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="has no argument"):
            load_metric("exact_match", **arguments)  # type: ignore[arg-type]


def test_what_it_raises_is_named(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"breaks failed on case c1 \(KeyError\)"):
        scored(load_metric("file:mine.py:breaks", allow_files=folder), CASE, Answer("secret"))


def test_a_package_brings_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud_metrics.py").write_text(SOURCE)
    info = tmp_path / "loud-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    points = "loud = loud_metrics:shouts\nlost = loud_metrics:gone\n"
    (info / "entry_points.txt").write_text(f"[tunesmith.metrics]\n{points}")
    monkeypatch.syspath_prepend(tmp_path)
    metric = load_metric("loud", least=2)
    assert (metric.name, scored(metric, CASE, Answer("Yes!!"))) == ("loud", 1.0)
    with pytest.raises(BadInput, match="cannot be loaded from loud_metrics:gone"):
        load_metric("lost")
    with pytest.raises(BadInput, match="no metric 'laud'") as told:
        load_metric("laud")
    assert "loud" in told.value.fix


def test_what_never_comes_back_or_would_end_the_program_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "slow.py").write_text(
        "import time\n"
        "def sleeps(expected, answer): time.sleep(5); return 1.0\n"
        "def ends(expected, answer): raise SystemExit(0)\n"
        "class Slow:\n"
        "    def applies(self, case): time.sleep(5)\n"
        "    def score(self, case, answer): return 1.0\n"
    )
    monkeypatch.setattr(limited, "SECONDS", 0.1)
    for name, said in (("sleeps", "slow.py:sleeps cannot score case c1: it has not come back after 0.1 seconds"),
                       ("ends", "slow.py:ends cannot score case c1: it ends the program")):  # fmt: skip
        with pytest.raises(BadInput, match=said) as told:
            scored(load_metric(f"file:slow.py:{name}", allow_files=folder), CASE, Answer("four"))
        assert told.value.code == "metric_failed"
    with pytest.raises(BadInput, match=r"slow.py:Slow on case c1: it has not come back"):
        load_metric("file:slow.py:Slow", allow_files=folder).applies(CASE)
    (folder / "never.py").write_text("import time\ntime.sleep(5)\n")
    with pytest.raises(BadInput, match=r"never.py cannot be run: it has not come back"):
        load_metric("file:never.py:x", allow_files=folder)


def test_a_request_to_stop_is_heard_while_answers_are_scored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "HEARD_S", 0.0)
    heard: list[tuple[int, int]] = []
    suite = Suite("s", "", (CASE, Case("c2", (), "x")), Role.REGRESSION, "file:mine.py:shouts", folder=folder)
    answers = {("base", "s", case.id): Answer("Yes!") for case in suite.cases}
    rows = scoring.rows_of([suite], [Contestant("base", "b")], answers, lambda *said: heard.append(said))
    assert [row.scores["base"]["file:mine.py:shouts"] for row in rows] == [1, 1] and heard == [(2, 2), (2, 2)]
