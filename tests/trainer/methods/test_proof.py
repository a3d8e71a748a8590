"""The proof before the first step: each check holds on a good run and fails on one that is broken in its way."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.methods.conftest import ROWS, SPEC, Bench, row
from tests.trainer.methods.test_run import gap, weights
from trainer.errors import BadInput
from trainer.methods import packing, preflight
from trainer.methods.preflight import isolation, proving, rehearsal, sample, trial
from trainer.methods.run import Files, make_trainer, prepare
from trainer.methods.spec import RunSpec

Prepared = Callable[..., tuple[Any, Any]]


@pytest.fixture
def prepared(bench: Bench) -> Prepared:
    """prepared(spec=…) → a run up to its trainer, which nobody has proved yet."""

    def make(spec: RunSpec = SPEC, rows: list[dict[str, Any]] = ROWS) -> tuple[Any, Any]:
        files = Files(bench.write("train", rows))
        run = rehearsal.set_up(spec, str(bench.base), files, bench.folder / "run", lambda stage: None)
        prepare(run)
        return run, make_trainer(run)

    return make


def checks(run: Any, trainer: Any) -> dict[str, bool | None]:
    return {check.name: check.ok for check in proving.attempt(run, trainer)}


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_good_run_passes_and_is_put_back_to_the_bit(prepared: Prepared, method: str) -> None:
    run, trainer = prepared(SPEC.model_copy(update={"method": method}))
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    drawn, state, plain = (torch.get_rng_state(), random.getstate()), repr(run.steward.state), set(vars(trainer))

    assert set(checks(run, trainer).values()) == {True}

    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn[0]) and random.getstate() == drawn[1]
    assert repr(run.steward.state) == state and set(vars(trainer)) == plain
    assert not any(p.grad is not None for p in trainer.model.parameters())


def test_a_run_gives_the_same_weights_with_and_without_proof(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = SPEC.model_copy(update={"epochs": 2, "lora_dropout": 0.1})
    proved = bench.train(spec)
    monkeypatch.setattr(preflight, "proof", lambda run, trainer: [])
    other = Bench(bench.base, tmp_path / "other")
    other.folder.mkdir()
    plain = other.train(spec)

    assert gap(weights(proved.artifact_dir), weights(plain.artifact_dir)) == 0.0
    assert (proved.val_loss, proved.trained_tokens) == (plain.val_loss, plain.trained_tokens)


def test_a_failed_proof_stops_the_run_before_any_step(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "_fell", lambda losses: False)
    monkeypatch.setattr(proving, "_learned_by_heart", lambda losses: False)
    with pytest.raises(BadInput, match="could not be learned by heart") as caught:
        bench.train()
    assert caught.value.code == "preflight_overfit" and caught.value.fix
    assert not any(p.stage == "training" for p in bench.told) and bench.checkpoints == []


def test_a_rehearsal_of_a_broken_base_names_the_check_and_the_fix_and_shows_the_mask(
    bench: Bench, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(bench.base, tmp_path / "broken"))
    mark = "{% if add_generation_prompt %}"
    for path in (broken / "chat_template.jinja", broken / "tokenizer_config.json"):
        if path.is_file():
            path.write_text(path.read_text().replace(mark, f"{mark}Now answer: "))

    found = rehearsal.rehearse(
        SPEC, base=str(broken), files=Files(bench.write("train", ROWS)), work_dir=tmp_path / "run"
    )

    (failed,) = [check for check in found.checks if check.ok is False]
    assert not found.ok and failed.name == "template" and "add_generation_prompt" in failed.words + failed.fix
    assert len(found.masks) == 3 and found.measured == {}


def test_a_collator_that_lets_rows_read_each_other_is_seen(prepared: Prepared) -> None:
    run, trainer = prepared()

    class AllOnes(packing.Collator):
        def __call__(self, batch: list[dict[str, Any]]) -> dict[str, Any]:
            out = super().__call__(batch)
            kept = {k: v for k, v in out.items() if k in ("input_ids", "labels", "real_tokens")}
            return kept | {"attention_mask": torch.ones_like(out["input_ids"])}

    rows = sample.choose(trainer.train_dataset, 2)
    assert isolation.isolated(run, trainer, rows).ok
    trainer.data_collator = AllOnes(0, packed=True)
    assert isolation.isolated(run, trainer, rows).ok is False


def test_a_trainer_that_weighs_parts_of_a_batch_alike_is_seen(prepared: Prepared) -> None:
    rows = [row(f"ask {n}", "yes" + " please" * (n % 8)) for n in range(24)]
    run, trainer = prepared(SPEC.model_copy(update={"packing": False}), rows)
    assert checks(run, trainer)["accumulation"] is True
    whole = trainer.compute_loss

    def mean_of_its_own(model: Any, inputs: Any, **options: Any) -> Any:
        return whole(model, inputs, **options | {"num_items_in_batch": None})

    trainer.compute_loss = mean_of_its_own
    assert checks(run, trainer)["accumulation"] is False


def test_a_loss_that_teaches_nothing_is_seen(prepared: Prepared) -> None:
    run, trainer = prepared()
    whole = trainer.compute_loss
    trainer.compute_loss = lambda *given, **options: (lambda loss: loss.detach() + 0 * loss)(whole(*given, **options))

    found = checks(run, trainer)

    assert (found["overfit"], found["effect"]) == (False, False)


def test_an_adapter_without_effect_is_seen(prepared: Prepared) -> None:
    run, trainer = prepared()
    for module in trainer.model.modules():
        if hasattr(module, "lora_B"):
            module.scaling["default"] = 0.0

    assert checks(run, trainer)["effect"] is False


def test_what_does_not_fit_into_the_time_is_left_out_and_said(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, trainer = prepared()
    monkeypatch.setattr(proving, "OVERFIT_S", 0.0)
    found = {check.name: check for check in proving.attempt(run, trainer)}
    assert found["accumulation"].ok is True
    assert found["overfit"].ok is None and "Left out" in found["overfit"].words


def test_packed_rows_are_taken_apart_and_the_shortest_are_chosen() -> None:
    item = {"input_ids": [1, 2, 3, 4, 5], "labels": [-100, 2, -100, -100, -100], "seq_lengths": [2, 3]}
    assert list(sample.singles([item])) == [
        {"input_ids": [1, 2], "labels": [-100, 2], "seq_lengths": [2]},
        {"input_ids": [3, 4, 5], "labels": [-100, -100, -100], "seq_lengths": [3]},
    ]
    assert [one["input_ids"] for one in sample.choose([item], 2)] == [[1, 2], [1, 2]]  # the other teaches nothing


def test_dropout_is_off_inside_and_back_after_it() -> None:
    layers = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(1, 1))
    layers[1].attention_dropout = 0.25  # type: ignore[assignment]
    with trial.without_dropout(layers):
        assert (layers[0].p, layers[1].attention_dropout) == (0.0, 0.0)
    assert (layers[0].p, layers[1].attention_dropout) == (0.5, 0.25)


def test_rows_that_the_base_knows_already_are_tried_all_the_same(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As rows of old tasks are, which a replay mixes in: there is nothing to learn, and yet the weights must move."""
    monkeypatch.setattr(proving, "LEARNED", 99.0)
    assert set(checks(*prepared()).values()) == {True}
