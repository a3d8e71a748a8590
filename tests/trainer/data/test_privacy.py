"""The privacy check against a labelled corpus, and what holds for any text."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.data.privacy_corpus import CLASSES, Case, build, row
from trainer.data.privacy.find import Hit, candidates, find
from trainer.data.privacy.kinds import KINDS
from trainer.data.privacy.redact import redact_row, redact_text

CASES = build()
EXTRA = 2  # characters by which a hit may be longer than the value


def _right(hit: Hit, case: Case) -> bool:
    end = case.start + len(case.value)
    covers = hit.start <= case.start and hit.end >= end and hit.end - hit.start <= len(case.value) + EXTRA
    return case.positive and hit.kind == case.kind and covers


def _table(cases: list[Case]) -> dict[str, tuple[int, int, int]]:
    """Class → positives, found ones, false alarms of this class anywhere."""
    positives, found, alarms = Counter[str](), Counter[str](), Counter[str]()
    for case in cases:
        positives[case.kind] += case.positive
        for hit in find(case.text):
            if _right(hit, case):
                found[case.kind] += 1
            else:
                alarms[hit.kind] += 1
    return {kind: (positives[kind], found[kind], alarms[kind]) for kind in CLASSES}


def test_recall_and_precision_of_every_class(record_property):
    lines = []
    poor = []
    for kind, (positives, found, alarms) in _table(CASES).items():
        recall, precision = found / positives, found / max(1, found + alarms)
        lines.append(f"{kind:20} positives {positives:3}  recall {recall:.3f}  precision {precision:.3f}")
        if recall < 0.95 or precision < 0.9:
            poor.append(lines[-1])
    record_property("privacy", lines)
    print("\n" + "\n".join(lines))
    assert not poor, "\n".join(lines)


def test_the_corpus_is_large_enough_and_every_kind_stands_in_it():
    positives = Counter(case.kind for case in CASES if case.positive)
    negatives = Counter(case.kind for case in CASES if not case.positive)
    assert positives.total() >= 400 and negatives.total() >= 400
    assert min(positives.values()) >= 20 and min(negatives.values()) >= 20
    assert set(positives) == set(negatives) == set(CLASSES) == set(KINDS)


def _spelled(text: str, rng: random.Random) -> str:
    """The same JSON with some of its letters written as escapes."""
    return "".join(f"\\u{ord(c):04x}" if c.isalnum() or (c in "@." and rng.random() < 0.3) else c for c in text)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_no_row_with_a_hit_is_passed_over_in_its_raw_json(ascii_only):
    rows = [row(case) for case in CASES]
    raw = "".join(json.dumps(r, ensure_ascii=ascii_only) + "\n" for r in rows).encode()
    looked_at = set(candidates(raw))
    missed = [i for i, r in enumerate(rows) if redact_row(r)[1] and i not in looked_at]
    assert not missed, [CASES[i] for i in missed]


def test_escapes_neither_hide_nor_invent():
    rng = random.Random(3)
    values = [c.value for c in CASES if c.positive and c.value.isascii() and c.value.isprintable()]
    lines = [
        '{"content": "' + _spelled(value, rng) + '"}' for value in values if '"' not in value and "\\" not in value
    ]
    assert len(list(candidates("\n".join(lines).encode()))) == len(lines)
    assert not find(json.loads('"line one\\nann@ 4 o\'clock"'))
    assert find(json.loads('"me:\\nann\\u0040firm.de"')) == [Hit("email", 4, 15)]


def test_candidate_lines_are_numbered_from_the_first():
    raw = b'{"a": "x"}\n{"a": "me@firm.de, you@firm.de"}\n\n{"a": 1}\n{"a": "me@firm.de"}'
    assert list(candidates(raw)) == [1, 4]
    assert list(candidates(b"")) == []


@pytest.mark.parametrize("case", CASES[::7], ids=lambda c: c.kind)
def test_a_row_redacted_has_no_hits_keeps_its_shape_and_stays_so(case):
    before = row(case)
    kept = json.dumps(before)
    after, counts = redact_row(before)
    assert json.dumps(before) == kept
    assert [m["role"] for m in after["messages"]] == [m["role"] for m in before["messages"]]
    assert bool(counts) >= case.positive
    assert redact_row(after) == (after, Counter())
    assert not case.positive or case.value not in json.dumps(after, ensure_ascii=False)


def test_the_same_value_has_the_same_number_within_a_row():
    said = {
        "messages": [
            {"role": "user", "content": "ann@firm.de, bob@firm.de"},
            {"role": "assistant", "content": "ANN@firm.de"},
        ]
    }
    redacted, counts = redact_row(said)
    assert redacted["messages"][0]["content"] == "[EMAIL_1], [EMAIL_2]"
    assert redacted["messages"][1]["content"] == "[EMAIL_1]"
    assert counts == {"email": 3}
    assert redact_text("[EMAIL_1] and ann@firm.de")[0] == "[EMAIL_1] and [EMAIL_2]"


def test_arguments_of_a_tool_call_stay_json_with_their_layout():
    arguments = (
        '{ "to": "ann@firm.de",\n  "card": 4111111111111111, "n": [1, 2.50], "phone": "0612345678",\n '
        '"in": "{\\"pin\\": \\"ann@firm.de\\"}"}'
    )
    redacted, _ = redact_row({"messages": [{"tool_calls": [{"function": {"arguments": arguments}}]}]})
    text = redacted["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert text.startswith('{ "to": "[EMAIL_1]",\n  "card": "[CARD_1]", "n": [1, 2.50], "phone": "[PHONE_1]"')
    assert json.loads(json.loads(text)["in"]) == {"pin": "[EMAIL_1]"}


def test_only_chosen_kinds_are_redacted():
    assert redact_text("ann@firm.de 192.168.1.20", {"email"})[0] == "[EMAIL_1] 192.168.1.20"


PIECES = st.sampled_from(
    [c.value for c in CASES if c.positive]
    + ["call ", "IBAN ", "password: ", "@", "\\", "\n", "4", ".", "-", "é", "号", "\ud800", "_1]", "["]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=8).map("".join))
def test_any_text_can_be_searched_and_redacted_once(text):
    hits = find(text)
    assert all(0 <= h.start < h.end <= len(text) for h in hits)
    assert all(a.end <= b.start for a, b in itertools.pairwise(hits))
    once, counts = redact_text(text)
    assert not {hit.kind for hit in find(once)} & set(counts)
    assert redact_text(once) == (once, Counter())


HOSTILE = {
    "a": "a", "digits": "1", "at": "a@", "mail": "a@b.c", "dots": "1.1.1.1.", "colons": "1:", "hex": "ab:", "dashes": "12-", "begin": "-----BEGIN PRIVATE KEY-----",  # noqa: E501
    "jwt": "eyJhbGci.", "pass": "password=", "passes": "password: a1b2", "url": "http://a:b", "sk": "sk-", "card": "4111 ", "zeros": "0 ", "plus": "+1 ",  # noqa: E501
    "street": "1 A ", "iban": "DE89 3704 ", "quote": '"', "brace": "{", "call": "call 0", "wide": "１２", "paren": "(", "at-spelled": "a [at] ", "order": "order ",  # noqa: E501
}  # fmt: skip


SIZE = 2**18


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_searched_in_linear_time(name):
    """Longer than a piece; a quadratic search would run into the time limit of tests."""
    find((HOSTILE[name] * (SIZE // len(HOSTILE[name]) + 1))[:SIZE])
