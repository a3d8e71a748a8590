from __future__ import annotations

from typing import get_args

import pytest

from trainer.data.formats import Kind
from trainer.data.kinds import HOLDS, TEACHES, objective_for
from trainer.errors import BadInput
from trainer.methods.spec import ObjectiveName


def test_every_kind_and_every_objective_is_in_the_table() -> None:
    assert set(TEACHES) == set(HOLDS) == set(get_args(Kind))
    assert {name for names in TEACHES.values() for name in names} == set(get_args(ObjectiveName))


def test_a_kind_has_its_usual_objective_and_takes_those_that_fit() -> None:
    kinds = ("chat", "", "text", "preference", "unpaired")
    assert [objective_for(kind) for kind in kinds] == ["supervised", "supervised", "supervised", "dpo", "kto"]
    assert objective_for("preference", "orpo") == "orpo"


def test_pairs_are_refused_for_a_supervised_job_and_the_fix_is_named() -> None:
    with pytest.raises(BadInput, match="learns from prompts with answers or plain texts") as caught:
        objective_for("preference", "supervised", name="file-1")
    assert caught.value.code == "objective_does_not_fit" and "Ask for dpo, orpo or kto" in (caught.value.fix or "")


def test_rows_to_grade_are_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match="does not grade") as caught:
        objective_for("reinforcement")
    assert "as dpo" in (caught.value.fix or "")
