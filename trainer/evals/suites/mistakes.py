"""Everything that is wrong with a suite, by its place, in one error."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from trainer.errors import BadInput

TOLD = 10


class Mistakes:
    """Collects what is wrong; `stop` raises when anything is."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.found: list[str] = []

    def add(self, place: str, words: str) -> None:
        self.found.append(f"{place}: {words}" if place else words)

    def unknown(self, place: str, given: Iterable[str], known: Iterable[str]) -> None:
        """Name each key that nobody reads, with the one that was probably meant."""
        known = list(known)
        for key in given:
            if key not in known:
                self.add(place, f"there is no key {key[:60]!r}.{meant(key, known)}")

    def stop(self) -> None:
        if not self.found:
            return
        count = len(self.found)
        head = f"{self.what} has {'a mistake' if count == 1 else f'{count} mistakes'}:"
        shown = [f"• {line}" for line in self.found[:TOLD]]
        more = [f"• … and {count - TOLD} more."] if count > TOLD else []
        fix = f"\nCorrect {'it' if count == 1 else 'them'} and try again."
        raise BadInput("\n".join([head, *shown, *more]), fix=fix, code="bad_suite")


def meant(given: str, known: Iterable[str]) -> str:
    """` Did you mean …?`, or every name where none is near and they are few."""
    known = list(known)
    near = get_close_matches(given[:60], known, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {near[0]}?"
    return f" Known: {', '.join(known)}." if len(known) <= 40 else ""
