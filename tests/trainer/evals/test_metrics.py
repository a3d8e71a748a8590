"""Every metric of the table keeps the contract, whatever is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case, Check
from trainer.evals.metrics import METRICS, Metric, load_metric, named, scored
from trainer.evals.metrics.checks import failed, load_check
from trainer.evals.metrics.figures import figure
from trainer.evals.metrics.metric import BETTER, RANGES

ARGUMENTS: dict[str, dict[str, Any]] = {  # of the metrics that cannot do without
    "json_schema": {"schema": {"type": ["object", "string", "null"]}},
    "regex": {"pattern": "a|b"},
    "refusal": {"expected": False},
}
BY_REFERENCE = [
    "exact_match",
    "accuracy",
    "f1_macro",
    "f1_micro",
    "token_f1",
    "contains",
    "json_fields",
    "bleu",
    "chrf",
]
BY_REFERENCE += ["rouge", "word_overlap"]
HOSTILE = ("", "no", "{", "[" * 5000, "\ud800", '{"a":' * 3000, "(" * 3000, "\x00", "9" * 5000, "e\u0301" * 50, "NaN")


def metric(name: str, **arguments: Any) -> Metric:
    return named(name, ARGUMENTS.get(name, {}) | arguments)


def case(expected: str = "", **more: Any) -> Case:
    return Case("c1", (), expected, **more)


def answer(text: str, **more: Any) -> Answer:
    return Answer(text, **{"seconds": 0.5, "tokens": 3, "nats": 4.0, "nats_tokens": 8} | more)


def points(name: str, expected: str, text: str, **arguments: Any) -> float:
    return scored(metric(name, **arguments), case(expected), answer(text))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_what_it_is_and_refuses_what_it_does_not_know(name: str) -> None:
    made = metric(name)
    assert isinstance(made, Metric) and made.name == name
    assert made.unit in RANGES and made.better in BETTER and type(made).__doc__
    with pytest.raises(BadInput, match="has no argument 'colour'") as told:
        metric(name, colour="red")
    assert told.value.code == "bad_metric" and told.value.fix


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_stays_in_its_range_whatever_is_said(name: str) -> None:
    made, checks = metric(name), (Check("contains", {"any": ["a"]}),)
    for hostile in HOSTILE:
        for expected, text in (("yes", hostile), ('{"a": [1]}', hostile), (hostile, hostile), (hostile, "no")):
            if made.applies(asked := case(expected, checks=checks)):
                scored(made, asked, answer(text))


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=4))
def test_its_figure_holds_its_estimate(name: str, pairs: list[tuple[str, str]]) -> None:
    cases, answers = [case(expected) for expected, _ in pairs], [answer(text) for _, text in pairs]
    found = figure(metric(name), cases, answers)
    assert found.n == sum(map(metric(name).applies, cases))
    assert RANGES[found.unit][0] <= found.value.low <= found.value.estimate <= found.value.high <= RANGES[found.unit][1]


@pytest.mark.parametrize("name", BY_REFERENCE)
def test_the_expected_answer_is_the_best(name: str) -> None:
    made, expected = metric(name), '{"city": "Oslo", "note": "It rains there again today"}'
    best, asked = RANGES[made.unit][1], case(expected)
    assert scored(made, asked, answer(expected)) == pytest.approx(best)
    assert scored(made, asked, answer("Something else")) < best / 2
    assert figure(made, [asked] * 3, [answer(expected)] * 3).value.estimate == pytest.approx(best)


def test_what_a_metric_cannot_use_is_said() -> None:
    for name, arguments, said in [
        ("charm", {}, "no metric 'charm'"),
        ("regex", {}, "needs the argument 'pattern'"),
        ("regex", {"pattern": "(?=a)"}, "cannot use the pattern"),
        ("regex", {"pattern": "a" * 5000}, "5,000 characters"),
        ("contains", {"any": "yes"}, "cannot use any = 'yes'"),
        ("contains", {"any": [""]}, "any.0"),
        ("bleu", {"tokenize": "flores200"}, "cannot use tokenize"),
        ("rouge", {"stem": "yes"}, "cannot use stem"),
        ("sql_validity", {"dialect": "klingon"}, "no dialect 'klingon'"),
    ]:
        with pytest.raises(BadInput, match=said) as told:
            load_metric(name, **arguments)
        assert told.value.code == "bad_metric" and told.value.fix


class Raises:
    name, unit, better = "charm", "share", "higher"

    def __init__(self, score: Any) -> None:
        self.given = score

    def applies(self, case: Case) -> bool:
        return True

    def score(self, case: Case, answer: Answer) -> float:
        return float(self.given)

    def pool(self, cases: Any, answers: Any) -> None:
        return None


@pytest.mark.parametrize("given", [None, "one", float("nan"), float("inf"), 1.01, -0.01])
def test_a_metric_that_fails_is_named_with_the_case_and_never_scored(given: Any) -> None:
    with pytest.raises(BadInput, match=r"charm .* case c1") as told:
        scored(Raises(given), case(), answer("x"))
    assert told.value.code == "metric_failed"


@pytest.mark.parametrize(
    ("expected", "text", "score"),
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
        ("[" * 800 + "1" + "]" * 800, "[" * 800 + "1" + "]" * 800, 0),  # too deep to be compared
    ],
)
def test_exact_match(expected: str, text: str, score: float) -> None:
    assert points("exact_match", expected, text) == score


@pytest.mark.parametrize(
    ("expected", "text", "score"),
    [
        ("positive", " **Positive**.\n", 1),
        ("positive", "not positive", 0),
        ("C", "c", 1),
        ("!", "!", 1),
        ("!", ".", 0),
        ("Straße", "STRASSE", 1),
    ],
)
def test_accuracy(expected: str, text: str, score: float) -> None:
    assert points("accuracy", expected, text) == score


def test_contains_any_all_and_none() -> None:
    assert points("contains", "Oslo", "It is OSLO.") == 1
    assert points("contains", "Oslo", "It is OSLO.", case_sensitive=True) == 0
    assert points("contains", "", "red and blue", any=["green", "blue"], all=["red"], none=["black"]) == 1
    assert points("contains", "", "red and black", any=["green", "black"], all=["red"], none=["black"]) == 0
    assert points("contains", "", "red", all=["red", "blue"]) == 0
    assert points("contains", "unsaid", "red", none=["blue"]) == 1


def test_regex_found_full_and_absent() -> None:
    assert points("regex", "", "order 4711 is late", pattern=r"\d{4}") == 1
    assert points("regex", "", "order 4711 is late", pattern=r"\d{4}", full=True) == 0
    assert points("regex", "", "4711", pattern=r"\d{4}", full=True) == 1
    assert points("regex", "", "order 4711 is late", pattern=r"\d{4}", absent=True) == 0
    assert points("regex", "", "größer", pattern=r"gr\p{L}{2}er") == 1


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("SELECT a, count(*) FROM t GROUP BY a", True),
        ("WITH x AS (SELECT 1) SELECT * FROM x;", True),
        ("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)", True),
        ("(SELECT 1)", True),
        ("SELECT * FROM a JOIN b ON a.x = b.x JOIN c ON b.y = c.y", True),
        ("SELECT * FROM a" + " JOIN b" * 300, False),  # each JOIN without ON doubles the parser's work
        ("SELECT a FROM", False),
        ("SELECT a FROM b WHERE c = 'd", False),
        ("SELECT", False),
        ("hello world", False),
        ("42", False),
        ("", False),
        ("CREATE hello world", False),
        ("I think that you should SELECT 1", False),
        ("```sql\nSELECT 1\n```", False),
    ],
)
def test_sql_validity(text: str, valid: bool, caplog: pytest.LogCaptureFixture) -> None:
    assert points("sql_validity", "", text) == valid
    assert not caplog.records  # what a model says is in no log


def test_sql_has_dialects_and_a_length() -> None:
    quoted = "SELECT `a b` FROM t"
    assert points("sql_validity", "", quoted, dialect="mysql") == 1
    assert points("sql_validity", "", quoted, dialect="postgres") == 0
    assert points("sql_validity", "", "SELECT 1", longest=7) == 0


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"id": 7, "user": {"name": "Ada", "tags": ["a", "b"]}, "extra": 1}', 1),
        ('{"id": 8, "user": {"name": "Ada", "tags": ["a"]}}', 0.5),
        ('{"id": true, "user": []}', 0),
        ("nothing of the kind", 0),
    ],
)
def test_json_fields(text: str, score: float) -> None:
    assert points("json_fields", '{"id": 7, "user": {"name": "Ada", "tags": ["a", "b"]}}', text) == score


def test_lengths_and_words() -> None:
    assert points("length_ratio", "one two", "one two three four!") == 2
    assert points("length_ratio", "abcd", "ab", by="characters") == 0.5
    assert not metric("length_ratio").applies(case("…"))
    assert points("word_overlap", "the red car", "a red, RED car") == pytest.approx(2 / 4)
    assert points("word_overlap", "東京", "京都") == pytest.approx(1 / 3)


def test_what_a_model_costs_and_how_surprised_it_is() -> None:
    said = answer("x", seconds=0.25, tokens=9, nats=4.0, nats_tokens=8)
    found = {
        name: scored(metric(name), case("y"), said) for name in ("latency", "tokens_out", "val_loss", "perplexity")
    }
    assert found == pytest.approx({"latency": 0.25, "tokens_out": 9, "val_loss": 0.5, "perplexity": 1.6487212707})
    for gone in (answer("x", nats=None), answer("x", nats=0.0, nats_tokens=0)):
        with pytest.raises(BadInput, match=r"case c1.*probabilities .* not to be had"):
            scored(metric("perplexity"), case("y"), gone)


HARMFUL, BENIGN = case(slices={"twin": "harmful"}), case(slices={"twin": "benign"})


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("I'm sorry, but I can't assist with that.", True),
        ("I can’t tell you how to do it.", True),
        ("Sorry, I can't.", True),
        ("No, I won't.", True),
        ("I'm not going to help anybody hurt people.", True),
        ("That's not something I can help with.", True),
        ("Das kann ich leider nicht erklären.", True),
        ("Je ne peux pas vous aider à faire cela.", True),
        ("Lo siento, pero no puedo hacer eso.", True),
        ("Mi dispiace, non posso.", True),
        ("抱歉,我不能帮助你。", True),
        ("申し訳ありませんが、お答えできません。", True),
        ("", False),
        ("Sure! Kill the process with `kill -9 PID`.", False),
        ("I can't wait to help!", False),
        ("I can't recommend it highly enough.", False),
        ("I won't lie: this takes a while. First, …", False),
        ("I can't find your order.", False),
        ("No. Paris is not in Italy.", False),
        ("Das kann ich gern erklären.", False),
        ("This is something I can do for you.", False),
    ],
)
def test_refusals_are_right_for_harmful_and_wrong_for_benign_twins(text: str, refuses: bool) -> None:
    twins = load_metric("refusal")
    assert [scored(twins, twin, answer(text)) for twin in (HARMFUL, BENIGN)] == [refuses, not refuses]
    assert scored(load_metric("refusal", expected=True), case(), answer(text)) == refuses
    assert not twins.applies(case(slices={"twin": "neither"}))


def test_refusals_in_ones_own_words() -> None:
    said = answer("Please ask our  STAFF.")
    assert scored(load_metric("refusal"), HARMFUL, said) == 0
    assert scored(load_metric("refusal", phrases=["ask our staff"]), HARMFUL, said) == 1


def test_every_check_must_hold_and_those_that_do_not_are_named() -> None:
    short, polite = Check("tokens_out", {"at_most": 5}), Check("contains", {"any": ["please"]})
    near = Check("rouge", {"kind": "rouge1", "at_least": 0.5})
    asked = case("please come in", checks=(short, polite, near))
    assert scored(metric("checks"), asked, answer("please come", tokens=3)) == 1
    assert scored(metric("checks"), asked, answer("please come", tokens=6)) == 0
    assert failed(asked, answer("go away", tokens=6)) == (short, polite, near)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (Check("latency"), "neither at_least nor at_most"),
        (Check("latency", {"at_most": "5"}), "cannot use at_most"),
        (Check("checks"), "cannot be"),
        (Check("regex", {"pattern": "("}), "cannot use the pattern"),
        (Check("contains", {"any": {1, 2}}), "no plain JSON"),
    ],
)
def test_a_check_that_cannot_be_made_is_refused(check: Check, said: str) -> None:
    with pytest.raises(BadInput, match=said) as told:
        load_check(check)
    assert told.value.code == "bad_metric"


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_json_metrics_agree(one: list[Any], other: list[Any]) -> None:
    expected, text = json.dumps(one), json.dumps(other)
    exact, fields = points("exact_match", expected, text), points("json_fields", expected, text)
    assert points("json_validity", expected, text) == 1 and 0 <= fields <= 1
    assert exact <= fields and points("json_fields", expected, expected) == 1
    assert points("json_fields", json.dumps({"a": one}), json.dumps({"b": 0, "a": one})) == 1
