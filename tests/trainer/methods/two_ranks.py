"""One of several processes of a run: `torchrun … two_ranks.py BASE SPEC FOLDER…`, one run after another in each folder.

It writes what it saw to FOLDER/rank-N.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any


def main(base: str, folder: Path, spec: dict[str, Any]) -> None:
    from trainer.methods import artifact, preflight, ranks
    from trainer.methods.run import Files, Stopped, train
    from trainer.methods.spec import RunSpec

    preflight.proof = lambda *_: None  # its steps are not what is compared here
    seen: dict[str, Any] = {"told": 0, "notes": [], "checkpoints": [], "asked": 0}
    leave = artifact.leave

    def leaving(run: Any, *args: Any) -> Any:
        seen["weights"] = float(sum(p.detach().double().abs().sum() for p in run.model.parameters() if p.requires_grad))
        return leave(run, *args)

    def should_stop() -> str | None:
        seen["asked"] += 1
        return "pause" if (folder / "pause").exists() and seen["asked"] == 2 else None

    artifact.leave = leaving
    try:
        result = train(
            RunSpec(**spec),
            base=base,
            files=Files(folder / "train.jsonl", folder / "dev.jsonl"),
            work_dir=folder / "run",
            on_progress=lambda _: seen.update(told=seen["told"] + 1),
            on_checkpoint=lambda path, step, _: seen["checkpoints"].append(step),
            should_stop=should_stop,
            on_note=lambda code, _: seen["notes"].append(code),
        )
        seen["result"] = asdict(result)
    except Stopped as stop:
        seen["stopped"] = [stop.reason, stop.step]
    finally:
        artifact.leave = leave
    (folder / f"rank-{ranks.rank()}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    for folder in sys.argv[3:]:
        main(sys.argv[1], Path(folder), json.loads(sys.argv[2]))
