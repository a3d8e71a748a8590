"""Was it the disk? Libraries say so in their own ways."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.errors import TunesmithError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SAID = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "os error 28",
    "os error 122",
    "os error 27",
)
TORCH = ("PytorchStreamWriter failed", "inline_container", "iostream error")  # its writer's words for any failure
ALMOST_NONE = 16 * 1024 * 1024


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Turn whatever a full disk made somebody raise into one error with words; `folder` is where files are written."""
    try:
        yield
    except Exception as error:
        if not is_full(error, folder):
            raise
        raise full() from error


def full() -> TunesmithError:
    return TunesmithError(
        "The disk is full, so the run stopped; its checkpoints are kept.",
        fix="Make room in TUNESMITH_HOME and the blob store, then start it again.",
        code="disk_full",
    )


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether an error, or one that caused it, came of a full disk. torch's writer hides the reason, so the disk
    itself is asked then."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(e, OSError) and e.errno in FULL for e in chain):
        return True
    texts = [str(e) for e in chain if not isinstance(e, TunesmithError)]
    if any(said in text for text in texts for said in SAID):
        return True
    return any(mark in text for text in texts for mark in TORCH) and room(folder) < ALMOST_NONE


def room(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
