"""How many of a file's broken rows a fix would keep: the fix itself is tried on them, and what it makes thrown away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trainer.data.fix import FIXES
from trainer.data.fix.mender import Mender, Mixed
from trainer.data.lines import Line

EACH = 2000  # broken lines that are all tried
ONE_IN = 64  # of those that follow
MOST_BYTES = 1 << 20  # a longer line counts as beyond mending


class Trial:
    """`rows`: lines that all safe fixes together would mend; an estimate once more than `EACH` were heard of."""

    def __init__(self, firsts: Callable[[], Sequence[bytes]], format: str | None, mapping: Mapping[str, str] | None):
        """`firsts` gives the file's first lines; they tell the format where neither of the others does."""
        self._firsts, self._format, self._mapping = firsts, format, mapping
        self._mender: Mender | None = None
        self._heard = 0
        self.rows = 0

    def add(self, line: Line) -> None:
        self._heard += 1
        if self._heard <= EACH:
            self.rows += self._mends(line)
        elif self._heard % ONE_IN == 0:
            self.rows += ONE_IN * self._mends(line)

    def _mends(self, line: Line) -> bool:
        if line.too_long or len(line.raw) > MOST_BYTES:
            return False
        self._mender = self._mender or self._made()
        try:
            return bool(self._mender.mend(line).rows)
        except Mixed:
            return True

    def _made(self) -> Mender:
        """As `fix` makes it when nobody names fixes."""
        from trainer.data.fix.run import format_of

        wanted = {name: about for name, about in FIXES.items() if about.safe}
        firsts = [Line(number, raw, len(raw), b"\n") for number, raw in enumerate(self._firsts(), 1)]
        known, mixed = format_of(firsts, wanted, self._format, self._mapping)
        return Mender(wanted, known, convert=mixed or bool(self._mapping), mapped=bool(self._mapping))
