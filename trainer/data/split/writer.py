"""The parts on disk: three files under temporary names, renamed together at the end."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from trainer.data.split.parts import PARTS

MANIFEST = "split.json"


class Writer:
    """Use it as a context: what went wrong leaves nothing."""

    def __init__(self, out_dir: Path) -> None:
        self.out_dir = out_dir
        self._files: dict[str, BinaryIO] = {}
        self._shas = {part: hashlib.sha256() for part in PARTS}
        self.counts = dict.fromkeys(PARTS, 0)
        self._open = ExitStack()

    def __enter__(self) -> Writer:
        self.out_dir.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            self._files[part] = self._open.enter_context(self._temporary(part).open("wb"))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if kind is not None:
            for part in PARTS:
                self._temporary(part).unlink(missing_ok=True)

    def write(self, part: str, row: dict[str, Any]) -> None:
        line = msgspec.json.encode(row) + b"\n"
        self._files[part].write(line)
        self._shas[part].update(line)
        self.counts[part] += 1

    def finish(self, told: dict[str, Any]) -> tuple[dict[str, Path], dict[str, str]]:
        """Put the files in their places, and the manifest beside them; return the files and their sha256s."""
        files = {part: self.out_dir / f"{part}.jsonl" for part in PARTS}
        for part in PARTS:
            self._temporary(part).replace(files[part])
        sha256s = {part: sha.hexdigest() for part, sha in self._shas.items()}
        temporary = self.out_dir / f".{MANIFEST}.{os.getpid()}"
        said = told | {"counts": self.counts, "sha256s": sha256s}
        temporary.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self.out_dir / MANIFEST)
        return files, sha256s

    def _temporary(self, part: str) -> Path:
        return self.out_dir / f".{part}.jsonl.{os.getpid()}"
