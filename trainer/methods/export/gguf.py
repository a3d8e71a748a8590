"""GGUF by llama.cpp's own converter, which its authors keep in step with their format; we only call it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from trainer.errors import BadInput, TunesmithError

SCRIPT = "convert_hf_to_gguf.py"
LIMIT_S = 6 * 3600


def to_gguf(merged: Path, target: Path, *, llama_cpp: str) -> Path:
    """A merged Hugging Face folder → one .gguf file. `llama_cpp` is a checkout of llama.cpp."""
    script = Path(llama_cpp) / SCRIPT
    if not llama_cpp or not script.is_file():
        where = f"There is no {SCRIPT} in TUNESMITH_LLAMA_CPP." if llama_cpp else "No llama.cpp is named."
        raise BadInput(
            f"GGUF is written by llama.cpp's own converter. {where}",
            fix="Check out llama.cpp, install its converter's requirements, and set TUNESMITH_LLAMA_CPP to the folder.",
            code="no_llama_cpp",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".draft")
    command = [sys.executable, str(script), str(merged), "--outfile", str(draft), "--outtype", "auto"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if done.returncode or not draft.is_file():
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
            raise TunesmithError(
                f"llama.cpp's converter ended with exit code {done.returncode}: {said[0][:300]}",
                fix="Its requirements may miss, or it may not know this kind of model.",
                code="gguf_failed",
            )
        draft.rename(target)
    except subprocess.TimeoutExpired:
        raise TunesmithError("llama.cpp's converter took more than 6 hours.", code="gguf_failed") from None
    finally:
        draft.unlink(missing_ok=True)
    return target
