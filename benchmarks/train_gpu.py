"""How fast LoRA and QLoRA train on one NVIDIA GPU: ours against the tutorial loop and TRL's defaults, in one run.

    python benchmarks/train_gpu.py                          # a table; needs torch's CUDA build and the train extra
    python benchmarks/train_gpu.py --json                   # the figures and ratios as one object
    python benchmarks/train_gpu.py --sizes 8b --lengths 4096 --methods lora
    python benchmarks/train_gpu.py --dry                    # the same code with a toy model on a CPU

Nothing is downloaded and no weights are written: models of Llama-3.2-1B's and Llama-3.1-8B's shapes are initialised at
random on the GPU in bf16 (for QLoRA then quantised, a layer at a time), and rows are token ids drawn at random, of
log-normally mixed lengths. Ours packs them; the tutorial pads each to the length; TRL pads to the longest of a batch
and recomputes activations. A way that runs out of memory is told as such.

tokens_per_s counts what is not padding, after steps to warm up. `of_peak` is model FLOPs utilisation: four operations
for each parameter that is multiplied (the base is frozen) and attention's within each row, no recomputation counted,
against bf16 matrix products measured in the same run. `ceiling` is the tokens/s that this rate would allow.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from benchmarks.machine import machine  # noqa: E402

SIZES: dict[str, dict[str, Any]] = {
    "toy": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 512,
    },
    "1b": {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "vocab_size": 128256,
        "tie_word_embeddings": True,
    },
    "8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
    },
}
AIMS = {"8b lora 4096": 12_500, "8b qlora 4096": 10_000}  # tokens/s of ours on an H200
BATCH, WARM, STEPS = 4, 3, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--dry", action="store_true", help="a toy model on a CPU: does it run at all?")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["1b", "8b"])
    parser.add_argument("--lengths", nargs="+", type=int, default=[2048, 4096])
    parser.add_argument("--methods", nargs="+", choices=["lora", "qlora"], default=["lora", "qlora"])
    parser.add_argument("--batch", type=int, default=BATCH, help="rows (ours: packed rows) at once")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps that are timed, after {WARM}")
    asked = parser.parse_args()
    if asked.dry:
        asked.sizes, asked.lengths, asked.batch, asked.steps = ["toy"], [64], 2, 2
    figures = measure(asked)
    print(json.dumps(figures) if asked.json else table(figures))


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    import torch

    from trainer.inference.extra import quiet_libraries

    if not asked.dry and not torch.cuda.is_available():
        sys.exit("No CUDA device is to be seen. Try --dry for a run of the same code on a CPU.")
    quiet_libraries()
    started, rate = time.monotonic(), matrix_rate()
    runs = []
    for size in asked.sizes:
        for length in asked.lengths:
            for method in asked.methods:
                ways = {name: attempt(way, size, method, length, asked) for name, way in WAYS.items()}
                runs.append(told(size, method, length, ways, rate))
    on = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "machine": machine() | {"gpu": on, "torch": torch.__version__},
        "matrix_tflops": round(rate / 1e12, 3),
        "runs": runs,
        "aims": AIMS,
        "seconds": round(time.monotonic() - started, 1),
    }


def attempt(way: Any, size: str, method: str, length: int, asked: argparse.Namespace) -> dict[str, Any]:
    """One way's figures, or why there are none."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    rows = drawn(length, 16 * asked.batch * (WARM + asked.steps), SIZES[size]["vocab_size"])
    try:
        with tempfile.TemporaryDirectory() as folder:
            return timed(way(size, method, length, rows, Path(folder), asked.batch), asked.steps)
    except torch.OutOfMemoryError:
        return {"failed": "out of memory"}


def told(size: str, method: str, length: int, ways: dict[str, dict[str, Any]], rate: float) -> dict[str, Any]:
    for found in ways.values():
        if "tokens_per_s" in found:
            operations = flops_per_token(size, found["mean_length"])
            found["of_peak"] = round(found["tokens_per_s"] * operations / rate, 3)
            found["ceiling"] = round(rate / operations, 1)
    ratios = {
        f"ours_to_{name}": round(ways["ours"]["tokens_per_s"] / ways[name]["tokens_per_s"], 2)
        for name in ("tutorial", "trl")
        if "tokens_per_s" in ways["ours"] and "tokens_per_s" in ways[name]
    }
    return {"size": size, "method": method, "length": length, "ways": ways, "ratios": ratios}


def flops_per_token(size: str, mean_length: float) -> float:
    from trainer.methods.families import shape_of

    shape = shape_of(SIZES[size])
    attention = 6.0 * shape.layers * shape.attended * mean_length
    return 4.0 * (shape.linear_parameters + shape.vocab * shape.hidden) + attention


def matrix_rate() -> float:
    """FLOP/s of bf16 matrix products on the GPU, of fp32 ones on a CPU."""
    import torch

    cuda = torch.cuda.is_available()
    n, times = (8192, 30) if cuda else (512, 5)
    a, b = (torch.randn(n, n, device="cuda" if cuda else "cpu", dtype=torch.bfloat16 if cuda else None) for _ in "ab")
    for count in (3, times):
        settle()
        began = time.perf_counter()
        for _ in range(count):
            a @ b
        settle()
    return 2.0 * n**3 * times / (time.perf_counter() - began)


def settle() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


# The ways: each gives a trainer that is ready to train


def ours(size: str, method: str, length: int, rows: list[Any], folder: Path, batch: int) -> Any:
    from trainer.methods import resolve
    from trainer.methods.run import Files, Run, make_trainer, prepare
    from trainer.methods.spec import RunSpec
    from trainer.methods.state import RunState
    from trainer.methods.steward import Steward

    spec = RunSpec(base=size, method=method, max_length=length, batch_size=batch, epochs=1, learning_rate=1e-4)  # type: ignore[arg-type]
    quiet: dict[str, Any] = {
        "on_progress": lambda _: None,
        "on_checkpoint": lambda *_: None,
        "should_stop": lambda: None,
    }
    steward = Steward(spec, folder, RunState(), **quiet)
    base, file = folder / "base", folder / "rows.jsonl"  # what a run looks at before it loads its base and its rows
    shape(size, length).save_pretrained(base)
    tokenizer().save_pretrained(base)
    file.write_text('{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]}\n')
    run = Run(spec, str(base), folder, Files(file), resolve(method), drawn_objective(rows), steward)
    run.batch_size = batch
    prepare(run)
    return make_trainer(run)


def drawn_objective(rows: list[Any]) -> Any:
    """Supervised training whose base and rows are made here instead of read."""
    from trainer.methods import kernels, packing, preflight
    from trainer.methods.objectives.supervised import Supervised
    from trainer.methods.rows import EncodedRows

    class Drawn(Supervised):
        def load(self, run: Any) -> None:
            run.tokenizer, run.model = tokenizer(), model(run.spec.base, run.spec.method, run.spec.max_length)

        def prepare(self, run: Any) -> None:
            run.packed = kernels.fit(run, lambda: preflight.packing_isolates(run.model, EncodedRows(rows)))
            run.train_set = packing.dataset(rows, run.spec.max_length, pack=run.packed)
            run.metrics["max_length"] = run.spec.max_length

    return Drawn()


def tutorial(size: str, method: str, length: int, rows: list[Any], folder: Path, batch: int) -> Any:
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    def padded(row: Any) -> dict[str, list[int]]:
        short = length - len(row.ids)
        mask = [1] * len(row.ids) + [0] * short
        return {"input_ids": row.ids + [0] * short, "attention_mask": mask, "labels": row.labels + [-100] * short}

    made = Dataset.from_list([padded(row) for row in rows])
    return Trainer(adapted(size, method, length), TrainingArguments(**common(folder, batch)), train_dataset=made)


def trl(size: str, method: str, length: int, rows: list[Any], folder: Path, batch: int) -> Any:
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    made = Dataset.from_list([{"input_ids": row.ids, "labels": row.labels} for row in rows])
    config = SFTConfig(**common(folder, batch), max_length=length)
    return SFTTrainer(adapted(size, method, length), config, train_dataset=made, processing_class=tokenizer())


WAYS = {"ours": ours, "tutorial": tutorial, "trl": trl}


def common(folder: Path, batch: int) -> dict[str, Any]:
    import torch

    cuda = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": batch,
        "learning_rate": 1e-4,
        "use_cpu": not cuda,
        "bf16": cuda,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def adapted(size: str, method: str, length: int) -> Any:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    made = model(size, method, length)
    if method == "qlora":
        made = prepare_model_for_kbit_training(made, use_gradient_checkpointing=False)
    return get_peft_model(made, LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear"))


def timed(trainer: Any, steps: int) -> dict[str, Any]:
    """Train `WARM` steps, then `steps` by the clock."""
    import torch
    from transformers import PrinterCallback, TrainerCallback

    counts: list[tuple[int, int]] = []  # tokens and rows of each batch, in the order in which they are learned
    collate, clock = trainer.data_collator, {}

    def counted(batch: list[dict[str, Any]]) -> Any:
        out = collate(batch)
        real = out.get("real_tokens")
        lengths = sum(len(row.get("seq_lengths") or [0]) for row in batch)
        counts.append((int(out["attention_mask"].sum()) if real is None else int(real), lengths))
        return out

    class Clock(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            settle()
            clock[state.global_step] = time.perf_counter()

    trainer.data_collator = counted
    trainer.args.max_steps = WARM + steps
    trainer.add_callback(Clock())
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    seen = counts[WARM : WARM + steps]
    tokens, rows = sum(t for t, _ in seen), sum(r for _, r in seen)
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
    return {
        "tokens_per_s": round(tokens / (clock[WARM + steps] - clock[WARM]), 1),
        "peak_gib": round(peak, 2),
        "mean_length": round(tokens / rows, 1),
        "recomputed": bool(trainer.args.gradient_checkpointing),
        "attention": trainer.accelerator.unwrap_model(trainer.model).config._attn_implementation,
    }


# The model, its tokenizer and the rows


def shape(size: str, length: int) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        **SIZES[size], max_position_embeddings=length, pad_token_id=0, architectures=["LlamaForCausalLM"]
    )


def model(size: str, method: str, length: int) -> Any:
    """Initialised at random where it will train."""
    import torch
    from transformers import AutoModelForCausalLM

    cuda = torch.cuda.is_available()
    config = shape(size, length)
    torch.manual_seed(5)
    with torch.device("cuda" if cuda else "cpu"):
        made = AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16 if cuda else torch.float32, attn_implementation="sdpa"
        )
    return quantised(made) if method == "qlora" else made


def quantised(made: Any) -> Any:
    """Every linear layer but the output layer in 4 bits (nf4, double quantisation), one after the other."""
    import bitsandbytes as bnb
    import torch

    head = made.get_output_embeddings()
    layers = [(n, m) for n, m in made.named_modules() if isinstance(m, torch.nn.Linear) and m is not head]
    for name, layer in layers:
        weight = layer.weight
        small = bnb.nn.Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=False,
            compute_dtype=weight.dtype,
            quant_type="nf4",
            device="meta",
        )
        small.weight = bnb.nn.Params4bit(weight.data, requires_grad=False, quant_type="nf4", compress_statistics=True)
        small.weight = small.weight.to(weight.device)
        small.support_avx512bf16_for_cpu = False
        made.set_submodule(name, small)
    made.is_loaded_in_4bit = True
    return made


def tokenizer() -> Any:
    """Enough of one for a trainer: rows are token ids already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<pad>": 0, "<end>": 1, "<unk>": 2}, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")


def drawn(length: int, count: int, vocab: int) -> list[Any]:
    """Rows of log-normal lengths around a fifth of `length`; the second half of each carries the loss."""
    from trainer.methods.rows import Encoded

    rng = random.Random(11)
    rows = []
    for _ in range(count):
        size = min(length, max(8, round(length / 5 * rng.lognormvariate(0, 0.8))))
        ids = [rng.randrange(3, vocab) for _ in range(size)]
        rows.append(Encoded(ids, [-100] * (size // 2) + ids[size // 2 :]))
    return rows


def table(figures: dict[str, Any]) -> str:
    on = figures["machine"]
    lines = [
        f"{on['gpu']}, {figures['matrix_tflops']:,} TFLOP/s measured, torch {on['torch']}, {figures['seconds']:.0f} s"
    ]
    for run in figures["runs"]:
        lines.append(f"{run['size']} {run['method']} at {run['length']}: {run['ratios']}")
        for name, found in run["ways"].items():
            if "failed" in found:
                lines.append(f"  {name:<9} {found['failed']}")
                continue
            share = f"{found['of_peak']:.1%} of the rate, ceiling {found['ceiling']:,.0f}"
            lines.append(f"  {name:<9} {found['tokens_per_s']:>10,.0f} tokens/s  {found['peak_gib']:>6} GiB  {share}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
