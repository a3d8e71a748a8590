from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.inference.pebble import make_pebble
from trainer.methods.spec import RunSpec
from trainer.types import TrainProgress, TrainResult


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebble(tmp_path_factory.mktemp("base"))


def row(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


ROWS = [row(f"ask {number}", "yes please") for number in range(24)]
SPEC = RunSpec(
    base="pebble",
    epochs=4,
    batch_size=4,
    max_length=64,
    learning_rate=0.02,
    lora_r=4,
    lora_alpha=8,
    evals_per_run=2,
    save_every_s=3600,
)


@dataclass
class Bench:
    """Runs training as the job room would, and remembers what it was told."""

    base: Path
    folder: Path
    told: list[TrainProgress] = field(default_factory=list)
    checkpoints: list[tuple[int, Path]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    stop: Callable[[], str | None] = lambda: None

    def train(self, spec: RunSpec = SPEC, *, rows: list[dict[str, Any]] = ROWS, **options: Any) -> TrainResult:
        from trainer.methods.run import Files, train

        dev = options.pop("dev", [row(f"dev {n}", "yes please") for n in range(6)])
        dev_file = self.write("dev", dev) if dev else None
        given = {
            "base": str(self.base),
            "files": Files(self.write("train", rows), dev_file, options.pop("replay", None)),
            "work_dir": self.folder / "run",
            "on_progress": self.told.append,
            "on_checkpoint": self._keep,
            "should_stop": lambda: self.stop(),
            "on_note": lambda code, text: self.notes.append((code, text)),
        }
        return train(spec, **(given | options))

    def write(self, name: str, rows: list[dict[str, Any]]) -> Path:
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
        return path

    def stop_after(self, steps: int, reason: str) -> None:
        asked = iter(range(1, 10_000))
        self.stop = lambda: reason if next(asked) >= steps else None

    def _keep(self, folder: Path, step: int, metrics: dict[str, Any]) -> None:
        import shutil

        kept = self.folder / f"kept-{step}"
        shutil.copytree(folder, kept, dirs_exist_ok=True)
        self.checkpoints.append((step, kept))


@pytest.fixture
def bench(pebble: Path, tmp_path: Path) -> Bench:
    return Bench(pebble, tmp_path)
