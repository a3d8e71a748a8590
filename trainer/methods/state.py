"""What must outlive a checkpoint and a resume beside the weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

STATE_FILE = "tunesmith.json"


@dataclass(slots=True)
class RunState:
    step: int = 0
    trained_tokens: int = 0  # of every process and every attempt
    fresh_tokens: int = 0  # of this process, in the step that is under way
    seconds: float = 0.0  # spent by earlier attempts
    best_val_loss: float | None = None
    best_step: int = 0
    evals_without_gain: int = 0
    first_val_loss: float | None = None
    last_loss: float | None = None
    curve: list[dict[str, float]] = field(default_factory=list)  # {step, val_loss, scores …} of every validation
    best_scores: dict[str, float] = field(default_factory=dict)  # of the validation whose weights are kept
    smooth_loss: float | None = None
    best_smooth_loss: float | None = None
    high: int = 0  # logged losses in a row that were far above the best
    smooth_loss_at_best: float | None = None  # when the validation loss was best
    worse: int = 0  # validations in a row that were clearly above the best
    spared: bool = False  # memory ran out once: smaller batches, more of them
    ended: str = ""  # why before its last step: "early" (no more gain) or "time" (max_hours)
    notes: dict[str, str] = field(default_factory=dict)  # code → what was said of this run

    @classmethod
    def read(cls, checkpoint: Path) -> RunState:
        raw = json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8"))
        return cls(**{f.name: raw[f.name] for f in fields(cls) if f.name in raw})

    def write(self, checkpoint: Path) -> None:
        draft = checkpoint / (STATE_FILE + ".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.rename(checkpoint / STATE_FILE)
