"""Attention without a mask must say exactly what a mask says, and stand back where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig

from trainer.methods import kernels
from trainer.methods.packing import Collator, dataset
from trainer.methods.preflight import packing_isolates
from trainer.methods.rows import Encoded, EncodedRows

SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 64}
GROUPED = LlamaConfig(**SMALL, num_key_value_heads=2)
SLIDING = MistralConfig(**SMALL, num_key_value_heads=2, sliding_window=3)
ROWS = [Encoded([(7 * n + at) % 60 + 1 for at in range(2 + n % 9)], []) for n in range(12)]
ENCODED = EncodedRows(ROWS)


def made(config: Any, attention: str = "sdpa") -> Any:
    torch.manual_seed(3)
    kernels.register()
    return AutoModelForCausalLM.from_config(config, attn_implementation=attention)


def batch() -> dict[str, Any]:
    rows = dataset([Encoded(r.ids, r.ids) for r in ROWS], 16, pack=True)
    told = Collator(0, packed=True)(list(rows))
    return {"input_ids": told["input_ids"], "position_ids": told["position_ids"], "use_cache": False}


@pytest.mark.parametrize("config", [GROUPED, SLIDING], ids=["grouped heads", "sliding window"])
def test_logits_and_gradients_are_those_of_a_block_mask(config: Any) -> None:
    model, found = made(config), {}
    for name in (kernels.PLAIN, kernels.VARLEN):
        model.set_attn_implementation(name)
        logits = model(**batch()).logits
        logits.logsumexp(-1).sum().backward()
        found[name] = logits.detach(), [p.grad.clone() for p in model.parameters()]
        model.zero_grad()
    (plain, plain_grads), (ours, our_grads) = found.values()
    assert torch.allclose(plain, ours, atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-3, rtol=1e-4) for a, b in zip(plain_grads, our_grads, strict=True))


def test_ends_follow_from_the_positions_alone() -> None:
    begins = torch.tensor([[False, True, False], [False, False, False]])
    ends = kernels.ends_of(begins)
    assert ends.tolist() == [0, 2, 4, 8]
    assert ends.lengths == [2, 2, 4]
    assert ends.dtype == torch.int32


def test_what_the_flash_kernel_is_given_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in with the arguments of torch's varlen_attn, as no GPU is needed to see what it is asked."""

    def stand_in(q: Any, k: Any, v: Any, ends_q: Any, ends_k: Any, longest: int, *_: Any, **told: Any) -> Any:
        assert ends_q is ends_k
        assert longest == int(ends_q.diff().max())
        assert told["enable_gqa"] == (q.shape[1] != k.shape[1])
        window = told["window_size"][0] + 1 or None
        return kernels.masked(q, k, v, ends_q, 0.0, told["scale"], window)

    monkeypatch.setattr(kernels, "varlen_attn", lambda: stand_in)
    query, key, value = torch.randn(9, 4, 8), torch.randn(9, 2, 8), torch.randn(9, 2, 8)
    ends = torch.tensor([0, 2, 9], dtype=torch.int32)
    flashed = kernels.flash(query, key, value, ends, 7, None, None)
    assert torch.allclose(flashed, kernels.one_by_one(query, key, value, [2, 7], 0.0, None), atol=1e-5)
    narrow = kernels.flash(query, key, value, ends, 7, None, 3)
    assert not torch.allclose(flashed, narrow, atol=1e-3)


def test_torch_has_the_kernel_with_the_arguments_that_are_given() -> None:
    import inspect

    taken = inspect.signature(kernels.varlen_attn()).parameters
    assert {"scale", "window_size", "enable_gqa"} <= set(taken)
    assert [*taken][3:7] == ["cu_seq_q", "cu_seq_k", "max_q", "max_k"]


def test_rows_of_one_conversation_are_attended_as_ever() -> None:
    model, ids = made(GROUPED), torch.randint(1, 60, (2, 7))
    plain = model(input_ids=ids).logits
    model.set_attn_implementation(kernels.VARLEN)
    assert torch.equal(model(input_ids=ids).logits, plain)
    padded = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
    ours = model(input_ids=ids, attention_mask=padded).logits[1, :4]
    assert torch.allclose(ours, model(input_ids=ids[1:, :4]).logits[0], atol=1e-5)


def test_the_fastest_attention_that_isolates_is_chosen(pebble: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(pebble, attn_implementation="sdpa")
    name, said = kernels.choose(model, lambda: packing_isolates(model, ENCODED))
    assert (name, model.config._attn_implementation) == (kernels.VARLEN, kernels.VARLEN)
    assert "one by one" in said


def test_a_kernel_that_fails_its_trial_is_left_and_that_is_said() -> None:
    model = made(GROUPED)

    def isolates() -> bool:
        if model.config._attn_implementation == kernels.VARLEN:
            raise RuntimeError("no kernel image is available")
        return True

    name, said = kernels.choose(model, isolates)
    assert (name, model.config._attn_implementation) == ("sdpa", "sdpa")
    assert "RuntimeError" in said and "mask" in said
    name, said = kernels.choose(model, lambda: False)
    assert name is None and "row of its own" in said


def test_what_a_family_adds_to_attention_is_not_passed_over() -> None:
    heads = torch.randn(1, 2, 4, 8)
    ends = kernels.ends_of(torch.tensor([[False, True, False]]))
    with pytest.raises(NotImplementedError, match="softcap"):
        kernels.attend(torch.nn.Identity(), heads, heads, heads, ends, softcap=30.0)
