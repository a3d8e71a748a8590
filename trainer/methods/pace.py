"""How fast a run steps and how much is left, with the time for validations and checkpoints kept apart."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """Counts from `begin`; `mark` ends a stretch of stepping, `aside` what was done since."""

    step: int = 0
    tokens: int = 0
    began: float | None = None
    marked: float = 0.0
    spent: dict[str, float] = field(default_factory=lambda: {"validating": 0.0, "saving": 0.0})
    validations: int = 0

    def begin(self, step: int, tokens: int) -> None:
        self.step, self.tokens = step, tokens
        self.began = self.marked = time.monotonic()

    def mark(self) -> None:
        self.marked = time.monotonic()

    def aside(self, what: str) -> float:
        """Seconds since the mark were spent on `what`; returns them."""
        now = time.monotonic()
        seconds, self.marked = now - self.marked, now
        if self.began is not None:
            self.spent[what] += seconds
            self.validations += what == "validating"
        return seconds

    def tell(self, step: int, tokens: int, steps_left: int, validations_left: int) -> tuple[float | None, float | None]:
        """(tokens a second while stepping, seconds left), or Nones before the first step."""
        if self.began is None or step <= self.step:
            return None, None
        now = time.monotonic()
        all_seconds = max(now - self.began, 1e-6)
        stepping = max(all_seconds - sum(self.spent.values()), 1e-6)
        done = step - self.step
        each = self.spent["validating"] / self.validations if self.validations else 0.0
        left = (stepping + self.spent["saving"]) / done * steps_left + each * validations_left
        return round((tokens - self.tokens) / stepping, 1), round(left, 1)
