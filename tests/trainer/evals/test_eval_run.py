"""Whole evaluations against scripted models whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from trainer.data.split import prompt_keys
from trainer.errors import BadInput, Unavailable
from trainer.evals import report as told
from trainer.evals.asking import Ask, Silent
from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER, Answer, Case, Check, Contestant, Role, Suite
from trainer.evals.contamination import Seen
from trainer.evals.gate import GateSpec
from trainer.evals.metrics import METRICS, Measure, load_metric
from trainer.evals.outcome import EvalReport
from trainer.evals.run import evaluate
from trainer.evals.suites import load_suite
from trainer.methods.method import Stopped
from trainer.types import ChatMessage, GateVerdict, GenerateRequest

Voice = Callable[[str], str]
BOTH = (Contestant(BASE, "stone"), Contestant(CANDIDATE, "ft:stone:v2"))


def suite(kind: str, n: int, role: Role = Role.TEST, **more: Any) -> Suite:
    def case(i: int) -> Case:
        expected = json.dumps({"n": i}) if kind == "ticket" else f"say {i}"
        return Case(f"{kind}{i}", (ChatMessage("user", f"{kind} {i}"),), expected, {"task": f"{kind}s"})

    name = "test" if role is Role.TEST else "old-skills"
    return Suite(name, "", tuple(case(i) for i in range(n)), role, **more)


TICKETS = suite("ticket", 45)
OLD = suite("old", 60, Role.REGRESSION)


def right(prompt: str) -> str:
    kind, number = prompt.split()
    return f'{{ "n":{number} }}' if kind == "ticket" else f" say  {number}"


def model(base: Voice, tuned: Voice, **others: Voice) -> Ask:
    """Answers in an order of its own, as a provider does."""

    def ask(requests: Sequence[GenerateRequest]) -> Iterable[tuple[int, Answer]]:
        for at in reversed(range(len(requests))):
            request = requests[at]
            assert request.temperature == 0
            voice = {None: base, CANDIDATE: tuned, **others}[request.adapter]
            yield at, Answer(voice(request.messages[-1].content), False, 5, 5)

    return ask


def untrained(prompt: str) -> str:
    return right(prompt) if prompt.startswith("old") else "I do not know"


def forgetful(prompt: str) -> str:
    return right(prompt) if prompt.startswith("ticket") else "{}"


def run(tuned: Voice, suites: Sequence[Suite] = (TICKETS, OLD), **more: Any) -> EvalReport:
    return evaluate(suites, BOTH, ask=model(untrained, tuned), **more)


def refuses(requests: Sequence[GenerateRequest]) -> Iterable[tuple[int, Answer]]:
    pytest.fail("asked")


def test_a_better_model_that_keeps_its_skills_passes() -> None:
    heard: list[tuple[int, int]] = []
    report = run(right, on_progress=lambda done, total: heard.append((done, total)), seen=Seen(set()))
    summary = report.metrics["exact_match"]
    assert (report.verdict, report.code) == (GateVerdict.PASS, "better")
    assert (summary.base.estimate, summary.tuned.estimate, summary.n) == (0, 1, 45)
    assert report.regression and (report.regression.base_right, report.regression.kept) == (60, 60)
    assert heard[0] == (0, 105) and heard[-1] == (105, 105) and len(report.rows) == 105
    assert report.contamination.checked and report.candidate == "ft:stone:v2"
    assert report.metrics["json_validity"].n == 45


def test_one_that_forgets_is_refused_and_the_slice_is_named() -> None:
    report = run(forgetful)
    assert (report.verdict, report.code) == (GateVerdict.FAIL, "forgot")
    assert report.slices["old-skills/task=olds"].kept == 0 if report.slices else True
    assert any("not checked" in note for note in report.notes)


def test_the_base_against_itself_is_not_better() -> None:
    report = run(untrained)
    assert report.verdict is GateVerdict.INCONCLUSIVE
    assert report.more_test_rows and report.more_test_rows > 0


def test_a_leak_blocks_before_any_model_is_asked() -> None:
    report = evaluate([TICKETS], BOTH, ask=refuses, seen=Seen({"ticket 3", "TICKET 4".casefold()}))
    assert (report.verdict, report.code, report.contamination.test_rows) == (
        GateVerdict.FAIL,
        "contaminated",
        2,
    )
    assert report.contamination.first_ids == ("ticket3", "ticket4")


def test_leaked_regression_rows_are_left_out_and_counted() -> None:
    report = run(right, seen=Seen({f"old {i}" for i in range(10)}))
    assert report.regression and (report.regression.suite_rows, report.regression.left_out) == (50, 10)
    assert any("10 rows of old-skills" in note and "old0, old1" in note for note in report.notes)


def test_rows_that_nearly_stand_in_training_are_told_and_block_nothing(tmp_path: Path) -> None:
    words = "the printer on the third floor of the old house is on fire again and nobody knows"
    near = Case("near", (ChatMessage("user", f"{words} whom to call"),), "Facilities.")
    path = write(tmp_path / "train.jsonl", *(chat(f"{words} the reason {n}", "ok") for n in range(3)))
    asked = Suite("test", "", (near, *TICKETS.cases))
    report = run(lambda prompt: "x", [asked], seen=Seen(prompt_keys(path), (path,)))
    assert report.contamination.test_rows == 0 and len(report.rows) == 46
    assert any(
        note.startswith("1 of 46 rows of test share runs of words") and "(near)" in note for note in report.notes
    )


def test_what_longer_conversations_taught_is_left_out_and_of_the_test_set_told(tmp_path: Path) -> None:
    def longer(prompt: str, weight: int = 1) -> dict[str, Any]:
        row = chat(prompt, "ok")
        row["messages"][1] |= {"weight": weight}
        return {"messages": [*row["messages"], *chat(f"and {prompt}?", "yes")["messages"]]}

    rows = [longer("OLD 3"), longer("old 4", weight=0), longer("ticket 7"), *(longer(f"other {n}") for n in range(9))]
    path = write(tmp_path / "train.jsonl", *rows)
    report = run(right, seen=Seen(prompt_keys(path), (path,)))
    assert report.regression and report.regression.left_out == 1 and report.contamination.test_rows == 0
    assert any("1 row of old-skills" in note and "old3" in note for note in report.notes)
    assert any("1 of 45 rows of test" in note and "Split by conversation" in note for note in report.notes)


def test_examples_that_leave_no_room_are_said() -> None:
    def ask(requests: Sequence[GenerateRequest]) -> Iterable[tuple[int, Answer]]:
        return ((at, Answer("", cut=requests[at].adapter == FEW_SHOT)) for at in range(len(requests)))

    report = evaluate([TICKETS], (*BOTH, Contestant(FEW_SHOT, "stone", 2)), ask=ask)
    assert any("left no room for an answer to 45 of 45 test rows" in note for note in report.notes)


def test_any_number_answers_and_examples_stand_before_the_question() -> None:
    seen: list[GenerateRequest] = []
    shots = (ChatMessage("user", "ticket 900"), ChatMessage("assistant", '{"n": 900}'))
    asking = model(untrained, right, holder=right, few_shot=right, third=untrained)

    def ask(requests: Sequence[GenerateRequest]) -> Iterable[tuple[int, Answer]]:
        seen.extend(requests)
        return asking(requests)

    everybody = (*BOTH, Contestant(HOLDER, "v1"), Contestant(FEW_SHOT, "stone", 1), Contestant("third", "third"))
    report = evaluate([TICKETS], everybody, ask=ask, shots=shots)
    assert set(report.rows[0].answers) == {BASE, CANDIDATE, HOLDER, FEW_SHOT, "third"}
    assert len(seen) == 45 * 5
    assert {len(r.messages) for r in seen if r.adapter == FEW_SHOT} == {3}
    assert {len(r.messages) for r in seen if r.adapter != FEW_SHOT} == {1}
    assert report.contestants == everybody


class Book:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], Answer] = {}
        self.times = 0

    def known(self) -> dict[tuple[str, str, str], Answer]:
        return dict(self.kept)

    def keep(self, given: Sequence[tuple[tuple[str, str, str], Answer]]) -> None:
        assert not {key for key, _ in given} & set(self.kept)
        self.kept |= dict(given)
        self.times += 1


def test_one_that_vanishes_midway_is_named_and_the_next_try_asks_only_the_rest() -> None:
    book, whole = Book(), model(untrained, right)

    def vanishing(requests: Sequence[GenerateRequest]) -> Iterable[tuple[int, Answer]]:
        for count, answer in enumerate(whole(requests)):
            if count == 40:
                raise Silent(CANDIDATE, "Connection refused.")
            yield answer

    with pytest.raises(Unavailable, match=r"ft:stone:v2 stopped answering after 20 of 105 rows.* 40 answers .* kept"):
        evaluate([TICKETS, OLD], BOTH, ask=vanishing, book=book)
    assert len(book.kept) == 40
    asked: list[int] = []

    def rest(requests: Sequence[GenerateRequest]) -> Iterable[tuple[int, Answer]]:
        asked.append(len(requests))
        return whole(requests)

    report = evaluate([TICKETS, OLD], BOTH, ask=rest, book=book)
    assert asked == [170] and len(book.kept) == 210
    assert report.rows == run(right).rows


def test_whoever_asks_it_to_stop_loses_nothing() -> None:
    book = Book()

    def stopping(done: int, total: int) -> None:
        if done >= 20:
            raise Stopped("cancel")

    with pytest.raises(Stopped):
        run(right, book=book, on_progress=stopping)
    assert len(book.kept) == 40  # both answers of 20 rows


def test_what_keeping_meets_ends_the_evaluation() -> None:
    class Lost(Book):
        def keep(self, given: Sequence[tuple[tuple[str, str, str], Answer]]) -> None:
            raise Unavailable("The database is away.")

    with pytest.raises(Unavailable, match="database is away"):
        evaluate([TICKETS], BOTH, ask=model(untrained, right), book=Lost())


def test_the_report_survives_json_and_is_drawn(tmp_path: Path) -> None:
    report = run(right)
    assert told.load(told.dump(report, tmp_path / "r.json")) == report
    assert told.chart(report, tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    assert told.markdown(report).startswith("**PASS") and "exact_match" in told.markdown(report)
    with pytest.raises(BadInput, match="no evaluation report"):
        EvalReport.from_dict({"verdict": "fine"})


def test_half_a_character_in_an_answer_spoils_no_file(tmp_path: Path) -> None:
    """As servers answer that cut an emoji in two at the token limit."""
    book = Book()
    report = run(lambda prompt: "caf\u00e9 \ud83d", [TICKETS], book=book)
    assert {row.answers[CANDIDATE].text for row in report.rows} == {"caf\u00e9 ?"}
    assert {said.text for (who, *_), said in book.kept.items() if who == CANDIDATE} == {"caf\u00e9 ?"}
    told.dump(report, tmp_path / "r.json")
    assert told.html(report).encode()


def test_bad_input_is_named_never_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="test suite is empty"):
        run(right, [])
    with pytest.raises(BadInput, match="test suite is empty"):
        run(right, [suite("ticket", 0)])
    with pytest.raises(BadInput, match="suite old-skills is empty"):
        run(right, [TICKETS, suite("old", 0, Role.REGRESSION)])
    with pytest.raises(Unavailable, match="0 answers"):
        evaluate([OLD, TICKETS], BOTH, ask=lambda requests: ())
    with pytest.raises(BadInput, match="no metric"):
        run(right, gate=GateSpec(metrics=("charm",)))
    with pytest.raises(BadInput, match="no candidate"):
        evaluate([TICKETS], BOTH[:1], ask=refuses)
    monkeypatch.setitem(METRICS, "broken", f"{__name__}:Broken")
    with pytest.raises(BadInput, match=r"broken failed on case ticket0 \(KeyError\)"):
        run(right, gate=GateSpec(metrics=("broken",)))
    with pytest.raises(BadInput, match=r"broken failed on case old0"):
        run(right, [TICKETS, suite("old", 3, Role.REGRESSION, metrics=(Check("broken"),))])


class Broken(Measure):
    name = "broken"

    def score(self, case: Case, answer: Answer) -> float:
        raise KeyError(answer.text)


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
    case = Case("1", (ChatMessage("user", "?"),), expected)
    assert load_metric("exact_match").score(case, Answer(answer)) == score


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
    assert [(c.slices.get("task", ""), c.expected, c.messages[0].content) for c in suite.cases] == [
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
