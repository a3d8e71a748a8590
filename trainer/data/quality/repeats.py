"""Answers that run in a circle: the same word, line or phrase again and again, as a model without an end does."""

from __future__ import annotations

from itertools import groupby

WORDS_IN_A_ROW = 8
LINES_IN_A_ROW = 4
PHRASE_ROUNDS = 5  # whole repetitions of a phrase at the end


def circle(answer: str) -> str:
    """What is said again and again, in words; "" for nothing."""
    words = answer.split()
    word, rounds = _longest_run(words)
    if rounds >= WORDS_IN_A_ROW and any(c.isalpha() for c in word):
        return f"the same word {rounds} times in a row"
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    line, rounds = _longest_run(lines)
    if rounds >= LINES_IN_A_ROW and sum(c.isalpha() for c in line) >= 4:
        return f"the same line {rounds} times in a row"
    rounds = _phrase_rounds(words)
    return f"the same words {rounds} times in a row" if rounds else ""


def _longest_run(parts: list[str]) -> tuple[str, int]:
    return max(
        ((part, sum(1 for _ in run)) for part, run in groupby(parts)), key=lambda found: found[1], default=("", 0)
    )


def _phrase_rounds(words: list[str]) -> int:
    """How often the text's last 2 to 40 words stand there in a row, at its end; 0 below `PHRASE_ROUNDS`. A last
    round that is cut off does not matter."""
    for size in range(2, min(40, len(words) // PHRASE_ROUNDS) + 1):
        same = 0
        while same + size < len(words) and words[-1 - same - size] == words[-1 - same]:
            same += 1
        rounds = same // size + 1
        said = words[-size:]
        if rounds >= PHRASE_ROUNDS and sum(c.isalpha() for w in said for c in w) >= 6 and len(set(said)) > 1:
            return rounds
    return 0
