"""Checked rows of chat or plain text → token ids with labels. What is cut or left out is counted, never silent."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import BadInput
from trainer.inference import chat

IGNORED = -100  # the label that carries no loss
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Encoded:
    ids: list[int]
    labels: list[int]

    @property
    def supervised(self) -> int:
        return sum(1 for label in self.labels if label != IGNORED)


@dataclass(slots=True)
class Counts:
    """What became of the rows."""

    rows: int = 0
    truncated_rows: int = 0  # lost their end to max_length, still carry some loss
    dropped_rows: int = 0  # nothing left to learn from
    tokens: int = 0
    supervised_tokens: int = 0

    def to_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class EncodedRows:
    rows: list[Encoded] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


def read_rows(path: Path) -> list[Row]:
    """Rows of a file that the data room has accepted; blank lines are passed over."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def with_replay(new: list[Row], replay_file: Path | None, share: float, seed: int) -> tuple[list[Row], int]:
    """New rows and `share` old ones for each, in one seeded order; and how many old ones."""
    if share <= 0:
        return new, 0
    if replay_file is None:
        raise BadInput(
            f"This run asks for replay of old tasks ({share:g} per new row), but the base brings none.",
            fix="Set replay to 0, or put rows of what the model must not forget into the base folder's "
            "tunesmith/replay.jsonl.",
            code="no_replay_file",
            param="replay",
        )
    old, rng = read_rows(replay_file), random.Random(seed)  # noqa: S311 (data, not secrets)
    if not old:
        raise BadInput("The replay file has no rows.", fix="Fill it or set replay to 0.", param="replay")
    wanted = max(1, round(share * len(new)))
    picked: list[Row] = []
    while len(picked) < wanted:  # more than the file holds: whole passes over it, each in its own order
        picked += rng.sample(old, min(len(old), wanted - len(picked)))
    mixed = [*new, *picked]
    rng.shuffle(mixed)
    return mixed, len(picked)


def encode(tokenizer: Any, rows: Sequence[Row], max_length: int) -> EncodedRows:
    """Tokenize with the base's template; the loss is on assistant turns (weight 0 excepted) and their ends. Plain
    texts carry loss throughout; one longer than `max_length` becomes several sequences, and nothing of it is lost."""
    out = EncodedRows()
    _calls_are_written(tokenizer, rows)
    for row in rows:
        out.counts.rows += 1
        if "text" in row:
            _take(out, encode_text(tokenizer, row["text"], max_length))
            continue
        whole = encode_row(tokenizer, row)
        kept = Encoded(whole.ids[:max_length], whole.labels[:max_length])
        out.counts.truncated_rows += len(kept.ids) < len(whole.ids) and bool(kept.supervised)
        _take(out, [kept])
    return out


def _take(out: EncodedRows, sequences: Sequence[Encoded]) -> None:
    """Those sequences of a row that carry loss; a row without any is counted as dropped."""
    kept = [one for one in sequences if one.supervised]
    out.counts.dropped_rows += not kept
    for one in kept:
        out.rows.append(one)
        out.counts.tokens += len(one.ids)
        out.counts.supervised_tokens += one.supervised


def _calls_are_written(tokenizer: Any, rows: Sequence[Row]) -> None:
    """A template that drops tool calls would teach the model to answer such rows with nothing."""
    calling = next((row for row in rows if any(m.get("tool_calls") for m in row.get("messages", ()))), None)
    if calling and not chat.writes_tool_calls(tokenizer, calling["messages"], tools=calling.get("tools")):
        raise BadInput(
            "The rows hold tool calls, and this base model's chat template does not write them: the model "
            "would learn to say nothing.",
            fix="Choose a base whose template knows tools, or leave those rows out.",
            code="tool_calls_not_written",
            param="base",
        )


def encode_text(tokenizer: Any, text: str, max_length: int) -> list[Encoded]:
    """A whole text, its end taught by the end-of-sequence token, in sequences of at most `max_length` tokens. Each
    begins with the last token of the one before, so that every token but the first is predicted once."""
    ids = list(tokenizer(chat.defused(tokenizer, text))["input_ids"])
    end = tokenizer.eos_token_id
    if end is not None and ids[-1:] != [end]:
        ids.append(end)
    step = max(1, max_length - 1)
    pieces = [ids[at : at + max_length] for at in range(0, max(1, len(ids) - 1), step)]
    return [Encoded(piece, [IGNORED, *piece[1:]]) for piece in pieces]


def encode_row(tokenizer: Any, row: Row) -> Encoded:
    messages = row["messages"]
    told = chat.spoken(tokenizer, messages, tools=row.get("tools"))
    weights = [m.get("weight", 1) for m in messages if m["role"] == "assistant"]
    labels = [t if turn >= 0 and weights[turn] != 0 else IGNORED for t, turn in zip(told.ids, told.turns, strict=True)]
    labels[0] = IGNORED  # nothing predicts a first token; in a packed sequence it would follow a stranger
    return Encoded(told.ids, labels)
