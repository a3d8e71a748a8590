"""A file that cannot be used as a whole, and why."""

from __future__ import annotations

from trainer.data.findings import Problem


class Refused(Exception):
    """Carries the one finding that stands for the whole file."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def refusal(code: str, message: str) -> Refused:
    return Refused(Problem(code, message))


def mib(count: int) -> str:
    return f"{count / 2**20:,.1f}".removesuffix(".0")
