"""Old rows and new ones together: no question twice or nearly so, every new row labelled with where it is from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.data.augment.prompts import text_of
from trainer.data.augment.sources import mark_group
from trainer.data.augment.spec import AugmentSpec
from trainer.data.augment.work import Made, row_key
from trainer.data.builder import content_key, labelled
from trainer.data.split import prompt_key

Row = dict[str, Any]


@dataclass(slots=True)
class Sifted:
    """`fresh` rows are new; `replaced` says which old content gives way to which row (distillation only)."""

    fresh: list[Row] = field(default_factory=list)
    replaced: dict[bytes, Row] = field(default_factory=dict)
    duplicates: int = 0
    near: int = 0


def sift(
    spec: AugmentSpec, asked: Iterable[tuple[int, Row]], answers: dict[str, Made], old: Sequence[Row], folder: Path
) -> Sifted:
    """Labelled rows in the order of their sources. A distilled answer takes its source's place."""
    out = Sifted()
    seen = set() if spec.kind == "distill" else {prompt_key(row) for row in old}
    for line, source in asked:
        answered = answers.get(row_key(source))
        for row in answered.rows if answered else ():
            if (key := prompt_key(row)) in seen:
                out.duplicates += 1
                continue
            seen.add(key)
            made = label(row, source, spec, line)
            if spec.kind == "distill" and source["messages"][-1]["role"] == "assistant":
                out.replaced[content_key(source)] = made
            else:
                out.fresh.append(made)
    if spec.kind != "distill":
        alike = near(list(map(question, old)), list(map(question, out.fresh)), folder)
        out.fresh = [row for place, row in enumerate(out.fresh) if place not in alike]
        out.near = len(alike)
    return out


def label(row: Row, source: Row, spec: AugmentSpec, line: int) -> Row:
    """Where it came from, as texts; what the source says of itself stays, so that groups stay together."""
    known = {k: v for k, v in (source.get("metadata") or {}).items() if isinstance(v, str)}
    kept = row | ({"metadata": known} if known else {})
    origin = {"synthetic": "true", "made_by": spec.kind, "model": spec.model, "source_line": str(line)}
    return labelled(kept, **origin, group=known.get("group") or mark_group(source))


def question(row: Row) -> str:
    return next((text_of(m) for m in reversed(row["messages"]) if m["role"] == "user"), "")


def near(old: Sequence[str], new: Sequence[str], folder: Path) -> set[int]:
    """Places of new texts that say nearly the same as an old one, or as a new one before."""
    from trainer.data.similar import Clusters

    with tempfile.TemporaryDirectory(dir=folder) as spill:
        clusters = Clusters(Path(spill))
        clusters.add([*old, *new])
        roots = clusters.roots().tolist() if old or new else []
    return {place - len(old) for place in range(len(old), len(roots)) if roots[place] != place}
