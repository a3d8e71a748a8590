"""What a dataset teaches, at the door of training: its kind of rows decides, and what does not fit is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.blocks import approval
from tests.conftest import ROOT
from tools import building, datasets, sentences, training
from tools.context import TRAINER, Caller, Context
from tools.specs import spec_for
from trainer.errors import BadInput
from trainer.methods.preflight import fit
from trainer.services import Services
from trainer.store.tables import Dataset

PREFERENCES = ROOT / "examples" / "preferences.jsonl"
PAIRS = PREFERENCES.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def context(services: Services) -> Context:
    return Context(Caller("U1", "Ada", frozenset({TRAINER}), "T1", {"channel": "C1", "thread_ts": "1.0"}), services)


def kept(context: Context, path: Path) -> Dataset:
    made = datasets.keep(context, path, filename=path.name).dataset
    assert made
    return made


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_dropped_pairs_ask_for_dpo_and_the_request_says_so(context: Context) -> None:
    row = kept(context, PREFERENCES)

    asked = training.request(context, None, {})

    assert (asked.spec.objective, asked.approval.subject["spec"]["objective"]) == ("dpo", "dpo")
    assert "a pair counts with each of its answers" in asked.estimate.basis
    assert asked.estimate.tokens > 0 and "dpo with lora" in sentences.train_request(asked)
    assert asked.dataset.id == row.id and sum(asked.approval.subject["split"]["counts"].values()) == 60


def test_pairs_are_refused_for_a_supervised_run_with_the_fix_named(context: Context) -> None:
    kept(context, PREFERENCES)

    with pytest.raises(BadInput, match="pairs of a better and a worse answer") as caught:
        training.request(context, None, {"objective": "supervised"})

    assert caught.value.code == "objective_does_not_fit" and "dpo, orpo or kto" in (caught.value.fix or "")
    assert context.services.approvals.pending() == []


@pytest.mark.parametrize(
    ("overrides", "param"),
    [
        ({"objective": "kto", "method": "prompt"}, "method"),
        ({"objective": "orpo", "method": "prefix"}, "method"),
        ({"replay": 0.5}, "replay"),
        ({"objective": "kto", "batch_size": 1}, "batch_size"),
        ({"settings": {"target_modules": "lm_head"}}, "target_modules"),
    ],
)
def test_what_does_not_go_with_preferences_is_refused_before_it_is_asked_for(
    context: Context, overrides: dict[str, Any], param: str
) -> None:
    kept(context, PREFERENCES)

    with pytest.raises(BadInput) as caught:
        training.request(context, None, overrides)

    assert caught.value.param == param and caught.value.fix


@pytest.mark.parametrize(
    ("made", "objective"),
    [
        (lambda n: {"text": f"page {n} of the book"}, "supervised"),
        (lambda n: {"prompt": f"ask {n}", "completion": f"says {n}", "label": n % 2 == 0}, "kto"),
        (lambda n: {"prompt": f"ask {n}", "completion": f"says {n}"}, "supervised"),
    ],
)
def test_every_kind_that_teaches_can_be_asked_for(context: Context, tmp_path: Path, made: Any, objective: str) -> None:
    row = kept(context, write(tmp_path / "f.jsonl", [made(n) for n in range(30)]))

    spec = spec_for(row, {})

    assert spec.objective == objective and training.plan(context, row, spec).estimate.tokens > 0


def test_rows_to_grade_are_refused_in_words(context: Context, tmp_path: Path) -> None:
    asked = [{"messages": [{"role": "user", "content": f"ask {n}"}], "reference": {"answer": n}} for n in range(30)]
    kept(context, write(tmp_path / "f.jsonl", asked))

    with pytest.raises(BadInput, match="does not grade") as caught:
        training.request(context, None, {})

    assert caught.value.code == "not_trainable" and "supervised" in (caught.value.fix or "")


@pytest.mark.parametrize("made", [lambda n: {"text": f"page {n}"}, lambda n: json.loads(PAIRS[n])])
def test_rows_without_one_answer_each_are_not_augmented(services: Services, tmp_path: Path, made: Any) -> None:
    """Split or not: nothing is split for it, and nothing is asked."""
    settings = services.settings.model_copy(update={"llm_base_url": "http://127.0.0.1:9/v1", "llm_model": "writer"})
    origin = {"channel": "C1", "thread_ts": "1.0"}
    context = Context(Caller("U1", "Ada", frozenset({TRAINER}), "T1", origin), replace(services, settings=settings))
    row = kept(context, write(tmp_path / "f.jsonl", [made(n) for n in range(20)]))

    for split_first in (False, True):
        if split_first:
            datasets.make_split(context, row)
        with pytest.raises(BadInput, match="not prompts with answers"):
            building.request_augmentation(context, "augment", row.id)
        assert bool(row.split) is split_first


def test_a_run_that_does_not_fit_here_says_so_before_anybody_pays(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(context, PREFERENCES)
    monkeypatch.setattr(fit, "free_ram", lambda *_: 100 * 2**20)
    asked = training.request(context, None, {})

    said = sentences.train_request(asked)
    assert asked.estimate.fits is False and "It will probably not fit here" in said and "has 0.1 GiB" in said
    assert "It will probably not fit here" in str(approval.asked(asked.approval, asked.dataset).blocks)

    monkeypatch.setattr(fit, "free_ram", lambda *_: 100 * 2**30)
    roomy = training.request(context, None, {})
    assert roomy.estimate.fits and "It fits: 100.0 GiB are there" in sentences.train_request(roomy)
    assert "fit" not in str(approval.asked(roomy.approval, roomy.dataset).blocks)
