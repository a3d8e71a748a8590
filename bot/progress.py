"""A line in a thread that tells how far a long piece of work is, until its answer takes the line's place."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.blocks import note
from bot.blocks.kit import Card
from bot.blocks.mrkdwn import name
from bot.door import Door
from tools.units import duration

TELL_EVERY_S = 2.0
Progress = Callable[[int, int], None]


class Line:
    """`verbs` name the passes over the data in their order: a pass that begins anew is the next of them."""

    def __init__(self, door: Door, origin: dict[str, str], key: str, filename: str, *verbs: str) -> None:
        self.door = door
        self.origin = origin
        self.key = key
        self.filename = filename
        self.verbs = list(verbs) or ["Working on"]
        self.began = self.told = time.monotonic()
        self.done = 0
        self.ts = ""

    def start(self) -> None:
        """Say at once what is being done."""
        self.ts = self.door.outbox.post(self.key, self.origin, note.line(self._says()))

    def next(self) -> None:
        """Another pass begins; its time is counted anew."""
        self.began, self.done = time.monotonic(), 0
        if len(self.verbs) > 1:
            self.verbs.pop(0)

    def tell(self, done: int, total: int) -> None:
        """Edit the line where the work takes longer: the share done, and about how long it still takes."""
        if done < self.done:
            self.next()
        self.done = done
        clock = time.monotonic()
        if clock - self.told < TELL_EVERY_S or not total:
            return
        self.told = clock
        self._show(note.line(self._says(self._left(min(1.0, done / total), clock))))

    def _left(self, share: float, clock: float) -> str:
        left = (clock - self.began) * (1 - share) / max(share, 0.01)
        if left < 1:
            return " almost done"
        return f" {share:.0%}, about {duration(left)} left"

    def _says(self, rest: str = "") -> str:
        return f"⏳ {self.verbs[0]} *{name(self.filename)}*…{rest}"

    def _show(self, card: Card) -> None:
        if not self.ts:
            self.ts = self.door.outbox.post(self.key, self.origin, card)
        elif self.door.edits.take():
            self.door.edit(self.origin["channel"], self.ts, card, key=self.key)

    def settle(self, card: Card) -> str:
        """The answer takes the line's place, or comes after it where Slack does not let us edit; its ts."""
        if self.ts and self.door.edit(self.origin["channel"], self.ts, card, key=self.key):
            return self.ts
        return self.door.outbox.post(f"{self.key}:card", self.origin, card)

    def over(self, text: str) -> None:
        """Say that the work is done, where the line was shown at all."""
        if self.ts:
            self.door.edit(self.origin["channel"], self.ts, note.line(text), key=self.key)
