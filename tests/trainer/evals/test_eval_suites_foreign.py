"""Suites of other tools, and suites made of what a base can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case, Check, Suite
from trainer.evals.metrics.checks import failed
from trainer.evals.suites import load_suite, read_suite, shipped, shipped_suite
from trainer.evals.suites.foreign import Taken, take
from trainer.evals.suites.foreign.export import to_promptfoo
from trainer.evals.suites.spot import from_base
from trainer.types import ChatMessage

PROMPTFOO = """
description: Greetings
prompts:
  - 'Greet in {{language}}: {{ who }}'
  - file://other.txt
  - '[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "In {{language}}: {{who}}"}]'
providers: [openai:some-model]
defaultTest:
  vars: {who: Ada}
  assert: [{type: llm-rubric, value: is polite}]
tests:
  - vars: {language: [French, German]}
    assert:
      - {type: icontains-any, value: [bonjour, hallo]}
      - {type: not-contains, value: Hello}
      - {type: javascript, value: output.length > 3}
      - {type: regex, value: '(?=x)'}
  - vars: {language: JSON}
    threshold: 0.5
    assert:
      - {type: equals, value: {a: 1}}
      - {type: is-json}
      - {type: not-regex, value: x}
      - {type: starts-with, value: '{'}
  - vars: {language: '{{ nothing }}'}
    assert: [{type: contains, value: 5}]
  - vars: {language: Dutch}
    assert: [{type: similar, value: hoi}]
scenarios: []
"""


def taken(tmp_path: Path, filename: str, content: str | bytes, source: str = "") -> tuple[Taken, Suite]:
    path = tmp_path / filename
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    made = take(path, source)
    return made, read_suite(made.text.encode()).suite


def test_promptfoo_is_taken_over_and_what_is_not_is_listed(tmp_path: Path) -> None:
    made, suite = taken(tmp_path, "My Config.yaml", PROMPTFOO)
    french, german, typed, *chats = suite.cases
    assert (suite.name, suite.about, len(chats)) == ("my-config", "Greetings", 3)
    assert [m.content for m in french.messages] == ["Greet in French: Ada"]
    assert not failed(german, Answer("HALLO Ada")) and failed(german, Answer("Hallo and Hello"))
    assert typed.expected == '{"a": 1}' and not failed(typed, Answer('{ "a" : 1 }'.replace("{ ", "{")))
    assert [m.role for m in chats[0].messages] == ["system", "user"]
    left = "\n".join(made.left)
    for words in (
        "scenarios: not imported",
        "prompts[1]: not imported: it lies in another file",
        "defaultTest.assert[0]: not imported: llm-rubric",
        "tests[0].assert[2]: not imported: javascript",
        "tests[0].assert[3]: not imported: regex",
        "tests[1].threshold: not imported",
        "tests[2]: not imported: the prompt has a template that is not a plain variable: {{ nothing }}",
        "tests[3].assert[0]: not imported: similar",
        "tests[3]: not imported: no assertion is left",
    ):
        assert words in left


def test_a_promptfoo_file_without_a_usable_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no case that can be imported.*another file"):
        taken(tmp_path, "c.yaml", "prompts: [file://a.txt]\ntests: [{assert: [{type: equals, value: x}]}]")
    with pytest.raises(BadInput, match="no configuration of promptfoo"):
        taken(tmp_path, "c.yaml", "suite: mine\ncases: []")


@pytest.mark.parametrize("name", shipped())
def test_what_goes_to_promptfoo_comes_back_the_same(tmp_path: Path, name: str) -> None:
    suite = shipped_suite(name).suite
    text, left = to_promptfoo(suite)
    made, again = taken(tmp_path, "c.yaml", text)
    assert (left, made.left) == ((), ())
    assert [case.messages for case in again.cases] == [case.messages for case in suite.cases]
    if suite.primary == "checks":
        assert [case.checks for case in again.cases] == [case.checks for case in suite.cases]
    else:
        refuses = [dict(case.checks[0].arguments)["expected"] for case in again.cases]
        assert refuses == [case.slices["twin"] == "harmful" for case in suite.cases]


def sample(doc: int, prompt: Any, target: Any, more: Any = None, **rest: Any) -> str:
    told = {"doc_id": doc, "doc": {}, "target": target, "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": more}}}
    return json.dumps(told | rest) + "\n"


def test_logs_of_lm_eval_give_their_prompts_and_targets(tmp_path: Path) -> None:
    chat = json.dumps([{"role": "system", "content": "Add."}, {"role": "user", "content": "2 + 3?"}])
    lines = [
        sample(0, "Q: 1 + 1?\nA:", "2", {"until": ["\n"]}, filter="strict-match"),
        sample(0, "Q: 1 + 1?\nA:", "2", {"until": ["\n"]}, filter="flexible-extract"),
        sample(1, [chat], 5, {"until": []}),
        sample(2, "The sky is", "blue", " blue"),
        sample(3, "Q: 1 + 1?\nA:", "2", {"until": ["\n"]}),
        json.dumps({"doc_id": 4, "target": "old", "arguments": [["An older log", {"until": []}]]}) + "\n",
    ]
    made, suite = taken(tmp_path, "samples_sums_2026.jsonl", "".join(lines))
    assert [(c.id, c.expected) for c in suite.cases] == [("0", "2"), ("1", "5"), ("4", "old")]
    assert [m.role for m in suite.cases[1].messages] == ["system", "user"] and suite.primary == "exact_match"
    left = "\n".join(made.left)
    assert "line 4: not imported: it asks for the likelihood" in left and "flexible-extract, strict-match" in left
    assert "3: asks the same as a case before it" in left
    with pytest.raises(BadInput, match=r"Line 2 of x\.jsonl is no sample"):
        taken(tmp_path, "x.jsonl", lines[0] + "{}\n")


def test_logs_of_inspect_give_their_inputs_and_targets(tmp_path: Path) -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": "Name a primary colour."}]}]
    samples = [
        {"id": 1, "epoch": 1, "input": "2 + 2?", "target": "4", "metadata": {"level": "easy"}},
        {"id": 1, "epoch": 2, "input": "2 + 2?", "target": "4", "metadata": {"level": "easy"}},
        {"id": 2, "epoch": 1, "input": parts, "target": ["red", "blue", "yellow"]},
        {"id": 3, "epoch": 1, "input": "Which?", "target": "A", "choices": ["x", "y"]},
        {"id": 4, "epoch": 1, "input": "Open end", "target": ""},
    ]
    log = {"version": 2, "status": "success", "eval": {"task": "sums"}, "samples": samples}
    made, suite = taken(tmp_path, "log.json", json.dumps(log))
    sums, colour = suite.cases
    assert (sums.id, sums.expected, dict(sums.slices), suite.primary) == ("1", "4", {"level": "easy"}, "checks")
    assert (
        not failed(sums, Answer("4")) and not failed(colour, Answer("Blue, say.")) and failed(colour, Answer("green"))
    )
    assert len(made.left) == 2 and "multiple choice" in made.left[0] and "sums" in suite.about
    with pytest.raises(BadInput, match="inspect log convert"):
        taken(tmp_path, "log.eval", b"PK\x03\x04")


NONSENSE = (b"", b"\xff\xfe", b"[" * 5000, b"null", b"[1]", b'{"samples": [1, null]}', b"{}\n")


@pytest.mark.parametrize("source", ["promptfoo", "lm-eval", "inspect"])
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 5000, b"null", b"[1]", b'{"samples": [1, null]}', b"{}\n"]
)
def test_nonsense_is_refused_in_words(tmp_path: Path, source: str, content: bytes) -> None:
    with pytest.raises(BadInput):
        taken(tmp_path, "x.dat", content, source)


def ask(question: str, expected: str, **more: Any) -> Case:
    return Case(question, (ChatMessage("user", question),), expected, **more)


def test_what_a_base_has_right_today_is_what_it_must_keep() -> None:
    cases = [ask("a", "one"), ask("b", "two"), ask("c", "three"), ask("A ", "one")]
    answers = [Answer(" one\n"), Answer("no"), Answer("three", cut=True), Answer("one")]
    made = from_base(cases, answers, name="kept")
    suite, _ = read_suite(made.text.encode())
    assert (made.asked, made.right, made.kept) == (4, 1, 1)
    assert [(c.id, c.expected) for c in suite.cases] == [("a", "one")] and suite.role == "regression"


def test_by_another_metric_its_own_wording_is_expected() -> None:
    checks = (Check("contains", {"any": ["paris"]}),)
    made = from_base([ask("capital?", "Paris", checks=checks)], [Answer("It is Paris.")], "checks")
    (case,) = read_suite(made.text.encode()).suite.cases
    assert case.expected == "It is Paris." and case.checks == checks


def test_as_many_as_are_wanted_are_chosen_by_hash_and_none_is_an_error() -> None:
    cases = [ask(str(n), "yes") for n in range(40)]
    one, two = (from_base(some, [Answer("yes")] * 40, most=10).text for some in (cases, cases[::-1]))
    assert one == two and len(read_suite(one.encode()).suite.cases) == 10
    with pytest.raises(BadInput, match="nothing to keep"):
        from_base(cases, [Answer("no")] * 40)
    with pytest.raises(BadInput, match="says how much"):
        from_base(cases, [Answer("yes")] * 40, "latency")


def test_rows_go_out_and_come_back_as_a_suite(tmp_path: Path) -> None:
    from trainer.evals.suites.dump import rows

    suite = shipped_suite("general").suite
    text, without = rows(suite)
    (tmp_path / "g.jsonl").write_text(text)
    again = load_suite(tmp_path / "g.jsonl")
    assert without == 0 and [c.expected for c in again.cases] == [c.expected for c in suite.cases]
    assert [c.slices["skill"] for c in again.cases] == [c.slices["skill"] for c in suite.cases]
