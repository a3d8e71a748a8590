"""Encoders train as classifiers, and answer labels wherever a model is asked."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tools.test_cli import Terminal
from tests.trainer.inference.test_engine import Server
from tests.trainer.methods.conftest import Bench, row
from tests.trainer.methods.little import make_encoder
from trainer.errors import BadInput
from trainer.inference.engine import ModelRef, create_app
from trainer.inference.model import load
from trainer.methods.method import Stopped
from trainer.methods.objectives.classify import scores
from trainer.methods.spec import RunSpec
from trainer.settings import load_settings
from trainer.types import ChatMessage, GenerateRequest, GenerateResult

SAID = {
    "delivery": ["my parcel is late", "parcel lost please help", "the parcel was lost", "late parcel"],
    "money": [
        "charged twice on my card",
        "refund please",
        "invoice is not on my card",
        "the invoice was charged twice",
    ],
    "device": ["the screen is broken", "screen does not turn on", "my screen was broken", "broken screen please help"],
}
ROWS = [
    row(f"{start}{text}", label) for label, texts in SAID.items() for text in texts for start in ("", "please help: ")
]
DEV = [row(f"help, {texts[0]}?", label) for label, texts in SAID.items()]
SPEC = RunSpec(
    base="little",
    objective="classify",
    epochs=14,
    batch_size=8,
    learning_rate=0.02,
    lora_r=4,
    lora_alpha=8,
    evals_per_run=2,
    early_stopping_patience=0,
    save_every_s=3600,
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder") / "little")


@pytest.fixture
def bench(encoder: Path, tmp_path: Path) -> Bench:
    return Bench(encoder, tmp_path)


def ask(text: str, adapter: str | None = None) -> GenerateRequest:
    return GenerateRequest((ChatMessage("user", text),), adapter)


def answers(base: Path, result: Any, requests: list[str]) -> list[GenerateResult]:
    if result.is_adapter:
        made = load(str(base), adapters={"it": result.artifact_dir})
        return made.generate([ask(text, "it") for text in requests], batch_size=2)
    return load(result.artifact_dir).generate([ask(text) for text in requests], batch_size=2)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_it_learns_labels_and_says_how_well(bench: Bench, method: str) -> None:
    rate = 0.02 if method == "lora" else 0.006
    result = bench.train(SPEC.model_copy(update={"method": method, "learning_rate": rate}), rows=ROWS, dev=DEV)
    said = answers(bench.base, result, ["my parcel was lost", "charged twice", "the screen is broken"])
    assert [(a.text, a.finish_reason) for a in said] == [(x, "stop") for x in ("delivery", "money", "device")]
    assert result.val_loss is not None and result.val_loss < result.metrics["first_val_loss"] - 0.3
    assert result.metrics["accuracy"] == result.metrics["macro_f1"] == 1.0
    told = [p for p in bench.told if p.val_loss is not None]
    assert all(set(p.scores or {}) == {"accuracy", "macro_f1"} for p in told) and len(told) == 3
    assert result.metrics["curve"][-1]["accuracy"] == 1.0
    card = json.loads((Path(result.artifact_dir) / "card.json").read_text())
    assert card["metrics"]["macro_f1"] == 1.0 and card["metrics"]["labels"] == 3
    config = json.loads((Path(result.artifact_dir) / "config.json").read_text())
    assert config["id2label"] == {"0": "delivery", "1": "device", "2": "money"}
    assert result.trained_tokens == SPEC.epochs * result.metrics["tokens"]


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_adapters_of_other_encoders_carry_all_that_began_at_random(tmp_path: Path, kind: str) -> None:
    bench = Bench(make_encoder(tmp_path / kind, kind), tmp_path)
    result = bench.train(SPEC.model_copy(update={"epochs": 3}), rows=ROWS, dev=DEV)
    torch.manual_seed(99)  # parts that are not saved would come out otherwise
    head = load(str(bench.base), adapters={"it": result.artifact_dir})._heads["it"]  # type: ignore[attr-defined]
    batch = head.tokenizer([r["messages"][0]["content"] for r in DEV], padding=True, return_tensors="pt")
    wanted = torch.tensor([head.labels.index(r["messages"][1]["content"]) for r in DEV])
    logits = head.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    assert float(torch.nn.functional.cross_entropy(logits, wanted)) == pytest.approx(result.val_loss, abs=1e-4)


def test_resuming_gives_the_very_same_weights(bench: Bench, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    spec = SPEC.model_copy(update={"epochs": 2})
    whole = bench.train(spec, rows=ROWS, dev=DEV)
    cut = Bench(bench.base, tmp_path / "cut")
    cut.folder.mkdir()
    cut.stop_after(2, "pause")
    with pytest.raises(Stopped):
        cut.train(spec, rows=ROWS, dev=DEV)
    cut.stop = lambda: None
    resumed = cut.train(spec, rows=ROWS, dev=DEV, resume_from=cut.checkpoints[0][1], work_dir=tmp_path / "other")
    one, other = (load_file(Path(r.artifact_dir) / "adapter_model.safetensors") for r in (whole, resumed))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert any("classifier" in name for name in one) and any("pre_classifier" in name for name in one)
    assert resumed.metrics["curve"] == whole.metrics["curve"]


def test_one_batch_of_eight_equals_eight_of_one(encoder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    found = []
    still = make_encoder(tmp_path / "still", dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0)
    for batch, accumulation in ((8, 1), (1, 8)):
        bench = Bench(still, tmp_path / f"of-{batch}")
        bench.folder.mkdir()
        sizes = {"batch_size": batch, "gradient_accumulation": accumulation, "epochs": 1, "learning_rate": 0.001}
        result = bench.train(SPEC.model_copy(update=sizes), rows=ROWS, dev=None)
        found.append(load_file(Path(result.artifact_dir) / "adapter_model.safetensors"))
    assert max(float((found[0][n] - found[1][n]).abs().max()) for n in found[0]) < 1e-4


def test_a_validation_row_with_another_label_is_left_out_and_long_texts_are_counted(bench: Bench) -> None:
    long = row("my parcel is late " * 40, "delivery")
    spec = SPEC.model_copy(update={"epochs": 1, "max_length": 32})
    result = bench.train(spec, rows=[*ROWS, long], dev=[*DEV, row("what?", "gossip")])
    found = result.metrics
    assert (found["truncated_rows"], found["dev_rows"], found["dev_unseen_labels"]) == (1, 3, 1)
    made = load(str(bench.base), adapters={"it": result.artifact_dir})
    assert made.generate([ask("my parcel is late " * 40, "it")])[0].prompt_tokens == 32


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(f"a {n}", f"an answer of its own, {n}") for n in range(20)], "hardly any is seen twice"),
        ([row(f"a {n}", "x" * 101) for n in range(20)] + [row("b", "y")], "101 characters"),
        ([row(f"a {n}", f"{n % 201}") for n in range(600)], "201 different answers"),
        ([row(f"a {n}", "yes") for n in range(20)], "same answer"),
        ([{"messages": [{"role": "user", "content": "a"}]}], "No row ends in an answer"),
    ],
)
def test_answers_that_are_no_labels_are_refused_in_words(bench: Bench, rows: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        bench.train(SPEC, rows=rows, dev=None)
    assert caught.value.code == "no_labels" and caught.value.fix


def test_what_does_not_fit_the_base_is_refused_with_the_fix(bench: Bench, pebble: Path) -> None:
    with pytest.raises(BadInput, match="is an encoder") as caught:
        bench.train(SPEC.model_copy(update={"objective": "supervised"}), rows=ROWS)
    assert "classify" in (caught.value.fix or "")
    with pytest.raises(BadInput, match="is none"):
        bench.train(SPEC, rows=ROWS, base=str(pebble))
    with pytest.raises(BadInput, match=r"no layer called “v_proj”.*It has: k_lin"):
        bench.train(SPEC.model_copy(update={"target_modules": ("v_proj",)}), rows=ROWS)
    with pytest.raises(BadInput, match="Method qlora"):
        bench.train(SPEC.model_copy(update={"method": "qlora"}), rows=ROWS)


def test_scores_by_hand() -> None:
    logits = torch.nn.functional.one_hot(torch.tensor([0, 0, 1, 1, 2]), 4).numpy()
    # label 0: right 1 of 2 chosen, 1 of 1 there; 1: 1 of 2, 1 of 2; 2: 1 of 1, 1 of 2; 3 never
    assert scores(logits, [0, 1, 1, 2, 2]) == pytest.approx({"accuracy": 0.6, "macro_f1": (2 / 3 + 1 / 2 + 2 / 3) / 3})


def test_the_engine_serves_base_and_classifiers_side_by_side(bench: Bench, tmp_path: Path) -> None:
    one = bench.train(SPEC.model_copy(update={"evals_per_run": 1}), rows=ROWS, dev=None)
    two = Bench(bench.base, tmp_path / "two")
    two.folder.mkdir()
    yes_no = [row(r["messages"][0]["content"], "no" if at % 2 else "yes") for at, r in enumerate(ROWS)]
    other = two.train(SPEC.model_copy(update={"epochs": 1}), rows=yes_no, dev=None)
    refs = {
        "little": ModelRef("little", str(bench.base)),
        "ft:one": ModelRef("ft:one", str(bench.base), one.artifact_dir, one.artifact_dir),
        "ft:two": ModelRef("ft:two", str(bench.base), other.artifact_dir, other.artifact_dir),
    }
    server = Server(create_app(load_settings(), refs.__getitem__))
    try:
        for name, fitting in itertools.product(refs, [False, True]):
            given: Any = {
                "model": name,
                "messages": [{"role": "user", "content": "my parcel is late"}],
                "stream": fitting,
            }
            told = server.client.chat.completions.create(**given)
            pieces = [c.choices[0].delta.content for c in told if c.choices[0].delta.content] if fitting else None
            text = "".join(pieces) if pieces is not None else told.choices[0].message.content
            assert text in {"little": [""], "ft:one": ["delivery"], "ft:two": ["yes", "no"]}[name]
            assert pieces is None or len(pieces) <= 1
    finally:
        server.close()


def test_train_and_eval_at_the_terminal_need_no_word_of_it(tmp_path: Path, encoder: Path) -> None:
    key = {
        "delivery": ("parcel", "late", "lost"),
        "money": ("invoice", "refund", "card"),
        "device": ("screen", "turn", "on"),
    }
    rng = random.Random(5)
    rows = []
    for label, words in sorted(key.items()) * 40:
        said = [*rng.sample(("the", "my", "is", "was", "twice", "does", "please", "help"), 3), *words]
        rows.append(row(" ".join(rng.sample(said, len(said))), label))
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    terminal = Terminal(tmp_path / "home")
    terminal.env["TUNESMITH_BASE_FOLDERS"] = str(encoder.parent)
    wanted = ("--method", "full", "--lr", "0.006", "--epochs", "4", "--set", "evals_per_run=1")
    job = terminal.quick("train", str(file), "--base", "little", *wanted)
    assert job["status"] == "succeeded" and job["hyperparameters"]["objective"] == "classify"
    assert job["result"]["metrics"]["accuracy"] > 0.9
    told = terminal.quick("eval", job["fine_tuned_model"], code=0)["report"]["metrics"]["exact_match"]
    assert (told["base_mean"], told["tuned_mean"] > 0.9) == (0.0, True)
    error = terminal.quick("train", str(file), "--base", "little", "--objective", "supervised", code=2)["error"]
    assert error["code"] == "base_cannot_write"


def test_labels_that_contradict_each_other_are_told_as_that(bench: Bench) -> None:
    with pytest.raises(BadInput, match="could not be learned by heart") as caught:
        bench.train(SPEC, rows=[row("my parcel", label) for label in ("late", "lost") * 6], dev=[])
    assert "does the same text carry several" in caught.value.fix
