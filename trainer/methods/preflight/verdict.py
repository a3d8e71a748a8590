"""One check's answer: passed, failed, or left out, with words for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from trainer.errors import BadInput

TITLES: dict[str, str] = {
    "memory": "It fits into memory",
    "rows": "The rows and the base can be read together",
    "supervised": "Something is learned",
    "end": "The end of an answer is learned",
    "bos": "Rows begin once",
    "template": "Training reads what serving writes",
    "packing": "Packed rows do not see each other",
    "accumulation": "One batch of 8 equals 8 batches of one",
    "overfit": "Eight rows can be learned by heart",
    "effect": "Training changes the answers",
}


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` is None where the check was left out; `words` then say why. `fix` is said with a failure only."""

    name: str
    ok: bool | None
    words: str
    fix: str = ""
    code: str = ""  # of the error that a failure becomes; "" is preflight_<name>
    param: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if k in ("name", "ok", "words") or (k == "fix" and v)}


def stop_at_a_failure(checks: list[Check]) -> None:
    """The first failure as BadInput."""
    failed = next((check for check in checks if check.ok is False), None)
    if failed is not None:
        code = failed.code or f"preflight_{failed.name}"
        raise BadInput(failed.words, fix=failed.fix, code=code, param=failed.param)


def of_error(code: str, words: str) -> Check:
    """The failed check that an error speaks of."""
    name = CODES.get(code) or code.removeprefix("preflight_")
    return Check(name if name in TITLES else "rows", False, words)


CODES = {
    "nothing_supervised": "supervised",
    "end_not_taught": "end",
    "double_bos": "bos",
    "out_of_memory": "memory",
}
