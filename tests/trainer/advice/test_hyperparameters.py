"""Advice on values: every one can be trained with, has a reason, and moves with the data as it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.advice.hyperparameters import Known, hyperparameters
from trainer.methods.spec import RunSpec

EIGHT_B = Known(rows=2_000, tokens=600_000, p95=450, longest=700, parameters=8_000_000_000, context=131_072)


def values(known: Known) -> dict[str, Any]:
    return {one.name: one.value for one in hyperparameters(known)}


@given(
    st.integers(1, 10**6),
    st.integers(1, 4000),
    st.integers(10**6, 10**11),
    st.sampled_from([512, 2048, 131_072]),
    st.sampled_from(["lora", "qlora", "full"]),
    st.sampled_from(["supervised", "dpo", "kto"]),
    st.booleans(),
)
def test_every_advice_can_be_trained_with_and_says_why(
    rows: int, length: int, parameters: int, context: int, method: str, objective: str, replay: bool
) -> None:
    known = Known(rows, rows * length, length, 2 * length, parameters, context, method, objective, replay)
    advised = hyperparameters(known)
    spec = RunSpec(**{one.name: one.value for one in advised})
    assert spec.max_length is not None and spec.max_length <= context and 1 <= spec.epochs <= 15
    assert all(one.why and not one.why.endswith(".") for one in advised)


def test_figures_of_a_usual_run() -> None:
    found = values(EIGHT_B)
    assert (found["lora_r"], found["lora_alpha"], found["batch_size"]) == (16, 32, 16)
    assert 1e-4 <= found["learning_rate"] <= 3e-4
    assert found["max_length"] == 768 and 1 <= found["epochs"] <= 3


def test_more_rows_mean_more_rank_and_fewer_epochs() -> None:
    few, many = replace(EIGHT_B, rows=300, tokens=90_000), replace(EIGHT_B, rows=60_000, tokens=18_000_000)
    assert values(few)["lora_r"] < values(EIGHT_B)["lora_r"] < values(many)["lora_r"]
    assert values(few)["epochs"] > values(many)["epochs"] == 1
    assert "lora_dropout" in values(few) and "lora_dropout" not in values(many)


def test_preferences_move_a_tenth_as_fast_and_pass_twice_at_most() -> None:
    usual, dpo = values(EIGHT_B), values(replace(EIGHT_B, objective="dpo", rows=200, tokens=60_000))
    assert dpo["learning_rate"] == pytest.approx(usual["learning_rate"] / 10, rel=0.05)
    assert dpo["epochs"] == 2


def test_a_few_giants_are_cut_and_that_is_said() -> None:
    advised = {one.name: one for one in hyperparameters(replace(EIGHT_B, longest=9_000))}
    assert advised["max_length"].value == 512 and "up to 9,000" in advised["max_length"].why
