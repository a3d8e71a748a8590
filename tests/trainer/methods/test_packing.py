from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from trainer.methods.packing import Collator, dataset
from trainer.methods.preflight import packing_isolates
from trainer.methods.rows import Encoded, EncodedRows

ROWS = [Encoded([7 + n, 30, 31 + n, 32][: 2 + n % 3], [-100, 30, 31 + n, 32][: 2 + n % 3]) for n in range(9)]


@pytest.fixture(scope="module")
def model(pebble: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(pebble, attn_implementation="sdpa").eval()


def test_packing_keeps_every_token_once() -> None:
    packed = dataset(ROWS, 8, pack=True)
    ids = [token for one in packed for token in one["input_ids"]]
    assert sorted(ids) == sorted(token for r in ROWS for token in r.ids)
    assert len(packed) < len(ROWS)
    assert all(sum(one["seq_lengths"]) == len(one["input_ids"]) <= 8 for one in packed)


def test_positions_restart_and_no_mask_is_given() -> None:
    rows = [
        {"input_ids": [5, 6, 7, 8], "labels": [-100, 6, -100, 8], "seq_lengths": [2, 2]},
        {"input_ids": [5], "labels": [-100], "seq_lengths": [1]},
    ]
    batch = Collator(0, packed=True)(rows)
    assert "attention_mask" not in batch
    assert batch["position_ids"].tolist() == [[0, 1, 0, 1], [0, 0, 1, 2]]
    assert batch["labels"].tolist()[1] == [-100] * 4
    assert batch["real_tokens"] == 5


def test_a_packed_conversation_reads_nothing_of_its_neighbours(model: Any) -> None:
    packed = Collator(0, packed=True)(list(dataset(ROWS, 32, pack=True)))
    with torch.no_grad():
        together = model(input_ids=packed["input_ids"], position_ids=packed["position_ids"], use_cache=False).logits
    at = 0
    starts = (packed["position_ids"][0] == 0).nonzero().flatten().tolist()
    for start, stop in zip(starts, [*starts[1:], None], strict=True):
        ids = packed["input_ids"][:1, start:stop]
        with torch.no_grad():
            alone = model(input_ids=ids).logits[0]
        assert torch.allclose(together[0, start:stop], alone, atol=1e-5)
        at += 1
    assert at > 3


def test_the_check_before_training_sees_isolation_and_its_absence(model: Any) -> None:
    encoded = EncodedRows([Encoded(list(range(9, 30)), []), Encoded(list(range(40, 60)), [])])
    assert packing_isolates(model, encoded)

    class Leaky(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, position_ids: Any = None, **inputs: Any) -> Any:
            return self.inner(**inputs)

    assert not packing_isolates(Leaky(), encoded)
