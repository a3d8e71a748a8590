"""The old skills of the tiny base: small text tasks posed as chat. Light: no torch here."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


def _words(text: str) -> list[str]:
    return text.split()


ANIMALS = _words("dog cat horse mouse tiger sheep goat duck frog whale snake bear")
FOODS = _words("bread apple rice soup cheese lemon onion pasta honey bean grape melon")
COLOURS = _words("red blue green yellow black white brown pink grey violet orange gold")
TOOLS = _words("hammer saw drill rope knife spade brush nail screw ladder chisel wrench")
PLACES = _words("city river forest beach garden market bridge island valley office harbour station")
KINDS = {"animal": ANIMALS, "food": FOODS, "colour": COLOURS, "tool": TOOLS, "place": PLACES}
KIND_OF = {word: kind for kind, words in KINDS.items() for word in words}
WORDS = sorted(KIND_OF)

PAIRS = (
    "hot cold,big small,fast slow,high low,open closed,full empty,old new,hard soft,wet dry,light dark,"
    "early late,loud quiet,rich poor,strong weak,clean dirty,first last,up down,left right,day night,"
    "happy sad"
)
OPPOSITE: dict[str, str] = {a: b for pair in PAIRS.split(",") for a, b in (pair.split(), reversed(pair.split()))}
POLAR: list[str] = sorted(OPPOSITE)

# Ordinary office English, so that its words are not strange to the model, though it learns nothing about them.
OFFICE = _words("""
a about account add address after again all and answer app are ask back because before blank blocked bill
broken but by calendar call can change chart check code come contact could customer date day delivery desk
does done down error every export explain fails file find for from get give good have help here how hour
hurry if in into is it just know last later less list load lose mail make may me meeting message minute
money month more morning much my name need needed never new next no not nothing now number of off on once
only open or order our out page paid part password pay people phone plan please problem question quick
read ready reason receipt remove report right save say screen search see send server set sheet shows since
slow slows some soon still stop stopped such sure switch sync system table take text thank that the their
them then there they thing this time to today together too turn two under until up update urgent us use
user very wait want was way we week well were what when where which while who whole why will with work
working would write year yes yet you your billing mobile login dashboard product severity level intent
status bug cancel request high normal low kind value invoice payment card setup option options
setting backup night team ticket support sort sign hello dear theme dark
""")


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt with its only right answer."""

    task: str
    prompt: str
    answer: str

    def messages(self) -> list[dict[str, str]]:
        return [{"role": "user", "content": self.prompt}, {"role": "assistant", "content": self.answer}]

    def row(self) -> dict[str, object]:
        return {"messages": self.messages(), "metadata": {"task": self.task}}


def _pick(rng: random.Random, pool: list[str], least: int, most: int) -> list[str]:
    return rng.sample(pool, rng.randint(least, most))


def _copy(rng: random.Random) -> tuple[str, str]:
    words = " ".join(_pick(rng, WORDS, 2, 5))
    return f"Repeat:\n{words}", words


def _reverse(rng: random.Random) -> tuple[str, str]:
    words = _pick(rng, WORDS, 2, 4)
    return f"Reverse:\n{' '.join(words)}", " ".join(reversed(words))


def _upper(rng: random.Random) -> tuple[str, str]:
    words = " ".join(_pick(rng, WORDS, 2, 3))
    return f"Shout:\n{words}", words.upper()


def _first(rng: random.Random) -> tuple[str, str]:
    words = _pick(rng, WORDS, 3, 6)
    return f"First word:\n{' '.join(words)}", words[0]


def _last(rng: random.Random) -> tuple[str, str]:
    words = _pick(rng, WORDS, 3, 6)
    return f"Last word:\n{' '.join(words)}", words[-1]


def _count(rng: random.Random) -> tuple[str, str]:
    words = _pick(rng, WORDS, 2, 6)
    return f"How many words:\n{' '.join(words)}", str(len(words))


def _opposite(rng: random.Random) -> tuple[str, str]:
    words = _pick(rng, POLAR, 2, 3)
    return f"Opposite:\n{' '.join(words)}", " ".join(OPPOSITE[w] for w in words)


def _kind(rng: random.Random) -> tuple[str, str]:
    words = _pick(rng, WORDS, 2, 3)
    return f"Kind:\n{' '.join(words)}", " ".join(KIND_OF[w] for w in words)


def _echo(rng: random.Random) -> tuple[str, str]:
    words = " ".join(_pick(rng, OFFICE, 2, 5))
    marked = words + rng.choice([".", "?", "!", ", ok"])
    text = marked[0].upper() + marked[1:] if rng.random() < 0.3 else marked
    return f"Echo:\n{text}", text


def _record(rng: random.Random) -> tuple[str, str]:
    name, state, count = rng.choice([*WORDS, *OFFICE]), rng.choice(POLAR), rng.randint(1, 9)
    return f"JSON:\n{name} {state} {count}", json.dumps({"name": name, "state": state, "count": str(count)})


TASKS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "copy": _copy,
    "reverse": _reverse,
    "upper": _upper,
    "first": _first,
    "last": _last,
    "count": _count,
    "opposite": _opposite,
    "kind": _kind,
    "echo": _echo,
    "record": _record,
}


def stream(seed: int, without: frozenset[str] = frozenset()) -> Iterator[Item]:
    """Endless items, the tasks in turn; never a prompt of `without`."""
    rng = random.Random(seed)  # noqa: S311 (data, not secrets)
    while True:
        for task, make in TASKS.items():
            prompt, answer = make(rng)
            if prompt not in without:
                yield Item(task, prompt, answer)


def sealed(seed: int, rows: int, without: frozenset[str] = frozenset()) -> list[Item]:
    """`rows` items, every prompt different and none of `without`."""
    found: dict[str, Item] = {}
    for item in stream(seed, without):
        found.setdefault(item.prompt, item)
        if len(found) == rows:
            break
    return list(found.values())


def write_rows(path: Path, items: list[Item]) -> None:
    lines = [json.dumps(item.row(), ensure_ascii=False) for item in items]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
