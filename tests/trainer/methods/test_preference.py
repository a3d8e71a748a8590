"""Learning from preferences: DPO, ORPO and KTO on the pebble."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.conftest import ROOT
from tests.trainer.methods.conftest import SPEC, Bench
from trainer.data.split import split
from trainer.errors import BadInput
from trainer.inference.chat import load_tokenizer, render
from trainer.methods import resolve_objective
from trainer.methods.method import Stopped
from trainer.methods.objectives.kto import Collator, encode_rated
from trainer.methods.objectives.preference import encode_pairs
from trainer.methods.rows import IGNORED

EXAMPLE = ROOT / "examples" / "preferences.jsonl"
OBJECTIVES = ("dpo", "orpo", "kto")
WHOLE = "model.safetensors"
ADAPTER = "adapter_model.safetensors"


def says(role: str, text: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": text}]


def pair(number: int, good: str = "yes please", bad: str = "no way") -> dict[str, Any]:
    sides = {"chosen": says("assistant", good), "rejected": says("assistant", bad)}
    return {"prompt": says("user", f"ask {number}"), **sides}


PAIRS = [pair(n) for n in range(16)]
DEV = [pair(n) for n in range(100, 106)]


def learn(bench: Bench, objective: str, method: str = "lora", **more: Any) -> Any:
    update = {"objective": objective, "method": method, "epochs": 3, "learning_rate": 0.01, "evals_per_run": 3}
    options = {"rows": more.pop("rows", PAIRS), "dev": more.pop("dev", DEV)}
    options |= {name: more.pop(name) for name in ("resume_from", "work_dir") if name in more}
    return bench.train(SPEC.model_copy(update=update | more), **options)


@pytest.mark.parametrize(
    ("objective", "method"), [("dpo", "lora"), ("orpo", "lora"), ("kto", "lora"), ("dpo", "full"), ("dpo", "qlora")]
)
def test_the_better_answer_gains_and_what_is_left_is_what_was_trained(
    bench: Bench, objective: str, method: str
) -> None:
    result = learn(bench, objective, method)

    told = result.metrics
    assert result.val_loss < told["first_val_loss"] and told["reward_margin"] > 0
    assert told.get("pairs_won", 1.0) == 1.0
    assert result.trained_tokens == 3 * told["tokens"]
    files = {path.name for path in Path(result.artifact_dir).iterdir()}
    assert (ADAPTER if method != "full" else WHOLE) in files and "ref" not in files
    assert wins(bench.base, result) > wins(bench.base, None), "the artifact, loaded anew, prefers the better answer"


def wins(base: Path, result: Any) -> float:
    """By how many nats the better answers are likelier than the worse ones, of base or artifact."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    start = base if result is None or result.is_adapter else result.artifact_dir
    model: Any = AutoModelForCausalLM.from_pretrained(start)
    if result is not None and result.is_adapter:
        model = PeftModel.from_pretrained(model, result.artifact_dir)
    rows = encode_pairs(load_tokenizer(str(base)), DEV, 64).rows
    gap = 0.0
    for row in rows:
        for name, sign in (("chosen", 1), ("rejected", -1)):
            ids, labels = torch.tensor([row[f"{name}_ids"]]), torch.tensor(row[f"{name}_labels"])
            with torch.no_grad():
                chances = model.eval()(ids).logits[0, :-1].log_softmax(-1)
            kept = labels[1:] != IGNORED
            gap += sign * float(chances[kept, labels[1:][kept]].sum())
    return gap / len(rows)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_resuming_gives_the_very_same_weights(bench: Bench, tmp_path: Path, objective: str) -> None:
    whole = learn(bench, objective)
    cut = Bench(bench.base, tmp_path / "cut")
    cut.folder.mkdir()
    cut.stop_after(3, "pause")
    with pytest.raises(Stopped):
        learn(cut, objective)
    cut.stop = lambda: None
    resumed = learn(cut, objective, resume_from=cut.checkpoints[0][1], work_dir=tmp_path / "another-machine")
    one, other = (load_file(Path(found.artifact_dir) / ADAPTER) for found in (whole, resumed))
    assert one.keys() == other.keys() and all(bool((one[name] == other[name]).all()) for name in one)
    assert (resumed.val_loss, resumed.trained_tokens) == (whole.val_loss, whole.trained_tokens)
    assert resumed.metrics["reward_margin"] == whole.metrics["reward_margin"]


def test_before_a_step_the_model_is_its_own_reference(bench: Bench) -> None:
    """ln 2 is what DPO loses where both sides gained alike; a copy of another model would show."""
    for method in ("lora", "full"):
        told = learn(bench, "dpo", method, epochs=0.1, evals_per_run=1).metrics
        assert told["first_val_loss"] == pytest.approx(0.693147, abs=1e-5)
    assert told["reference"] == "a frozen copy of the base" and told["reference_bytes"] > 0


def test_the_example_is_what_its_script_writes_and_trains_from_its_split(bench: Bench, tmp_path: Path) -> None:
    made = runpy.run_path(str(ROOT / "examples" / "make_preferences.py"))["rows"]()
    assert [json.loads(line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()] == made
    parts = split(EXAMPLE, tmp_path / "parts").files
    rows = {name: [json.loads(line) for line in path.read_text().splitlines()] for name, path in parts.items()}
    told = learn(bench, "dpo", rows=rows["train"], dev=rows["dev"], epochs=1, max_length=None).metrics
    assert (told["rows"], told["dropped_rows"], told["truncated_rows"]) == (len(rows["train"]), 0, 0)
    assert told["best_val_loss"] < told["first_val_loss"]


def test_the_loss_is_on_both_answers_with_their_ends_and_on_nothing_else(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    before = [*says("user", "ab"), *says("assistant", "earlier"), *says("user", "cd <|end|>")]
    row = pair(0) | {"prompt": before}
    made = encode_pairs(tokenizer, [row], 200).rows[0]
    for name, said in (("chosen", "yes please<|end|>"), ("rejected", "no way<|end|>")):
        assert tokenizer.decode([label for label in made[f"{name}_labels"] if label != IGNORED]) == said
        assert tokenizer.decode(made[f"{name}_ids"]) == render(tokenizer, before + row[name])


def test_rows_that_teach_nothing_are_counted_and_left_out(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    other_question = pair(5) | {"rejected": says("user", "another question") + says("assistant", "no")}
    rows = [pair(0), pair(1, "same", "same"), other_question, {k: v for k, v in pair(2).items() if k != "prompt"}]
    found = encode_pairs(tokenizer, [*rows, pair(3, "yes " * 90 + "so", "yes " * 90 + "no")], 40)
    assert (found.counts.rows, found.counts.dropped_rows, len(found.rows)) == (5, 4, 1)
    assert (found.same_answers, found.different_prompts) == (1, 2)
    cut = encode_pairs(tokenizer, [pair(0, bad="word " * 90)], 40)
    assert (cut.counts.truncated_rows, len(cut.rows[0]["rejected_ids"])) == (1, 40)


@pytest.mark.parametrize(
    ("rows", "said", "code"),
    [
        ([pair(n, "same", "same") for n in range(3)], "3 have equal answers", "nothing_to_prefer"),
        ([], "no row to train on", "no_rows"),
    ],
)
def test_a_dataset_with_nothing_to_prefer_is_refused(
    bench: Bench, rows: list[dict[str, Any]], said: str, code: str
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        learn(bench, "dpo", rows=rows)
    assert caught.value.code == code


def test_rated_answers_are_learned_and_the_rarer_kind_weighs_more(bench: Bench) -> None:
    def rated(n: int, good: bool) -> dict[str, Any]:
        said = says("assistant", "yes please" if good else "no way")
        return {"prompt": says("user", f"ask {n}"), "completion": said, "label": good}

    rows = [rated(n, n % 4 == 0) for n in range(16)]
    result = learn(bench, "kto", rows=rows, dev=[rated(n, n % 2 == 0) for n in range(50, 56)])
    assert (result.metrics["good_rows"], result.metrics["bad_rows"]) == (4, 12)
    assert result.val_loss < result.metrics["first_val_loss"] and result.metrics["reward_margin"] > 0
    with pytest.raises(BadInput, match="marked bad"):
        learn(bench, "kto", rows=[rated(n, False) for n in range(16)], dev=None)


def test_kto_compares_each_prompt_with_its_neighbours_answer(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    rows = [
        {"prompt": says("user", f"ask {n}"), "completion": says("assistant", said), "label": True}
        for n, said in enumerate(("first", "second answer", "third"))
    ]
    batch = Collator(tokenizer.pad_token_id, 64)(encode_rated(tokenizer, rows, 64).rows)
    strange = [
        tokenizer.decode(ids[mask == 1])
        for ids, mask in zip(batch["KL_input_ids"], batch["KL_attention_mask"], strict=True)
    ]
    expected = [(rows[n]["prompt"], rows[n - 1]["completion"]) for n in range(3)]
    assert strange == [render(tokenizer, asked + said) for asked, said in expected]
    assert int(batch["KL_completion_mask"].sum()) == int(batch["completion_mask"].sum())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_preferences_are_learned_more_gently_than_answers(objective: str) -> None:
    assert 0 < resolve_objective(objective).rate < resolve_objective("supervised").rate == 1.0


def test_virtual_tokens_learn_by_dpo_with_the_base_as_reference(bench: Bench) -> None:
    rank = {name: SPEC.__class__.model_fields[name].default for name in ("lora_r", "lora_alpha")}
    told = learn(bench, "dpo", "prefix", learning_rate=0.05, **rank).metrics
    assert told["best_val_loss"] < told["first_val_loss"] and told["reference"] == "the base with the adapter off"
