"""The contract that every line of METHODS keeps."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.trainer.methods.conftest import SPEC, Bench
from trainer.errors import BadInput
from trainer.inference import model
from trainer.methods import METHODS, resolve
from trainer.types import ChatMessage, GenerateRequest

LEARN = {"epochs": 20, "learning_rate": 0.01, "evals_per_run": 1, "batch_size": 2}


def ask(text: str, adapter: str | None = None) -> GenerateRequest:
    return GenerateRequest((ChatMessage("user", text),), adapter, max_tokens=24)


@pytest.mark.parametrize("name", METHODS)
def test_trains_and_then_answers_and_stops_by_itself(bench: Bench, name: str) -> None:
    result = bench.train(SPEC.model_copy(update=LEARN | {"method": name}))
    if result.is_adapter:
        tuned = model.load(str(bench.base), adapters={"it": result.artifact_dir})
        answer = tuned.generate([ask("ask 3", "it")])[0]
    else:
        answer = model.load(result.artifact_dir).generate([ask("ask 3")])[0]
    assert (answer.text, answer.finish_reason) == ("yes please", "stop")


@pytest.mark.parametrize("name", METHODS)
def test_what_is_saved_is_what_was_trained(bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    live: list[Any] = []
    method = type(resolve(name))
    wrap = method.wrap
    monkeypatch.setattr(method, "wrap", lambda *given: live.append(wrap(*given)) or live[0])
    result = bench.train(SPEC.model_copy(update={"epochs": 1, "method": name}))
    ids = torch.arange(20, 40)[None]
    with torch.no_grad():
        trained = live[0].eval()(input_ids=ids).logits
        saved = reloaded(name, bench, result.artifact_dir)(input_ids=ids).logits
    assert torch.allclose(trained, saved, atol=1e-5)


def reloaded(name: str, bench: Bench, artifact: str) -> Any:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    if name == "full":
        return AutoModelForCausalLM.from_pretrained(artifact).eval()
    return PeftModel.from_pretrained(resolve(name).load(str(bench.base), SPEC), artifact).eval()


def test_default_rates_fall_with_size_and_lora_has_ten_times_full() -> None:
    lora, full = resolve("lora"), resolve("full")
    assert lora.learning_rate(8_000_000_000) == pytest.approx(10 * full.learning_rate(8_000_000_000))
    assert 3e-3 < lora.learning_rate(2_000_000) < 6e-3
    assert 1e-4 <= lora.learning_rate(8_000_000_000) <= 2e-4


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="lora, qlora, full"):
        resolve("magic")
