"""A file that cannot be used as a whole, and why."""

from __future__ import annotations

from trainer.data.findings import Problem


def refusal(code: str, message: str) -> Exception:
    """What `open_source` raises: `trainer.data.scan.Refused`."""
    from trainer.data.scan import Refused

    return Refused(Problem(code, message))


def mib(count: int) -> str:
    return f"{count / 2**20:,.1f}".removesuffix(".0")
