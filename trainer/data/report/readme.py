"""The README.md of a dataset folder: YAML that the Hub validates, then what people must know of the data."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from trainer.data import card as cards
from trainer.data import figures
from trainer.types import CheckReport

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LANGUAGE_SHARE = 0.05
# the Hub's own names of licences that people mean most often; any other is told as "other" with its name
KNOWN_LICENSES = (
    "mit apache-2.0 bsd-2-clause bsd-3-clause gpl-3.0 lgpl-3.0 agpl-3.0 mpl-2.0 isc unlicense wtfpl cc cc0-1.0 "
    "cc-by-2.0 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 "
    "cc-by-nc-nd-4.0 cc-by-nc-sa-4.0 odc-by odbl pddl cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 "
    "llama2 llama3 llama3.1 gemma openrail unknown other"
)
LICENSES = frozenset(KNOWN_LICENSES.split())
TAGS = {"preference": ["dpo", "preference"], "unpaired": ["kto"], "reinforcement": ["rl"]}


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """What a version's card tells. Times are seconds since the epoch; `lineage` has the first upload first."""

    name: str
    report: CheckReport
    dataset_id: str = ""
    version: int = 1
    created_at: float | None = None
    source: str = ""
    license: str | None = None
    retain_until: float | None = None
    split: Mapping[str, Any] | None = None
    lineage: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One split of the folder, as the Hub names it."""

    name: str
    file: str  # relative to the folder
    rows: int
    bytes: int
    sha256: str


def readme(card: DatasetCard, parts: list[Part]) -> str:
    """`parts` are the folder's splits, none of them empty."""
    import yaml

    front = yaml.safe_dump(front_matter(card, parts), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n" + "\n".join(_body(card, parts))


def front_matter(card: DatasetCard, parts: list[Part]) -> dict[str, Any]:
    total = sum(part.rows for part in parts)
    spoken = figures.languages(card.report.stats).items()
    codes = [code for code, share in spoken if share >= LANGUAGE_SHARE and re.fullmatch(r"[a-z]{2,3}", code)]
    return {
        "pretty_name": _line(card.name),
        **_license(card.license),
        **({"language": codes} if codes else {}),
        "task_categories": ["text-generation"],
        "size_categories": [next((name for limit, name in SIZES if total < limit), "1M<n<10M")],
        "tags": ["tunesmith", *TAGS.get(card.report.kind, [])],
        "configs": [
            {"config_name": "default", "data_files": [{"split": part.name, "path": part.file} for part in parts]}
        ],
        "dataset_info": {
            "splits": [{"name": part.name, "num_bytes": part.bytes, "num_examples": part.rows} for part in parts],
            "download_size": sum(part.bytes for part in parts),
            "dataset_size": sum(part.bytes for part in parts),
        },
    }


def _license(said: str | None) -> dict[str, str]:
    if not said:
        return {"license": "unknown"}
    slug = re.sub(r"[^a-z0-9.]+", "-", said.lower()).strip("-.")
    return {"license": slug} if slug in LICENSES else {"license": "other", "license_name": slug or "other"}


def _body(card: DatasetCard, parts: list[Part]) -> Iterator[str]:
    yield f"# {_text(card.name)}\n"
    yield f"{_text(cards.headline(card.report, mend='tunesmith data fix'))}\n"
    yield from _origin(card)
    yield from _parts(card, parts)
    yield "## Figures\n"
    told = [*cards.numbers(card.report).items(), *figures.token_facts(card.report.stats)]
    yield from _table(("What", "Value"), told)
    yield from _shares("Languages", figures.languages(card.report.stats))
    yield from _shares("Labels", figures.labels(card.report.stats))
    yield from _findings(card)
    yield from _lineage(card)
    yield from _sensitive(card)
    yield from _limits(card)


def _origin(card: DatasetCard) -> Iterator[str]:
    yield "## Where it comes from\n"
    facts = {
        "Dataset": card.dataset_id and f"{card.dataset_id}, version {card.version}",
        "Source": card.source or "nobody said",
        "Licence": card.license or "nobody said: ask the owner before you use it",
        "Made": card.created_at and _day(card.created_at),
        "Keep until": card.retain_until and _day(card.retain_until),
        "Container": card.report.source,
        "Format": cards.title_of(card.report.format),
        "SHA-256 of the file": card.report.sha256,
        "Fingerprint of the rows": card.report.fingerprint,
    }
    yield from _table(("What", "Value"), ((k, v) for k, v in facts.items() if v))


def _parts(card: DatasetCard, parts: list[Part]) -> Iterator[str]:
    yield "## Splits\n"
    yield from _table(("Split", "Rows", "SHA-256"), ((p.name, f"{p.rows:,}", p.sha256) for p in parts))
    if card.split:
        kept = {k: card.split[k] for k in ("seed", "dev", "test", "group", "stratify", "near") if k in card.split}
        said = ", ".join(f"{k} {v}" for k, v in kept.items())
        group = _text(card.split.get("group", "prompt"))
        yield f"Split by {group}, so that no group is in two parts ({_text(said)}).\n"
    else:
        yield "The rows are not split.\n"


def _findings(card: DatasetCard) -> Iterator[str]:
    yield "## Findings\n"
    entries = cards.summary(card.report)
    if not entries:
        yield "None.\n"
        return
    rows = (
        (e.severity.value, e.code, f"{e.count:,}", ", ".join(map(_place, e.first_lines)), e.meaning) for e in entries
    )
    yield from _table(("Severity", "Code", "Count", "First lines", "Meaning"), rows)
    yield "Every one stands in `findings.jsonl`; lines are those of the file as it was given.\n"


def _place(line: int) -> str:
    return str(line) if line else "the file"


def _lineage(card: DatasetCard) -> Iterator[str]:
    if not card.lineage:
        return
    yield "## How it came about\n"
    for step in card.lineage:
        change = dict(step["change"])
        kind = change.pop("kind", "upload")
        told = "; ".join(f"{key}: {_told(value)}" for key, value in change.items())
        yield f"{step['version']}. {_text(kind)} on {_day(step['at'])}: {step['rows']:,} usable rows ({step['id']})" + (
            f". {_text(told)}" if told else ""
        )
    yield ""


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _sensitive(card: DatasetCard) -> Iterator[str]:
    yield "## Sensitive content\n"
    found = figures.sensitive(card.report.stats)
    if found is None:
        yield "Nobody looked.\n"
    elif not found:
        yield "The check found no personal data and no secrets. Names and free descriptions are beyond it.\n"
    else:
        rows = ((k.title, k.group.replace("_", " "), f"{k.rows:,}", f"{k.hits:,}") for k in found)
        yield from _table(("Kind", "Group", "Rows", "Times"), rows)


def _limits(card: DatasetCard) -> Iterator[str]:
    yield "## Known limits\n"
    left = card.report.rows - card.report.accepted
    if left:
        yield f"- {left:,} of {card.report.rows:,} rows of the file could not be used and are not in this folder."
    if card.report.near_duplicates:
        yield f"- {card.report.near_duplicates:,} rows are nearly the same as another."
    yield "- Whether the answers are right is for people to say: the check reads form and signs, not truth."
    yield "- Personal data is found by its form: a name or a story that gives somebody away is not."
    yield ""


def _shares(title: str, shares: dict[str, float]) -> Iterator[str]:
    if shares:
        yield f"### {title}\n"
        yield from _table(("What", "Share"), ((key, f"{share:.1%}") for key, share in islice(shares.items(), 20)))


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"
    yield ""


def _line(value: object) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())[:200]


def _text(value: object) -> str:
    """Text from outside as text: no markup, no HTML, no second line."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", _line(value)).replace("&", "&amp;")


def _day(epoch: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch))
