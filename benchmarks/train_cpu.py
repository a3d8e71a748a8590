"""How fast supervised LoRA trains on a CPU: ours against the tutorial loop and TRL's own defaults, in one run.

    python benchmarks/train_cpu.py                # a table
    python benchmarks/train_cpu.py --json         # the figures and ratios as one object
    python benchmarks/train_cpu.py --quick        # a minute: fewer rows and rounds, for a test

The three train the same adapters on the same base (the tiny base, built first where the cache lacks it) with the same
learning rate, schedule, seed and rows, once over, in fp32 unless their own default says otherwise:

    ours      the project's run (`trainer.methods.run`): packed rows, nothing recomputed
    tutorial  transformers' Trainer, every row padded to max_length 512
    trl       SFTTrainer with SFTConfig's defaults (padded to the longest of a batch, recomputed activations, bf16)

The rows are conversations about tickets; how many turns each has is drawn log-normally, so that lengths are as mixed
as in chat data. All three get the same token ids and labels. A step of the tutorial and of TRL learns from 8 rows;
ours takes as many packed rows as hold 8 rows on average, so that all take about as many steps over as many tokens,
and losses can be compared. The loss is that of the answers of held-out rows, a row at a time, in fp32, the same way
for all. Only the training loop is timed. Rounds of all three alternate, each round with a seed of its own; speeds
and ratios are medians over rounds, losses means. `cpu_ratios` compare the processor's time instead of the clock's: on
a machine that others use they are the steadier figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_WAIT_POLICY": "PASSIVE"}

from benchmarks.machine import machine  # noqa: E402

WIDTH, BATCH, RATE, RANK = 512, 8, 4e-3, 16
TRL_TILE = 4096
AIMS = {"ours_to_tutorial": 2.0, "ours_to_trl": 1.5}
LOSS_AIM = 1.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help="fewer rows, one round")
    parser.add_argument("--rows", type=int, help="rows to train on (default: 320)")
    parser.add_argument("--rounds", type=int, help="default: 3")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--base", type=Path, help="a folder with another Llama-like base")
    asked = parser.parse_args()
    rows = asked.rows or (24 if asked.quick else 320)
    rounds = asked.rounds or (1 if asked.quick else 3)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), asked.base, rows, rounds, asked.threads)
    print(json.dumps(figures) if asked.json else table(figures))


def measure(folder: Path, base: Path | None, rows: int, rounds: int, threads: int) -> dict[str, Any]:
    import torch

    from trainer.inference.chat import load_tokenizer
    from trainer.inference.extra import quiet_libraries
    from trainer.inference.tiny_base import ensure_tiny_base
    from trainer.methods.rows import encode, read_rows
    from trainer.settings import load_settings

    started, before = time.monotonic(), machine()
    torch.set_num_threads(threads)
    quiet_libraries()
    base = base or ensure_tiny_base(load_settings())
    tokenizer = load_tokenizer(str(base))
    files = {name: folder / f"{name}.jsonl" for name in ("warm", "train", "dev")}
    for number, (name, count) in enumerate(zip(files, (BATCH, rows, max(16, rows // 8)), strict=True)):
        write(files[name], count, number, tokenizer)
    sets = {name: encode(tokenizer, read_rows(path), WIDTH).rows for name, path in files.items()}
    lengths = [len(row.ids) for row in sets["train"]]
    for way in WAYS.values():  # imports and first use are not the point
        way(base, tokenizer, files["warm"], sets["warm"], folder, 0)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for seed in range(1, rounds + 1):
        for name in turned([*WAYS], seed):
            done = WAYS[name](base, tokenizer, files["train"], sets["train"], folder, seed)
            told = {"rate": sum(lengths) / done.seconds, "cpu_rate": sum(lengths) / done.cpu_seconds}
            runs[name].append(told | {"loss": answer_loss(done.model, sets["dev"]), "steps": done.steps})
    figures: dict[str, Any] = {
        "machine": before | {"threads": threads},
        "rows": {"count": rows, "tokens": sum(lengths), "mean_length": round(sum(lengths) / rows, 1)},
        "base": base.name,
        "rounds": rounds,
        "ways": {
            name: {
                "tokens_per_s": round(statistics.median(r["rate"] for r in took), 1),
                "val_loss": round(statistics.mean(r["loss"] for r in took), 4),
                "val_losses": [round(r["loss"], 4) for r in took],
                "steps": int(took[0]["steps"]),
            }
            for name, took in runs.items()
        },
    }
    figures |= compared(runs)
    return figures | {"seconds": round(time.monotonic() - started, 1)}


def compared(runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Speeds are compared round by round, so that a slow minute of the machine counts for both."""
    out: dict[str, Any] = {"ratios": {}, "cpu_ratios": {}, "loss_ratios": {}, "aims": AIMS | {"loss": LOSS_AIM}}
    for other in ("tutorial", "trl"):
        pairs = list(zip(runs["ours"], runs[other], strict=True))
        for kind, rate in (("ratios", "rate"), ("cpu_ratios", "cpu_rate")):
            out[kind][f"ours_to_{other}"] = round(statistics.median(a[rate] / b[rate] for a, b in pairs), 2)
        mean = [statistics.mean(run[at]["loss"] for run in pairs) for at in (0, 1)]
        out["loss_ratios"][f"ours_to_{other}"] = round(mean[0] / mean[1], 4)
    return out


def turned(names: list[str], by: int) -> list[str]:
    at = by % len(names)
    return names[at:] + names[:at]


# The ways


@dataclass(frozen=True, slots=True)
class Done:
    """A trained model, the time of its loop, and its optimizer steps."""

    model: Any
    seconds: float
    cpu_seconds: float
    steps: int


def ours(base: Path, tokenizer: Any, file: Path, rows: list[Any], folder: Path, seed: int) -> Done:
    from trainer.methods import resolve, resolve_objective
    from trainer.methods.run import Files, Run, make_trainer, prepare
    from trainer.methods.spec import RunSpec
    from trainer.methods.steward import RunState, Steward

    per_step = max(1, round(BATCH * sum(len(row.ids) for row in rows) / len(rows) / WIDTH))
    spec = RunSpec(
        base=base.name, batch_size=per_step, epochs=1, learning_rate=RATE, lora_r=RANK, max_length=WIDTH, seed=seed
    )
    quiet = {"on_progress": lambda _: None, "on_checkpoint": lambda *_: None, "should_stop": lambda: None}
    steward = Steward(spec, folder, RunState(), **quiet)
    run = Run(spec, str(base), folder, Files(file), resolve(spec.method), resolve_objective(spec.objective), steward)
    run.batch_size = spec.batch_size
    prepare(run)
    return timed(make_trainer(run))


def tutorial(base: Path, tokenizer: Any, file: Path, rows: list[Any], folder: Path, seed: int) -> Done:
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    def padded(row: Any) -> dict[str, list[int]]:
        short = WIDTH - len(row.ids)
        return {
            "input_ids": row.ids + [tokenizer.pad_token_id] * short,
            "attention_mask": [1] * len(row.ids) + [0] * short,
            "labels": row.labels + [-100] * short,
        }

    made = Dataset.from_list([padded(row) for row in rows])
    return timed(Trainer(lora(base, seed), TrainingArguments(**common(folder, seed)), train_dataset=made))


def trl(base: Path, tokenizer: Any, file: Path, rows: list[Any], folder: Path, seed: int) -> Done:
    from datasets import Dataset
    from trl.kernels import chunked_logprob
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    made = Dataset.from_list([{"input_ids": row.ids, "labels": row.labels} for row in rows])
    config = SFTConfig(**common(folder, seed))
    chunked_logprob.TOKEN_CHUNK_SIZE = TRL_TILE  # ours makes it smaller in this process
    return timed(SFTTrainer(lora(base, seed), config, train_dataset=made, processing_class=tokenizer))


WAYS = {"ours": ours, "tutorial": tutorial, "trl": trl}


def common(folder: Path, seed: int) -> dict[str, Any]:
    """What has to be the same, and what keeps the output clean; all else is each library's default."""
    return {
        "output_dir": str(folder),
        "num_train_epochs": 1,
        "per_device_train_batch_size": BATCH,
        "learning_rate": RATE,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
        "seed": seed,
        "use_cpu": True,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def lora(base: Path, seed: int) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, set_seed

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    set_seed(seed)
    config = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=2 * RANK, target_modules="all-linear")
    return get_peft_model(model, config)


def timed(trainer: Any) -> Done:
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    began, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    return Done(trainer.model, time.perf_counter() - began, time.process_time() - cpu, trainer.state.global_step)


def answer_loss(model: Any, rows: list[Any]) -> float:
    """Mean loss of a token of an answer, in nats."""
    import torch

    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for row in rows:
            logits = model(input_ids=torch.tensor([row.ids]), use_cache=False).logits[0, :-1].float()
            labels = torch.tensor(row.labels[1:])
            total += float(torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum"))
            count += int((labels != -100).sum())
    return total / count


# The rows


def write(path: Path, count: int, seed: int, tokenizer: Any) -> None:
    """Conversations of log-normally many tickets, at most as many as fit into WIDTH tokens."""
    from examples.make_tickets import SYSTEM, ticket
    from trainer.inference import chat

    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            messages = [{"role": "system", "content": SYSTEM}]
            for _ in range(max(1, round(rng.lognormvariate(1.1, 0.75)))):
                text, label = ticket(rng)
                turns = [{"role": "user", "content": text}, {"role": "assistant", "content": label}]
                if len(chat.spoken(tokenizer, messages + turns).ids) > WIDTH:
                    break
                messages += turns
            file.write(json.dumps({"messages": messages}) + "\n")


def table(figures: dict[str, Any]) -> str:
    rows, on = figures["rows"], figures["machine"]
    what = f"{figures['base']}, {rows['count']} rows of {rows['mean_length']} tokens on average"
    lines = [f"{on['cpu']}, {on['threads']} threads; {what}, {figures['rounds']} rounds, {figures['seconds']:.0f} s"]
    for name, found in figures["ways"].items():
        told = f"val loss {found['val_loss']:.4f}  {found['steps']} steps"
        lines.append(f"{name:<9} {found['tokens_per_s']:>8,.0f} tokens/s  {told}")
    for name, ratio in figures["ratios"].items():
        by_cpu = figures["cpu_ratios"][name]
        lines.append(f"{name.replace('_', ' ')}: × {ratio} (aim {AIMS[name]}); by processor time × {by_cpu}")
    lines += [f"loss, {n.replace('_', ' ')}: × {r} (aim ≤ {LOSS_AIM})" for n, r in figures["loss_ratios"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
