"""The contract that every line of METHODS keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainer.methods import killing
from tests.trainer.methods.conftest import SPEC, Bench
from trainer.errors import BadInput
from trainer.inference import model
from trainer.methods import METHODS, OBJECTIVES, fits, resolve
from trainer.methods.spec import RunSpec
from trainer.types import ChatMessage, GenerateRequest

VARIANTS: dict[str, dict[str, Any]] = {name: {"method": name} for name in METHODS} | {
    "rslora": {"method": "lora", "use_rslora": True},
    "dora": {"method": "lora", "use_dora": True},
    "fp4": {"method": "qlora", "quantization": "fp4", "double_quantization": False},
}
RATES = {"ia3": 0.1, "prefix": 0.03, "prompt": 0.1, "p-tuning": 0.01}
LIGHT = ("ia3", *fits.VIRTUAL)  # they bend what a base can do, and the other tests' base is hardly trained
KILLED_AFTER = 6


@pytest.fixture(scope="module", autouse=True)
def forking() -> Any:
    return killing.start_forking()


def ask(text: str, adapter: str | None = None) -> GenerateRequest:
    return GenerateRequest((ChatMessage("user", text),), adapter, max_tokens=24)


def spec_of(variant: str, **changes: Any) -> RunSpec:
    rate = RATES.get(VARIANTS[variant]["method"], 0.01)
    return SPEC.model_copy(update={"learning_rate": rate, "batch_size": 2, **VARIANTS[variant], **changes})


def answered(bench: Bench, artifact: str, is_adapter: bool) -> tuple[str, str]:
    tuned = model.load(str(bench.base), adapters={"it": artifact}) if is_adapter else model.load(artifact)
    result = tuned.generate([ask("ask 3", "it" if is_adapter else None)])[0]
    return result.text, result.finish_reason


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in LIGHT])
def test_trains_and_then_answers_and_stops_by_itself(bench: Bench, variant: str) -> None:
    result = bench.train(spec_of(variant, epochs=20, evals_per_run=1))
    assert answered(bench, result.artifact_dir, result.is_adapter) == ("yes please", "stop")


@pytest.mark.parametrize("method", LIGHT)
def test_light_methods_learn_to_answer_on_a_base_that_can_write(bench: Bench, tiny_base: Path, method: str) -> None:
    bench.base = tiny_base
    result = bench.train(spec_of(method, epochs=6, batch_size=6, evals_per_run=1, packing=False))
    assert answered(bench, result.artifact_dir, result.is_adapter) == ("yes please", "stop")


@pytest.mark.parametrize("variant", VARIANTS)
def test_learns_saves_and_resumes_exactly_after_a_kill(
    bench: Bench, forking: Any, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(variant, save_every_steps=3, epochs=1 if variant in fits.VIRTUAL else 5)  # 10 to 12 steps
    checkpoint = killing.train_and_be_killed(forking, bench.base, bench.folder / "cut", spec, after=KILLED_AFTER)
    live = _capture(type(resolve(spec.method)), monkeypatch)
    whole = bench.train(spec)
    assert whole.val_loss is not None and whole.val_loss < whole.metrics["first_val_loss"]
    assert whole.steps > KILLED_AFTER + 1
    assert gap(logits(live[-1]), logits(reloaded(spec, bench, whole.artifact_dir))) < 1e-5
    resumed = bench.train(spec, resume_from=checkpoint, work_dir=bench.folder / "resumed")
    assert (resumed.steps, resumed.trained_tokens) == (whole.steps, whole.trained_tokens)
    assert difference(whole.artifact_dir, resumed.artifact_dir) == 0.0


def _capture(method: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    live: list[Any] = []
    wrap = method.wrap

    def remember(*given: Any) -> Any:
        live.append(wrap(*given))
        return live[-1]

    monkeypatch.setattr(method, "wrap", remember)
    return live


def logits(tuned: Any) -> Any:
    ids = torch.arange(20, 40)[None]
    with torch.no_grad():
        return tuned.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


def gap(one: Any, other: Any) -> float:
    return float((one - other).abs().max())


def difference(one: str, other: str) -> float:
    """The largest difference of any weight in two artifacts."""
    mine, theirs = ({p.name: load_file(p) for p in Path(f).glob("*.safetensors")} for f in (one, other))
    assert {n: w.keys() for n, w in mine.items()} == {n: w.keys() for n, w in theirs.items()} != {}
    return max(gap(mine[name][key], theirs[name][key]) for name in mine for key in mine[name])


def reloaded(spec: RunSpec, bench: Bench, artifact: str) -> Any:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    if spec.method == "full":
        return AutoModelForCausalLM.from_pretrained(artifact)
    return PeftModel.from_pretrained(resolve(spec.method).load(str(bench.base), spec), artifact)


def test_default_rates_fall_with_size_and_lora_has_ten_times_full() -> None:
    lora, full = resolve("lora"), resolve("full")
    assert lora.learning_rate(8_000_000_000) == pytest.approx(10 * full.learning_rate(8_000_000_000))
    assert 3e-3 < lora.learning_rate(2_000_000) < 6e-3
    assert 1e-4 <= lora.learning_rate(8_000_000_000) <= 2e-4
    assert all(
        0 < resolve(name).learning_rate(8_000_000_000) <= resolve(name).learning_rate(2_000_000) for name in METHODS
    )


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="lora, qlora, full, ia3, prefix, prompt, p-tuning"):
        resolve("magic")


@pytest.mark.parametrize("method", METHODS)
def test_options_of_other_methods_are_refused_by_name(method: str) -> None:
    fits.check_asked(RunSpec.model_validate({"method": method}))
    odd = {"lora_bias": "all", "target_modules": ("q_proj",), "quantization": "fp4"}
    for option, users in fits.METHODS_OF_OPTION.items():
        default = RunSpec.model_fields[option].default
        value = odd.get(
            option, (not default) if isinstance(default, bool) else 0.5 if default == 0.0 else 2 * (default or 1)
        )
        spec = RunSpec.model_validate({"method": method, option: value})
        if method in users:
            fits.check_asked(spec)
        else:
            with pytest.raises(BadInput, match=f"{option} means nothing to method {method}") as caught:
                fits.check_asked(spec)
            assert caught.value.param == option


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "virtual tokens for labels": (
        {"method": "prompt", "objective": "classify"},
        "prompt cannot learn by classify",
    ),
    "virtual tokens by kto": ({"method": "prefix", "objective": "kto"}, "prefix cannot learn by kto"),
    "a cache recomputed": ({"method": "prefix", "gradient_checkpointing": True}, "cannot recompute"),
    "kto one by one": ({"objective": "kto", "batch_size": 1}, "one row at a time"),
    "replay of pairs": ({"objective": "dpo", "replay": 0.5}, "replay means nothing to objective dpo"),
    "replay for a classifier": ({"objective": "classify", "replay": 0.5}, "replay means nothing to objective classify"),
    "replay of none": ({"replay_dataset": "file-1"}, "not how much of it"),
    "beta without a reference": ({"beta": 0.3}, "beta means nothing to objective supervised"),
    "a template that nobody writes": ({"objective": "classify", "template": "instruction"}, "template means nothing"),
    "the output layer": ({"target_modules": ("lm_head",)}, "would not be trained"),
}


@pytest.mark.parametrize(("asked", "says"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_go_together_is_refused_before_anything_is_loaded(
    bench: Bench, asked: dict[str, Any], says: str
) -> None:
    spec = RunSpec.model_validate({"base": "nowhere", **asked})
    with pytest.raises(BadInput, match=says) as caught:
        bench.train(spec, base=str(bench.folder / "nowhere"))  # else: cannot be loaded
    assert caught.value.fix and caught.value.param


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_method_learns_by_every_objective_or_is_refused(objective: str) -> None:
    def fitting(method: str) -> bool:
        try:
            fits.check(RunSpec.model_validate({"method": method, "objective": objective}))
        except BadInput as error:
            assert error.code == "method_does_not_fit" and "Use lora" in error.fix
            return False
        return True

    assert [method for method in METHODS if fitting(method)] == [*fits.LEARNED_BY[objective]]


def test_a_base_of_two_halves_is_refused_by_its_config() -> None:
    with pytest.raises(BadInput, match="reads with one half"):
        fits.check(RunSpec(), {"model_type": "t5", "is_encoder_decoder": True})


def test_rows_longer_than_the_context_are_refused() -> None:
    """A base with a table of positions (GPT-2, OPT) would fall off its end in the middle of a run."""
    for config in ({"max_position_embeddings": 256}, {"n_positions": 256}, {"text_config": {"n_positions": 256}}):
        with pytest.raises(BadInput, match="max_length 257 does not fit the base's context of 256"):
            fits.check(RunSpec(max_length=257), config)
        fits.check(RunSpec(max_length=256), config)


def test_target_modules_that_the_base_lacks_are_refused_with_what_it_has(bench: Bench) -> None:
    spec = SPEC.model_copy(update={"target_modules": ("q_proj", "query_key_value")})
    with pytest.raises(BadInput, match="no layer called “query_key_value”") as caught:
        bench.train(spec)
    assert "q_proj" in caught.value.fix and caught.value.code == "unknown_target_modules"


def test_virtual_tokens_and_rows_must_fit_the_context_together(bench: Bench) -> None:
    spec = SPEC.model_copy(update={"method": "prompt", "max_length": 250})
    with pytest.raises(BadInput, match="20 virtual tokens do not fit the base's context of 256") as caught:
        bench.train(spec)
    assert "236" in caught.value.fix


def test_virtual_tokens_are_never_packed_and_it_is_said(bench: Bench) -> None:
    result = bench.train(SPEC.model_copy(update={"method": "prompt", "epochs": 1}))
    assert result.metrics["packing"] is False
    assert dict(bench.notes)["not_packed"].startswith("Nothing is packed")


def test_a_rank_above_what_the_layers_can_use_is_said(bench: Bench) -> None:
    bench.train(SPEC.model_copy(update={"lora_r": 33, "epochs": 1}))
    assert "32" in dict(bench.notes)["rank_above_width"]


def test_the_card_and_the_readme_tell_what_this_method_trained(bench: Bench) -> None:
    artifact = Path(bench.train(SPEC.model_copy(update={"method": "ia3", "epochs": 1})).artifact_dir)
    card, readme = json.loads((artifact / "card.json").read_text()), (artifact / "README.md").read_text()
    assert card["trainable"] == {
        "parameters": 256,
        "of": card["metrics"]["parameters"],
        "percent": card["trainable"]["percent"],
    }
    assert "rank" not in readme and "256 of" in readme
