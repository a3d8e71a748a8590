"""Whole evaluations against scripted models whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from trainer.data.split import prompt_keys
from trainer.errors import BadInput, Unavailable
from trainer.evals import report as told
from trainer.evals.gate import GateSpec
from trainer.evals.metrics import METRICS, load_metric
from trainer.evals.outcome import EvalReport
from trainer.evals.run import evaluate
from trainer.evals.suites import Case, load_suite
from trainer.types import ChatMessage, GateVerdict, GenerateRequest, GenerateResult

Answer = Callable[[str], str]


def cases(kind: str, n: int) -> list[Case]:
    def case(i: int) -> Case:
        expected = json.dumps({"n": i}) if kind == "ticket" else f"say {i}"
        return Case(f"{kind}{i}", (ChatMessage("user", f"{kind} {i}"),), expected, f"{kind}s")

    return [case(i) for i in range(n)]


def right(prompt: str) -> str:
    kind, number = prompt.split()
    return f'{{ "n":{number} }}' if kind == "ticket" else f" say  {number}"


def model(base: Answer, tuned: Answer) -> Callable[[Sequence[GenerateRequest]], list[GenerateResult]]:
    def generate(requests: Sequence[GenerateRequest]) -> list[GenerateResult]:
        assert all(request.temperature == 0 for request in requests)
        voices = [(tuned if r.adapter == "v2" else base, r.messages[-1].content) for r in requests]
        return [GenerateResult(voice(prompt), 5, 5, "stop") for voice, prompt in voices]

    return generate


def untrained(prompt: str) -> str:
    return right(prompt) if prompt.startswith("old") else "I do not know"


def forgetful(prompt: str) -> str:
    return right(prompt) if prompt.startswith("ticket") else "{}"


def run(tuned: Answer, **more: object) -> EvalReport:
    generate = model(untrained, tuned)
    return evaluate(cases("ticket", 45), cases("old", 60), generate=generate, candidate="v2", **more)  # type: ignore[arg-type]


def test_a_better_model_that_keeps_its_skills_passes() -> None:
    heard: list[tuple[int, int]] = []
    report = run(right, on_progress=lambda done, total: heard.append((done, total)), train_prompts=set())
    summary = report.metrics["exact_match"]
    assert (report.verdict, report.code) == (GateVerdict.PASS, "better")
    assert (summary.base.estimate, summary.tuned.estimate, summary.n) == (0, 1, 45)
    assert report.regression and (report.regression.base_right, report.regression.kept) == (60, 60)
    assert heard[-1] == (105, 105) and len(report.rows) == 105
    assert report.contamination.checked


def test_one_that_forgets_is_refused_and_the_slice_is_named() -> None:
    report = run(forgetful)
    assert (report.verdict, report.code) == (GateVerdict.FAIL, "forgot")
    assert "regression/olds: 0 of 60 kept." in told.lines(report)
    assert any("not checked" in reason for reason in report.reasons)


def test_the_base_against_itself_is_not_better() -> None:
    report = run(untrained)
    assert report.verdict is GateVerdict.INCONCLUSIVE
    assert report.more_test_rows and report.more_test_rows > 0


def test_a_leak_blocks_before_any_model_is_asked() -> None:
    report = evaluate(
        cases("ticket", 45),
        [],
        generate=lambda requests: pytest.fail("asked"),
        candidate="v2",
        train_prompts={"ticket 3", "TICKET 4".casefold()},
    )
    assert (report.verdict, report.code, report.contamination.test_rows) == (
        GateVerdict.FAIL,
        "contaminated",
        2,
    )
    assert report.contamination.first_ids == ("ticket3", "ticket4")


def test_leaked_regression_rows_are_left_out_and_counted() -> None:
    report = run(right, train_prompts={f"old {i}" for i in range(10)})
    assert report.regression and (report.regression.suite_rows, report.regression.left_out) == (50, 10)
    assert any("10 regression rows" in reason for reason in report.reasons)


def test_the_report_survives_json_and_is_drawn(tmp_path: Path) -> None:
    report = run(right)
    assert told.load(told.dump(report, tmp_path / "r.json")) == report
    assert told.chart(report, tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    assert told.markdown(report).startswith("**PASS") and "| exact_match | 45 |" in told.markdown(report)
    with pytest.raises(BadInput, match="no evaluation report"):
        EvalReport.from_dict({"verdict": "fine"})


def test_bad_input_is_named_never_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="empty"):
        evaluate([], [], generate=model(right, right), candidate="v2")
    with pytest.raises(Unavailable, match="0 answers"):
        evaluate(cases("old", 3), [], generate=lambda requests: [], candidate="v2")
    with pytest.raises(BadInput, match="no metric"):
        run(right, metrics=["charm"])
    monkeypatch.setitem(METRICS, "broken", f"{__name__}:Broken")
    with pytest.raises(BadInput, match=r"broken failed on case ticket0 \(KeyError\)"):
        run(right, metrics=["broken"])


class Broken:
    name = "broken"

    def score(self, expected: str, answer: str) -> float:
        raise KeyError(answer)

    def applies(self, expected: str) -> bool:
        return True


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_the_contract(name: str) -> None:
    metric = load_metric(name)
    assert metric.name == name
    for expected in ("", "yes", '{"a": 1}', "[" * 5000):
        if metric.applies(expected):
            assert metric.score(expected, expected) == 1
            assert all(0 <= metric.score(expected, answer) <= 1 for answer in ("", "no", "{", "[" * 5000, "\ud800"))


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ("Paris", " Paris\n", 1),
        ("Paris", "paris", 0),
        ("ﬁne  day", "fine day", 1),
        ('{"a": 1, "b": [true]}', '{"b":[true],"a":1.0}', 1),
        ('{"a": 1}', '{"a": true}', 0),
        ('{"a": 1}', '{"a": 1, "b": 2}', 0),
        ('{"a": 1}', 'Here: {"a": 1}', 0),
        ('{"a": "x y"}', '{"a": "x  y"}', 0),
        ("42", "42.0", 0),
        ('{"a": NaN}', '{"a": NaN}', 1),
    ],
)
def test_exact_match(expected: str, answer: str, score: float) -> None:
    assert load_metric("exact_match").score(expected, answer) == score


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def chat(question: str, answer: str, **more: object) -> dict[str, object]:
    return {
        "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
        **more,
    }


def test_a_suite_is_read_with_slices_and_its_keys_match_the_split(tmp_path: Path) -> None:
    path = write(tmp_path / "old.jsonl", chat("Q  one", "1", metadata={"task": "count"}), chat("Q two", "2"))
    suite = load_suite(path)
    assert [(c.slice, c.expected, c.messages[0].content) for c in suite.cases] == [
        ("count", "1", "Q  one"),
        ("", "2", "Q two"),
    ]
    assert {case.key for case in suite.cases} == prompt_keys(path)


def test_a_broken_or_empty_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="line 2"):
        load_suite(write(tmp_path / "a.jsonl", chat("q", "a"), {"question": "x"}))
    with pytest.raises(BadInput, match="empty"):
        load_suite(write(tmp_path / "b.jsonl"))


def test_real_rows_make_a_suite() -> None:
    path = Path(__file__).parents[3].parent / "shared/data/real"
    if not path.exists():
        pytest.skip("the real datasets are not beside this repository")
    assert len(load_suite(path / "msf_gsm8k_chat_validation.jsonl").cases) == 50
    tools = load_suite(path / "msf_stock_toolcall_training.jsonl")
    assert (len(tools.cases), len(tools.skipped)) == (50, 36)


def test_an_odd_alpha_and_metric_mix_still_reports() -> None:
    report = run(right, gate=GateSpec(alpha=0.01, primary="json_validity"))
    assert report.metrics["json_validity"].tuned.confidence == 0.99
