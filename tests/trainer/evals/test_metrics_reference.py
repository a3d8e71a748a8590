"""Scores against published values and independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from trainer.evals.case import Answer, Case
from trainer.evals.metrics import load_metric, scored
from trainer.evals.metrics.metric import Pooled

SAID = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
EXPECTED = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
POOLED = ["f1_macro", "f1_micro", "bleu", "chrf", "perplexity", "val_loss"]


def cases(expected: list[str]) -> list[Case]:
    return [Case(str(i), (), text) for i, text in enumerate(expected)]


def answers(said: list[str]) -> list[Answer]:
    return [Answer(text, nats=float(len(text)), nats_tokens=1 + i % 3) for i, text in enumerate(said)]


def pooled(name: str, expected: list[str], said: list[str], **arguments: object) -> float | None:
    return load_metric(name, **arguments).pool(cases(expected), answers(said))


def score(name: str, expected: str, said: str, **arguments: object) -> float:
    return scored(load_metric(name, **arguments), Case("c", (), expected), Answer(said))


labels = st.sampled_from(["red", "green", "blue"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(labels, labels | st.just("no colour at all")), min_size=1, max_size=30))
def test_f1_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    expected, said = [e for e, _ in pairs], [s for _, s in pairs]
    for average in ("macro", "micro"):
        wanted = f1_score(expected, said, labels=sorted(set(expected)), average=average, zero_division=0)
        assert pooled(f"f1_{average}", expected, [f" {s.title()}." for s in said]) == pytest.approx(wanted)


def test_micro_f1_is_accuracy_where_every_answer_is_a_label() -> None:
    assert pooled("f1_micro", ["a", "b", "a", "b"], ["a", "a", "a", "b"]) == pytest.approx(0.75)


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    bleu, chrf = sacrebleu.corpus_bleu(SAID, [EXPECTED]).score, sacrebleu.corpus_chrf(SAID, [EXPECTED]).score
    assert pooled("bleu", EXPECTED, SAID) == pytest.approx(bleu)
    assert pooled("chrf", EXPECTED, SAID) == pytest.approx(chrf)
    plus = sacrebleu.corpus_chrf(SAID, [EXPECTED], word_order=2).score
    assert pooled("chrf", EXPECTED, SAID, word_order=2) == pytest.approx(plus)
    assert score("bleu", EXPECTED[2], SAID[2]) == pytest.approx(sacrebleu.sentence_bleu(SAID[2], [EXPECTED[2]]).score)


def test_bleu_by_hand() -> None:
    """Precisions 5/6, 3/5, 1/4 and 1/(2·3) (smoothed), no penalty for a length that is the same."""
    wanted = 100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25
    assert score("bleu", "the cat sat on the mat", "the cat is on the mat") == pytest.approx(wanted)


def test_signatures_tell_how_a_figure_was_made() -> None:
    version = sacrebleu.__version__
    assert load_metric("bleu").signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}"  # type: ignore[attr-defined]
    assert "|nw:2|" in load_metric("chrf", word_order=2).signature  # type: ignore[attr-defined]


def test_the_example_of_rouge_score() -> None:
    pair = "The quick brown fox jumps over the lazy dog", "The quick brown dog jumps on the log."
    assert score("rouge", *pair, kind="rouge1") == pytest.approx(2 * 0.75 * (6 / 9) / (0.75 + 6 / 9))
    assert score("rouge", *pair) == pytest.approx(2 * 0.625 * (5 / 9) / (0.625 + 5 / 9))
    assert score("rouge", "she jumps", "she jumped", kind="rouge1", stem=True) == 1


def test_rouge_knows_words_that_are_not_ascii() -> None:
    assert score("rouge", "Тёплый день", "тёплый день") == 1
    assert score("rouge", "東京は雨", "京都は雨", kind="rouge1") == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("expected", "said", "wanted"),
    [
        ("Denver Broncos", "The Denver Broncos!", 1),
        ("Denver Broncos", "Broncos", 2 / 3),
        ("Denver Broncos", "Carolina Panthers", 0),
        ("February 7, 2016", "on February 7", 4 / 6),
        ("the the cat", "cat cat", 2 / 3),
        ("the", "", 1),
        ("the", "cat", 0),
    ],
)
def test_token_f1_as_squad_scores_it(expected: str, said: str, wanted: float) -> None:
    assert score("token_f1", expected, said) == pytest.approx(wanted)


@pytest.mark.parametrize("name", POOLED)
@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any))
def test_a_weight_is_a_row_that_stands_so_often(name: str, weights: list[int]) -> None:
    metric, asked, said = load_metric(name), cases(EXPECTED), answers(SAID)
    assert isinstance(metric, Pooled)
    rows = [i for i, times in enumerate(weights) for _ in range(times)]
    repeated = metric.pool([asked[i] for i in rows], [said[i] for i in rows])
    assert metric.weighted(asked, said)(np.array(weights, float)) == pytest.approx(repeated)


def test_perplexity_is_over_tokens_not_over_rows() -> None:
    said = [Answer("", nats=1.0, nats_tokens=1), Answer("", nats=0.0, nats_tokens=9)]
    assert load_metric("perplexity").pool(cases(["a", "b"]), said) == pytest.approx(np.exp(0.1))
    assert load_metric("val_loss").pool(cases(["a", "b"]), said) == pytest.approx(0.1)
