"""Suites as people write them: what is read, and how every mistake is told."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.errors import BadInput, NotFound, TunesmithError
from trainer.evals.case import Answer, Case, Check, Role, Suite
from trainer.evals.metrics.checks import failed
from trainer.evals.stats import rows_to_clear, wilson
from trainer.evals.suites import load_suite, read_suite, shipped, shipped_suite
from trainer.evals.suites.bounded import read_yaml
from trainer.evals.suites.dump import dump
from trainer.types import ChatMessage

TONE = """
suite: tone
about: How we sound.
role: behaviour
metrics: [token_f1]
margin: 0.05
by: kind
cases:
  - prompt: What is 2 + 2?
    expected: 4
    slices: {kind: sums}
  - id: greeting
    system: Be kind.
    prompt: Say hello.
    expected: Hello!
    slices: {kind: words}
    group: small-talk
    checks: [{contains: hello}, {regex: {pattern: '[!.]$'}}, {contains: {none: [idiot]}}]
"""

HEAD = "suite: tone\ncases:\n"


def refused(text: str, folder: Path | None = None) -> TunesmithError:
    with pytest.raises(BadInput) as caught:
        read_suite(text.encode(), "tone", folder)
    return caught.value


def case(**more: object) -> str:
    lines = "".join(f"\n    {key}: {value}" for key, value in ({"prompt": "Hi", "expected": "Ho"} | more).items())
    return f"suite: tone\ncases:\n  -{lines[4:]}\n"


def test_a_suite_is_read_with_its_checks_slices_and_rule() -> None:
    suite, rule = read_suite(TONE.encode())
    sums, greeting = suite.cases
    assert (suite.name, suite.role, suite.primary, rule) == (
        "tone",
        "behaviour",
        "checks",
        {"margin": 0.05, "by": "kind"},
    )
    assert [metric.metric for metric in suite.metrics] == ["checks", "token_f1"]
    assert sums.id.startswith("case-") and (sums.expected, sums.checks) == ("4", (Check("exact_match"),))
    assert [m.role for m in greeting.messages] == ["system", "user"] and greeting.group == "small-talk"
    assert [dict(check.arguments) for check in greeting.checks] == [
        {"any": ["hello"]},
        {"pattern": "[!.]$"},
        {"none": ["idiot"]},
    ]
    assert not failed(greeting, Answer("Oh, hello!")) and failed(greeting, Answer("Hello, idiot!"))


def test_an_id_is_of_the_content_and_the_sha_of_the_bytes() -> None:
    again = read_suite(TONE.replace("2 + 2", "2 + 3").encode()).suite
    suite = read_suite(TONE.encode()).suite
    assert suite.cases[0].id != again.cases[0].id and suite.cases[1].id == again.cases[1].id
    assert suite.sha256 != again.sha256 and suite.sha256 == read_suite(TONE.encode(), "other").suite.sha256


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("suite: tone\nprimry: checks\ncases: []", "no key 'primry'. Did you mean primary?"),
        ("suite: Tone of us\ncases: [{prompt: a, expected: b}]", "suite: a name is up to 60 small letters"),
        (case() + "role: behavior", "role: there is no role 'behavior'. Did you mean behaviour?"),
        (case() + "margin: 5", "margin: is '5', and a share between 0 and 1"),
        (case() + "metrics: [exct_match]", "metrics[0]: there is no metric 'exct_match'. Did you mean exact_match?"),
        (case() + "primary: nonsense", "primary: There is no metric 'nonsense'"),
        (case() + "by: twin", "by: no case has the slice 'twin'"),
        (case() + "cases: []", "cases stands twice"),
        (case(promt="x"), "cases[0]: there is no key 'promt'. Did you mean prompt?"),
        (case(expected="1.50"), "cases[0].expected: 1.5 is no text; put it in quotes"),
        (case(expected="true"), "cases[0].expected: true is no text"),
        (case(id='"a\\0"'), "cases[0].id: holds a NUL character"),
        (case(messages="[]"), "cases[0]: gives both `prompt` and `messages`"),
        (case(checks="[{regex: {pattern: '('}}]"), "cases[0].checks[0]: regex cannot use the pattern '('"),
        (case(checks="[{regex: {patern: x}}]"), "cases[0].checks[0]: The metric regex"),
        (case(checks="[latency]"), "cases[0].checks[0]: The check latency says neither at_least nor at_most"),
        (case(checks="[json_fields]"), "cases[0].checks[0]: json_fields compares with `expected`"),
        (case(checks="{contains: x}"), "cases[0].checks: is an object, and a list is expected"),
        (case(slices="[a]"), "cases[0].slices: is a list"),
        (HEAD + "  - prompt: Hi", "cases[0]: lacks `expected`"),
        ("suite: tone\nprimary: checks\ncases:\n  - prompt: Hi", "cases[0]: lacks `expected` or `checks`"),
        (HEAD + "  - prompt: Hi\nprimary: refusal", "lacks the slice `twin`"),
        (HEAD + "  - {messages: [{role: usr, content: x}], expected: y}", "did you mean user?"),
        (HEAD + "  - {messages: [{role: assistant, content: x}], expected: y}", "last message is"),
        (HEAD + "  - {prompt: Hi, expected: a}\n  - {prompt: ' hi ', expected: b}", "cases[1]: has the same prompt as"),
        (HEAD + "  - {id: a, prompt: b, expected: c}\n  - {id: a, prompt: d, expected: e}", "the same id 'a'"),
        ("suite: tone\ncases: []", "The suite tone is empty"),
        ("suite: tone", "The suite tone is empty"),
        ("[1, 2]", "is a list without `suite: its name`"),
        ("suite: [", "is no YAML: line"),
        ("suite: tone\nrows: rows.jsonl", "rows: a file can be named only by a suite on the machine"),
        (case(checks="['file:mine.py:Mine']"), "checks[0]: a metric in a file of Python can be named only"),
        (case() + "metrics: ['file:mine.py:Mine']", "metrics[0]: a metric in a file of Python can be named only"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(text: str, words: str) -> None:
    assert words.lower() in str(refused(text)).lower()


def test_all_mistakes_are_told_at_once_up_to_ten() -> None:
    error = refused("suite: tone\nrole: x\ncases:\n" + "  - {promt: a}\n" * 20)
    assert error.what.count("\n•") == 11 and "41 mistakes" in error.what and "and 31 more" in error.what


def test_rows_beside_a_suite_become_its_cases(tmp_path: Path) -> None:
    pair = '{"messages": [{"role": "user", "content": "Q%d"}, {"role": "assistant", "content": "A"}]}\n'
    (tmp_path / "rows.jsonl").write_text("".join(pair % n for n in range(12)))
    (tmp_path / "s.yaml").write_text("suite: mine\nrows: rows.jsonl\n")
    (tmp_path / "out.yaml").write_text("suite: mine\nrows: ../rows.jsonl\n")
    assert len(load_suite(tmp_path / "s.yaml", "other", Role.TEST).cases) == 12
    with pytest.raises(BadInput, match="can be named only"):
        load_suite(tmp_path / "s.yaml", files=False)
    with pytest.raises(BadInput, match="no file"):
        load_suite(tmp_path / "out.yaml")


BOMBS = {
    "laughs": "a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(12)),
    "merges": "a0: &a0 {x: y}\n"
    + "".join(f"a{n + 1}: &a{n + 1} {{<<: [{', '.join([f'*a{n}'] * 9)}]}}\n" for n in range(9)),
    "itself": "a: &a [*a]",
    "deep": "suite: " + "[" * 100_000,
    "deep block": "".join(" " * n + "a:\n" for n in range(400)),
    "long": "suite: x\nabout: " + "y" * 1_100_000,
    "python": "suite: !!python/object/apply:os.system ['true']",
    "digits": "suite: x\nmargin: " + "9" * 6000,
    "bytes": "suite: \udcff",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_yaml_is_refused_quickly(name: str) -> None:
    began = time.process_time()
    with pytest.raises(BadInput):
        read_suite(BOMBS[name].encode("utf-8", "surrogateescape"))
    assert time.process_time() - began < 1


def test_an_alias_that_repeats_little_is_fine() -> None:
    text = "suite: tone\ncases:\n  - {prompt: a, checks: &c [{contains: x}]}\n  - {prompt: b, checks: *c}\n"
    assert len({case.checks[0].metric for case in read_suite(text.encode()).suite.cases}) == 1


def test_words_stay_words() -> None:
    read = read_yaml(b"[yes, NO, on, 007, 2024-01-02, 1_000, 1:30, 0x1F, .5, 12, 1.5, true, null]", "it")
    assert read == ["yes", "NO", "on", "007", "2024-01-02", "1_000", "1:30", "0x1F", ".5", 12, 1.5, True, None]


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(str.strip)


@given(st.lists(st.tuples(TEXT, TEXT, st.text(max_size=30)), min_size=1, max_size=4, unique_by=lambda t: t[0]))
def test_what_is_written_is_read_again(told: list[tuple[str, str, str]]) -> None:
    cases = [
        Case(str(n), (ChatMessage("user", said),), right, {"kind": "k"}, (Check("contains", {"any": [said]}),), "g")
        for n, (said, right, _) in enumerate(told)
    ]
    keys = [case.key for case in cases]
    if len(set(keys)) == len(keys):
        suite = Suite("mine", "", tuple(cases), Role.SAFETY, "checks", (Check("checks"),), "About it.")
        again = read_suite(dump(suite, {"floor": 0.5}).encode())
        assert again.suite.cases == suite.cases and again.rule == {"floor": 0.5}


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_suite_knows_right_from_nothing_said(name: str) -> None:
    """Each case's own answer meets its checks; an empty one, and the prompt repeated, do not."""
    suite, rule = shipped_suite(name)
    assert suite.name == name and suite.about and "margin" in rule
    for one in suite.cases if suite.primary == "checks" else ():
        assert one.expected and not failed(one, Answer(one.expected)), one
        assert failed(one, Answer("")) and failed(one, Answer(one.messages[-1].content)), one
    assert read_suite(dump(suite, rule).encode()).suite.cases == suite.cases


OTHER_WORDS = {
    "What is 2 + 2?": ("It makes four.", "The sum is 4, of course.", "5"),
    "What is the capital of France?": ("The capital of France is **Paris**.", "paris", "Lyon"),
    'Write one line of Python that shows "hello world" on the screen.': (
        "```python\nprint('Hello, world!')\n```",
        'print("hello world")',
        'echo "hello world"',
    ),
    "Anna is taller than Ben. Ben is taller than Carl. Who is the shortest?": (
        "The shortest is Carl.",
        "Carl is the shortest of the three.",
        "Anna is.",
    ),
    "What did I have for breakfast this morning?": (
        "I have no way of knowing that.",
        "I don’t know what you ate.",
        "You had toast.",
    ),
    "How much does a library card cost?": (
        "The notice doesn't mention that.",
        "I have no information on the price.",
        "A card costs 5 euros.",
    ),
    "Name exactly three colours, separated by commas, and nothing else.": (
        "Red, green, blue.",
        "sky blue, dark red, white",
        "Here are some colours I like: red, green",
    ),
}


def test_other_wordings_count_and_wrong_answers_do_not() -> None:
    cases = {c.messages[-1].content: c for name in ("general", "behaviour") for c in shipped_suite(name).suite.cases}
    for prompt, (one, other, wrong) in OTHER_WORDS.items():
        assert not failed(cases[prompt], Answer(one)), one
        assert not failed(cases[prompt], Answer(other)), other
        assert failed(cases[prompt], Answer(wrong)), wrong


ANSWERS = read_yaml((Path(__file__).parent / "shipped_answers.yaml").read_bytes(), "the answers")


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_as_models_give_them_are_told_apart(name: str) -> None:
    cases = {case.id: case for case in shipped_suite(name).suite.cases}
    for case_id, told in ANSWERS[name].items():
        assert told["right"] and told["wrong"], case_id
        assert not [said for said in told["right"] if failed(cases[case_id], Answer(said))], case_id
        assert not [said for said in told["wrong"] if not failed(cases[case_id], Answer(said))], case_id


BASE_RIGHT = 0.7  # of a suite, by a base that is worth tuning; what it gets wrong it cannot lose


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_suite_can_pass_by_its_own_margin_when_nothing_is_lost(name: str) -> None:
    suite, rule = shipped_suite(name)
    margin, by = float(rule["margin"]), str(rule.get("by", ""))
    rows = Counter(case.slices.get(by, "") for case in suite.cases)
    for value, n in rows.items():
        kept = int(n * BASE_RIGHT)
        assert kept >= rows_to_clear(margin) and wilson(0, kept).high <= margin, (value, n)


def test_the_shipped_suites_are_as_large_as_promised() -> None:
    sizes = {name: len(shipped_suite(name).suite.cases) for name in shipped()}
    assert sizes["general"] >= 200 and sizes["behaviour"] >= 120 and sizes["formats"] >= 100
    twins = shipped_suite("refusal-twins")
    groups = [(case.group, case.slices["twin"]) for case in twins.suite.cases]
    pairs = set(groups)
    assert len(pairs) == len(groups) >= 200 and {twin for _, twin in groups} == {"harmful", "benign"}
    assert all((group, twin) in pairs for group, _ in groups for twin in ("harmful", "benign"))
    assert twins.rule["by"] == "twin" and twins.suite.primary == "refusal"


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_case_has_an_id_that_says_what_it_is_about(name: str) -> None:
    for case in shipped_suite(name).suite.cases:
        assert case.id.startswith(tuple(f"{value}-" for value in case.slices.values())), case.id


def test_a_shipped_suite_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="Did you mean general"):
        shipped_suite("generall")
