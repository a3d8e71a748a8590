"""Figures of the accepted rows, gathered while the file streams by."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any

from trainer.data.analyze import Batch
from trainer.data.formats.typed_chat import Row

BYTES_PER_TOKEN = 4  # a rule of thumb for English; the exact count needs the base's tokenizer
BINS = 20


class Gathering:
    """Memory: four bytes a row (its answer's length); everything else is counters."""

    def __init__(self) -> None:
        self.answers = array("I")
        self.turns: Counter[tuple[str, ...]] = Counter()  # few in practice: system-user-assistant …
        self.bytes = self.with_tools = self.longest_row = 0

    def add(self, batch: Batch, size: int) -> None:
        """Rows, and their size in bytes as compact JSON."""
        views = batch.views
        self.answers.extend([len(view.answer) for view in views])
        self.turns.update([view.roles for view in views])
        self.bytes += size
        self.longest_row = max(self.longest_row, int(batch.sizes().max()) - 1)
        if set(map(type, batch.rows)) != {Row}:  # of messages alone
            self.with_tools += sum(map(_has_tools, batch.rows))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON. Shares are of the accepted rows; lengths are characters; tokens are an estimate."""
        rows = len(self.answers)
        if not rows:
            return {"rows": 0}
        lengths = sorted(self.answers)
        return {
            "rows": rows,
            **self._roles(rows),
            "tools_share": round(self.with_tools / rows, 4),
            "bytes": self.bytes,
            "longest_row_bytes": self.longest_row,
            "estimated_tokens": self.bytes // BYTES_PER_TOKEN,
            "estimated_tokens_how": f"{BYTES_PER_TOKEN} bytes a token; exact only with the base's tokenizer",
            "answer_chars": {name: percentile(lengths, share) for name, share in PERCENTILES.items()},
            "answer_histogram": histogram(lengths),
        }

    def _roles(self, rows: int) -> dict[str, Any]:
        roles: Counter[str] = Counter()
        system = multi = 0
        for turns, count in self.turns.items():
            for role in turns:
                roles[role] += count
            system += count * ("system" in turns or "developer" in turns)
            multi += count * (turns.count("assistant") > 1)
        return {
            "messages": roles.total(),
            "messages_per_row": round(roles.total() / rows, 2),
            "most_messages": max(map(len, self.turns)),
            "roles": dict(sorted(roles.items())),
            "system_share": round(system / rows, 4),
            "multi_turn_share": round(multi / rows, 4),
        }


def _has_tools(row: Any) -> bool:
    found = row.get("tools") or row.get("functions") if isinstance(row, dict) else getattr(row, "tools", None)
    return bool(found)


PERCENTILES = {"min": 0.0, "p10": 0.1, "p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def percentile(ordered: list[int], share: float) -> int:
    """The nearest-rank percentile of sorted values: always one of them."""
    return ordered[min(len(ordered) - 1, max(0, round(share * (len(ordered) - 1))))]


def histogram(ordered: list[int], bins: int = BINS) -> dict[str, list[int]]:
    """`edges` (one more than bins) and `counts`; the last bin takes everything above the 99th percentile."""
    top = max(1, percentile(ordered, 0.99))
    width = max(1, -(-top // bins))
    count = min(bins, top // width + 1)
    counts = [0] * count
    for length in ordered:
        counts[min(count - 1, length // width)] += 1
    return {"edges": [i * width for i in range(count + 1)], "counts": counts}
