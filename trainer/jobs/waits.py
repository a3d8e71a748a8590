"""Pauses between two looks at something far away: they grow, vary a little, and end at once when the job is to stop."""

from __future__ import annotations

import random
import time

from trainer.jobs.child import JobRun

SLICE_S = 0.1
FIRST = 1 / 30  # of the longest
GROWTH = 1.6


class Waits:
    """From a thirtieth of `longest_s` up to it."""

    def __init__(self, run: JobRun, longest_s: float) -> None:
        self.run, self.longest_s = run, longest_s
        self.reset()

    def reset(self) -> None:
        """Something happened: look again soon."""
        self.next_s = self.longest_s * FIRST

    def wait(self, *, at_least: float = 0.0) -> str | None:
        """Sleep; the reason ("cancel", "pause") when somebody wants the job to stop."""
        seconds = max(self.next_s, at_least) * random.uniform(1.0, 1.25)  # noqa: S311 (no secret)
        self.next_s = min(self.next_s * GROWTH, self.longest_s)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            reason = self.run.should_stop()
            if reason:
                return reason
            time.sleep(min(left, SLICE_S))
        return self.run.should_stop()
