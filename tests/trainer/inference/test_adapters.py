"""Adapters of every kind beside one base, in one batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.inference.test_engine import HELLO, Server
from tests.trainer.methods.families import make
from trainer.inference.chat import spoken
from trainer.inference.engine import ModelRef, create_app
from trainer.inference.likelihood import nats
from trainer.inference.model import Generator, load
from trainer.settings import load_settings
from trainer.types import ChatMessage, GenerateRequest

KINDS = (
    "lora",
    "other-lora",
    "rslora",
    "dora",
    "bias",
    "ia3",
    "prefix",
    "other-prefix",
    "prompt",
    "longer-prompt",
    "p-tuning",
)


def config_of(kind: str) -> Any:
    import peft

    linear = {"task_type": "CAUSAL_LM", "target_modules": "all-linear"}
    lora = linear | {"r": 4, "init_lora_weights": False}
    scaled = {"target_modules": ["k_proj", "v_proj", "down_proj"], "feedforward_modules": ["down_proj"]}
    virtual = {"task_type": "CAUSAL_LM", "num_virtual_tokens": 5}
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "lora": ("LoraConfig", lora),
        "other-lora": ("LoraConfig", lora),
        "rslora": ("LoraConfig", lora | {"use_rslora": True}),
        "dora": ("LoraConfig", lora | {"use_dora": True}),
        "bias": ("LoraConfig", lora | {"bias": "all"}),
        "ia3": ("IA3Config", linear | scaled | {"init_ia3_weights": False}),
        "prefix": ("PrefixTuningConfig", virtual),
        "other-prefix": ("PrefixTuningConfig", virtual | {"num_virtual_tokens": 3}),
        "prompt": ("PromptTuningConfig", virtual),
        "longer-prompt": ("PromptTuningConfig", virtual | {"num_virtual_tokens": 9}),
        "p-tuning": ("PromptEncoderConfig", virtual | {"encoder_hidden_size": 16}),
    }
    name, options = made[kind]
    return getattr(peft, name)(**options)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has biases, and weights so large that whatever stands before a prompt changes the answer."""
    return make("qwen2", tmp_path_factory.mktemp("base") / "qwen2")


@pytest.fixture(scope="module")
def all_kinds(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("kinds")
    for seed, kind in enumerate(KINDS):
        torch.manual_seed(seed)
        model: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config_of(kind))
        for name, learned in model.named_parameters():
            if learned.requires_grad and name.endswith("bias"):
                learned.data.normal_()
        model.save_pretrained(folder / kind)
    return {kind: str(folder / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def generator(base: Path, all_kinds: dict[str, str]) -> Generator:
    return load(str(base), adapters=all_kinds)


def ask(text: str, adapter: str | None = None, **options: Any) -> GenerateRequest:
    given: dict[str, Any] = {"max_tokens": 6} | options
    return GenerateRequest((ChatMessage("user", text),), adapter, **given)


def test_one_batch_of_all_kinds_answers_as_each_row_alone(generator: Generator, base: Path) -> None:
    requests = [ask("word " * (n % 4), kind) for n, kind in enumerate([None, *KINDS, None, *KINDS])]
    rows = [generator.row(request) for request in requests]
    generator.run(rows)
    alone = [generator.generate([request])[0] for request in requests]
    assert [row.result(generator.tokenizer) for row in rows] == alone
    assert len({tuple(row.tokens) for row in rows[: len(KINDS) + 1]}) >= len(KINDS)
    assert alone[0] == load(str(base)).generate([requests[0]])[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_served_is_what_peft_computes(
    generator: Generator, all_kinds: dict[str, str], base: Path, kind: str
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    asked = [generator.row(ask("word " * n, kind)) for n in (1, 6)]
    generator.run(asked)
    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), all_kinds[kind]).eval()
    for row in asked:
        for at in range(len(row.tokens)):
            ids = torch.tensor([row.prompt + row.tokens[:at]])
            with torch.no_grad():
                logits = tuned(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -1]
            assert int(logits.argmax()) == row.tokens[at]


def test_a_given_answer_is_as_likely_as_peft_computes(
    generator: Generator, all_kinds: dict[str, str], base: Path
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    kinds = [None, *KINDS]
    requests = [ask("word " * (1 + n % 4), kind) for n, kind in enumerate(kinds)]
    answers = ["a word " * (1 + n % 3) for n in range(len(kinds))]
    together = nats(generator, requests, answers)
    assert nats(generator, requests[:2], [None, answers[1]]) == [(None, 0), pytest.approx(together[1])]
    for request, answer, (sum_of, tokens) in zip(requests, answers, together, strict=True):
        tuned: Any = AutoModelForCausalLM.from_pretrained(base)
        if request.adapter:
            tuned = PeftModel.from_pretrained(tuned, all_kinds[request.adapter])
        row = generator.row(request)
        whole = spoken(generator.tokenizer, [*map(asdict, request.messages), {"role": "assistant", "content": answer}])
        ids = torch.tensor([whole.ids])
        with torch.no_grad():
            logits = tuned.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -len(whole.ids) :]
        said = range(len(row.prompt), len(row.prompt) + tokens)
        assert {whole.turns[at] for at in said} == {0} and whole.ids[: len(row.prompt)] == row.prompt
        expected = -sum(float(logits[at - 1].log_softmax(-1)[whole.ids[at]]) for at in said)
        assert sum_of == pytest.approx(expected, rel=1e-3), request.adapter


def test_adapters_of_any_kind_come_and_go_and_leave_the_base_alone(base: Path, all_kinds: dict[str, str]) -> None:
    generator = load(str(base))
    before = generator.generate([ask("a")])
    for kind, folder in all_kinds.items():
        generator.add_adapter(kind, folder)
        first = generator.generate([ask("a", kind)])
        generator.remove_adapter(kind)
        assert generator.generate([ask("a")]) == before
        generator.add_adapter(kind, folder)
        assert generator.generate([ask("a", kind)]) == first
    assert generator.adapters == KINDS


def test_virtual_tokens_take_room_in_the_context(generator: Generator) -> None:
    free, taken = (generator.row(ask("a", kind, max_tokens=10_000)).limit for kind in ("lora", "longer-prompt"))
    assert free - taken == 9


def test_the_bases_weights_are_in_memory_once(generator: Generator) -> None:
    worn = generator._worn.worn  # no answer tells how often weights are held
    mine = {p.data_ptr() for p in generator.model.parameters()}
    for kind in ("lora", "ia3", "dora", "prompt"):
        assert mine <= {p.data_ptr() for p in worn[kind].model.parameters()}


def test_the_engine_serves_every_kind_side_by_side_over_http(
    generator: Generator, base: Path, all_kinds: dict[str, str]
) -> None:
    known = {kind: ModelRef(kind, str(base), folder, folder) for kind, folder in all_kinds.items()}
    server = Server(create_app(load_settings(), known.__getitem__))

    def say(kind: str) -> str | None:
        said = server.client.chat.completions.create(model=kind, messages=HELLO, temperature=0, max_tokens=6)
        return said.choices[0].message.content

    try:
        with ThreadPoolExecutor(len(KINDS)) as crowd:
            together = list(crowd.map(say, KINDS))
    finally:
        server.close()
    assert together == [generator.generate([ask(HELLO[0]["content"], kind)])[0].text for kind in KINDS]
