"""How close the memory estimate comes: each configuration is trained in a process of its own, and its peak compared.

    python benchmarks/memory.py                # a table
    python benchmarks/memory.py --json         # the figures and ratios as one object
    python benchmarks/memory.py --quick        # two small configurations, for a test

LoRA, QLoRA and full fine-tuning, two sizes of randomly initialised Llama, two lengths; the project's own run from its
files to its artifact, two steps of full batches of packed rows. On a CPU “added” is the highest resident memory of
that run less what the process holds just before: libraries imported, and one run of a toy model done, so that what
libraries keep for themselves is not counted. It is compared with the estimate without its part `process`. On CUDA
the peak is torch.cuda.max_memory_allocated over the run, which does not know of the process at all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_WAIT_POLICY": "PASSIVE"}

from benchmarks.machine import machine  # noqa: E402

SHAPES: dict[str, dict[str, int]] = {  # about 22, 66 and, on CUDA, 1,200 and 3,200 million parameters
    "toy": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "vocab_size": 2048},
    "small": {"hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 6, "vocab_size": 16384},
    "large": {"hidden_size": 640, "intermediate_size": 1728, "num_hidden_layers": 10, "vocab_size": 16384},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "vocab_size": 32768},
    "3b": {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28, "vocab_size": 32768},
}
METHODS = ("lora", "qlora", "full")
AIMS = {"cpu": 0.25, "cuda": 0.15}
STEPS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help="two small configurations")
    parser.add_argument("--cuda", action="store_true", help="larger models on the first GPU")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(json.loads(asked.one))))
        return
    figures = measure(configurations(quick=asked.quick, cuda=asked.cuda))
    print(json.dumps(figures) if asked.json else table(figures))


def configurations(*, quick: bool, cuda: bool) -> list[dict[str, Any]]:
    sizes, lengths = (("1b", "3b"), (1024, 4096)) if cuda else (("small", "large"), (256, 1024))
    if quick:
        sizes, lengths = sizes[:1], lengths[:1]
    return [
        {"size": size, "length": length, "method": method, "batch_size": 4 if size in ("small", "1b") else 2}
        for size in sizes
        for length in lengths
        for method in (METHODS[::2] if quick else METHODS)
        if not (size == "3b" and method == "full")  # 52 GB of weights and optimizer alone
    ]


def measure(asked: list[dict[str, Any]]) -> dict[str, Any]:
    started, before = time.monotonic(), machine()
    runs = [asked_of | run(asked_of) for asked_of in asked]
    aim = AIMS[runs[0]["device"]]
    worst = max(abs(r["ratio"] - 1) for r in runs)
    return {
        "machine": before,
        "runs": runs,
        "aim": aim,
        "worst": round(worst, 3),
        "within": sum(abs(r["ratio"] - 1) <= aim for r in runs),
        "seconds": round(time.monotonic() - started, 1),
    }


def run(asked: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{asked} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def one(asked: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: a toy run, then the asked one with its peak."""
    import torch

    cuda = torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_base(place / "toy", "toy", 256)
        make_base(place / "base", asked["size"], asked["length"])
        train(place / "toy", place / "first", asked | {"length": 64})
        before = settle()
        metrics = train(place / "base", place / "run", asked)
        peak = torch.cuda.max_memory_allocated() if cuda else highest() - before
        config = json.loads((place / "base" / "config.json").read_text(encoding="utf-8"))
        parts = estimated(asked, config, cuda)
    expected = sum(size for name, size in parts.items() if name != "process")
    return {
        "device": "cuda" if cuda else "cpu",
        "parameters": metrics["parameters"],
        "measured_mib": round(peak / 2**20, 1),
        "estimated_mib": round(expected / 2**20, 1),
        "ratio": round(expected / peak, 3),
        "parts_mib": {name: round(size / 2**20, 1) for name, size in parts.items()},
    }


def estimated(asked: dict[str, Any], config: dict[str, Any], cuda: bool) -> dict[str, int]:
    from trainer.methods.estimate import estimate
    from trainer.methods.hardware import gpu_of_this_machine

    gpu = gpu_of_this_machine() if cuda else None
    rows = STEPS * asked["batch_size"]
    return estimate(spec_of(asked), rows=rows, tokens=rows * asked["length"], base_config=config, gpu=gpu).memory


def spec_of(asked: dict[str, Any]) -> Any:
    from trainer.methods.spec import RunSpec

    return RunSpec(
        method=asked["method"],
        max_length=asked["length"],
        batch_size=asked["batch_size"],
        epochs=1,
        gradient_checkpointing=False,
        early_stopping_patience=0,
    )


def train(base: Path, work: Path, asked: dict[str, Any]) -> dict[str, Any]:
    from trainer.methods import run as runs

    rows = work.with_suffix(".jsonl")
    write_rows(rows, base, asked["length"], STEPS * asked["batch_size"])
    quiet: dict[str, Any] = {
        "on_progress": lambda _: None,
        "on_checkpoint": lambda *_: None,
        "should_stop": lambda: None,
    }
    done = runs.train(spec_of(asked), base=str(base), files=runs.Files(rows), work_dir=work, prove=False, **quiet)
    return done.metrics


def write_rows(path: Path, base: Path, length: int, count: int) -> None:
    """Conversations of a quarter of `length`, so that four make a full packed row."""
    from trainer.inference import chat

    tokenizer = chat.load_tokenizer(str(base))

    def row(words: int) -> list[dict[str, str]]:
        return [{"role": "user", "content": "word " * words}, {"role": "assistant", "content": "yes " * 8}]

    words = 1
    while len(chat.spoken(tokenizer, row(words + 1)).ids) <= length // 4:
        words += 1
    line = json.dumps({"messages": row(words)}) + "\n"
    path.write_text(line * (4 * count), encoding="utf-8")


def make_base(folder: Path, size: str, context: int) -> None:
    """A randomly initialised Llama with the tiny base's tokenizer; on disk, as `train` reads one."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    from trainer.inference.tiny_base import ensure_tiny_base
    from trainer.settings import load_settings

    shape = SHAPES[size]
    heads = shape["hidden_size"] // 64
    config = LlamaConfig(
        **shape,
        num_attention_heads=heads,
        num_key_value_heads=heads if heads % 2 else heads // 2,
        max_position_embeddings=max(context, 256),
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    half = torch.cuda.is_available()
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16 if half else torch.float32).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(ensure_tiny_base(load_settings()) / name, folder)


def settle() -> int:
    """Give back what can be given back, forget the peak so far, and say what is held: bytes."""
    import ctypes
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        pass
    return status("VmRSS")


def highest() -> int:
    return status("VmHWM")


def status(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['machine']['cpu']}, {figures['seconds']:.0f} s; estimate ÷ measured, added memory in MiB"]
    for r in figures["runs"]:
        what = f"{r['parameters'] / 1e6:>6.0f}M {r['method']:<6} {r['batch_size']} × {r['length']:<5}"
        lines.append(f"{what} {r['measured_mib']:>9,.0f} measured {r['estimated_mib']:>9,.0f} estimated × {r['ratio']}")
    lines.append(
        f"within {figures['aim']:.0%}: {figures['within']} of {len(figures['runs'])}; worst {figures['worst']:.0%}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
