from __future__ import annotations

from pathlib import Path

import pytest

from trainer.errors import BadInput
from trainer.inference.chat import load_tokenizer
from trainer.methods.preflight import check
from trainer.methods.preflight.rows import same_prompt
from trainer.methods.rows import IGNORED, Counts, Encoded, EncodedRows


def encoded(*rows: Encoded) -> EncodedRows:
    return EncodedRows(list(rows), Counts(rows=len(rows)))


def test_nothing_to_learn_is_refused(pebble: Path) -> None:
    with pytest.raises(BadInput, match="None of the 0 rows"):
        check(load_tokenizer(str(pebble)), encoded())


def test_an_end_that_is_not_taught_is_refused(pebble: Path) -> None:
    with pytest.raises(BadInput, match="would not stop") as caught:
        check(load_tokenizer(str(pebble)), encoded(Encoded([9, 10, 11], [IGNORED, 10, 11])))
    assert caught.value.code == "end_not_taught"


def test_two_beginnings_are_refused(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    tokenizer.bos_token = "<|system|>"
    bos, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    with pytest.raises(BadInput, match="two beginning-of-sequence"):
        check(tokenizer, encoded(Encoded([bos, bos, 9, end], [IGNORED, IGNORED, 9, end])))


def test_good_rows_give_figures(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    good = encoded(Encoded([9, 10, 1], [IGNORED, 10, tokenizer.eos_token_id]))
    assert check(tokenizer, good)["rows_that_teach_the_end"] == 1


ASKED = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}]


def test_a_prompt_that_serving_writes_otherwise_is_refused(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    assert same_prompt(tokenizer, ASKED).ok is True
    tokenizer.chat_template = tokenizer.chat_template.replace("{% if add_generation_prompt %}", OTHERWISE)
    failed = same_prompt(tokenizer, ASKED)
    assert failed.ok is False and "otherwise in training than in serving" in failed.words and failed.fix


def test_an_answer_to_nothing_has_no_prompt_to_compare(pebble: Path) -> None:
    alone = [{"messages": [{"role": "assistant", "content": "yes"}]}]
    tokenizer = load_tokenizer(str(pebble))
    assert same_prompt(tokenizer, alone).ok is None
    assert same_prompt(tokenizer, [*alone, *ASKED]).ok is True


OTHERWISE = "{% if add_generation_prompt %}Now answer: "


def test_each_row_check_says_its_words(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    good = encoded(Encoded([9, 10, 1], [IGNORED, 10, tokenizer.eos_token_id]))
    told = check(tokenizer, good, rows=ASKED)["preflight"]
    assert [(one["name"], one["ok"]) for one in told] == [(n, True) for n in ("supervised", "bos", "end", "template")]
    assert told[0]["words"].startswith("2 of 3 tokens (67%)")
