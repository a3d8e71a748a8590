"""What a dataset check costs: ours against three usual ways, over the same file, on one core, in one run.

    python benchmarks/dataset_check.py                # a table
    python benchmarks/dataset_check.py --json         # the figures and ratios as one object
    python benchmarks/dataset_check.py --mb 1000      # a larger file; memory must not follow

Each measurement is a process of its own, pinned to one core, so that its peak memory is its own too; rounds of
all ways alternate, so that a noisy neighbour meets all; a figure is the best of its rounds, since noise only
adds. The file is made here from a fixed seed: chat rows of realistic lengths, some with escapes and other
scripts, one in a hundred with personal data, one in fifty nearly or exactly a copy of an earlier one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROLES = ("system", "developer", "user", "assistant", "tool")
SINGLE = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--mb", type=int, default=200, help="size of the file in MB (default: 200)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(one(WAYS[asked.way], asked.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), asked.mb, asked.rounds)
    print(json.dumps(figures) if asked.json else table(figures))


# The ways


def structure(file: Path) -> int:
    """Our verdict on structure: every line, with line numbers."""
    from trainer.data.check import check

    return check(file, structure_only=True).accepted


def full(file: Path) -> int:
    """Our whole report: structure, duplicates, near duplicates, personal data, quality, languages, tokens."""
    from trainer.data.check import check

    return check(file).accepted


def plain_json(file: Path) -> int:
    """The script that everybody writes: json.loads and a few checks."""
    good = 0
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            messages = row.get("messages") if isinstance(row, dict) else None
            if not isinstance(messages, list) or not messages:
                continue
            good += messages[-1].get("role") == "assistant" and all(
                m.get("role") in ROLES and isinstance(m.get("content"), str) and m["content"].strip() for m in messages
            )
    return good


def pydantic_models(file: Path) -> int:
    """Typed models, a line at a time."""
    from typing import Literal

    from pydantic import BaseModel, ConfigDict, ValidationError

    class Message(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        role: Literal["system", "developer", "user", "assistant", "tool"]
        content: str

    class Row(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        messages: list[Message]

    Message.model_rebuild(_types_namespace={"Literal": Literal})
    Row.model_rebuild(_types_namespace={"Message": Message})
    good = 0
    with file.open("rb") as lines:
        for line in lines:
            try:
                good += Row.model_validate_json(line).messages[-1].role == "assistant"
            except ValidationError:
                continue
    return good


def hf_datasets(file: Path) -> int:
    """Loaded by Hugging Face datasets, without any check."""
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        return len(datasets.load_dataset("json", data_files=str(file), cache_dir=cache)["train"])


WAYS: dict[str, Callable[[Path], int]] = {
    "structure": structure,
    "full": full,
    "plain_json": plain_json,
    "pydantic": pydantic_models,
    "datasets": hf_datasets,
}


def one(way: Callable[[Path], int], file: Path) -> dict[str, float]:
    """Run a way once in this process. The first MB warms it up: imports and first use are not the point."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.jsonl"
        with file.open("rb") as source:
            head = source.read(1_000_000)
        small.write_bytes(head[: head.rindex(b"\n") + 1])
        way(small)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.perf_counter(), time.process_time()
    rows = way(file)
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "rows": rows,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "grown_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


# The runs


def measure(folder: Path, mb: int, rounds: int) -> dict[str, Any]:
    whole, tenth = folder / "whole.jsonl", folder / "tenth.jsonl"
    rows = make(whole, mb * 1_000_000)
    make(tenth, mb * 100_000)
    figures: dict[str, Any] = {"machine": machine(), "file": {"mb": mb, "rows": rows}, "ways": {}}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name in WAYS:
            runs[name].append(run(name, whole))
    for name, took in runs.items():
        best = min(took, key=lambda r: r["seconds"])
        size = whole.stat().st_size / 1e6
        figures["ways"][name] = {
            "mb_per_s": round(size / best["seconds"], 1),
            "mb_per_cpu_s": round(size / min(r["cpu_seconds"] for r in took), 1),
            "peak_mib": round(min(r["peak_mib"] for r in took), 1),
            "rows": int(best["rows"]),
        }
    speed = {name: found["mb_per_s"] for name, found in figures["ways"].items()}
    figures["ratios"] = {
        "structure_to_plain_json": round(speed["structure"] / speed["plain_json"], 2),
        "structure_to_pydantic": round(speed["structure"] / speed["pydantic"], 2),
        "structure_to_datasets": round(speed["structure"] / speed["datasets"], 2),
        "full_to_plain_json": round(speed["full"] / speed["plain_json"], 2),
        "full_to_datasets": round(speed["full"] / speed["datasets"], 2),
    }
    small = run("full", tenth)
    figures["memory"] = {
        "full_peak_mib_at_a_tenth": round(small["peak_mib"], 1),
        "full_peak_mib": figures["ways"]["full"]["peak_mib"],
        "structure_peak_mib": figures["ways"]["structure"]["peak_mib"],
    }
    return figures


def run(way: str, file: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--way", way, "--file", str(file)]
    environment = os.environ | SINGLE | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# The file


def make(path: Path, size: int) -> int:
    """Write about `size` bytes of rows; how many there are."""
    written = count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows_of(random.Random(7)):
            line = json.dumps(row, ensure_ascii=count % 3 == 0) + "\n"
            file.write(line)
            written += len(line.encode())
            count += 1
            if written >= size:
                return count
    return count


def rows_of(rng: random.Random) -> Iterator[dict[str, Any]]:
    vocabulary = [
        "".join(rng.choices("etaoinshrdlucmfwypvbgkqjxz", _WEIGHTS, k=rng.randint(2, 10))) for _ in range(30_000)
    ]
    accents = ["café", "naïve", "Straße", "señor", "東京", "привет", "“quoted”", "it’s"]
    earlier: list[dict[str, Any]] = []
    number = 0
    while True:
        number += 1
        chance = rng.random()
        if chance < 0.02 and earlier:
            yield near(rng.choice(earlier), rng, vocabulary)
            continue
        question, answer = said(rng, vocabulary, 10, 90), said(rng, vocabulary, 5, 120)
        if chance > 0.99:
            mail = f"{rng.choice(vocabulary)}.{number}@mail-{number % 97}.org"
            question += f" Write to {mail} or call +49 30 {rng.randint(10**6, 10**7)}."
        if rng.random() < 0.1:
            answer += f' {rng.choice(accents)}\n- “{rng.choice(vocabulary)}”\n- say "{rng.choice(vocabulary)}"'
        row = {
            "messages": [
                {"role": "system", "content": "You are a helpful assistant of a software company. Answer briefly."},
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        }
        if rng.random() < 0.05:
            earlier = [*earlier[-199:], row]
        yield row


_WEIGHTS = (127, 91, 82, 75, 70, 67, 63, 61, 60, 43, 40, 28, 28, 24, 24, 22, 20, 20, 19, 15, 10, 8, 2, 2, 1, 1)


def said(rng: random.Random, vocabulary: list[str], least: int, most: int) -> str:
    words = rng.choices(vocabulary, k=rng.randint(least, most))
    ends = rng.choices((" ", " ", " ", " ", " ", ", ", ". ", "\n"), k=len(words))
    return "".join(word + end for word, end in zip(words, ends, strict=True)).strip().capitalize() + "."


def near(row: dict[str, Any], rng: random.Random, vocabulary: list[str]) -> dict[str, Any]:
    """A copy, or a copy with one more word."""
    system, user, assistant = row["messages"]
    if rng.random() < 0.3:
        return row
    changed = {**user, "content": f"{user['content']} {rng.choice(vocabulary)}"}
    return {"messages": [system, changed, assistant]}


# What is told


def machine() -> dict[str, Any]:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_1_min_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['machine']['cpu']}, one core; {figures['file']['mb']} MB, {figures['file']['rows']:,} rows"]
    for name, found in figures["ways"].items():
        memory = f"{found['peak_mib']:>8,.1f} MiB at most"
        lines.append(f"{name:<11} {found['mb_per_s']:>7,.1f} MB/s  {memory}  {found['rows']:,} rows")
    lines += [f"{name.replace('_', ' ')}: {ratio}" for name, ratio in figures["ratios"].items()]
    lines += [f"{name.replace('_', ' ')}: {mib:,.1f}" for name, mib in figures["memory"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
