"""An evaluation with what came after it: people's votes, an override; as sentences, page and Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools import promotion
from trainer.errors import BadInput, NotFound
from trainer.evals import report as told
from trainer.evals import votes
from trainer.evals.outcome import EvalReport
from trainer.evals.report import kept
from trainer.evals.votes import People
from trainer.methods.spec import BESIDE
from trainer.services import Services
from trainer.store.tables import Evaluation


@dataclass(frozen=True, slots=True)
class Beside:
    """Sentences about what people said, and about whoever overrode the verdict."""

    people: tuple[str, ...] = ()
    override: str = ""
    votes: People | None = None  # the same as figures


NOTHING = Beside()
OURS = ("language", "length")  # slices whose values are our own words


def beside(services: Services, row: Evaluation) -> Beside:
    """What is known now, which may be more than when the evaluation ended."""
    found, overrides = services.polls.people_of(row.id), promotion.overrides_of(services, row.id)
    said = (f"{votes.headline(found)}.", *votes.told(found)) if found else ()
    return Beside(said, promotion.told(overrides[0]) if overrides else "", found)


def figures(row: Evaluation) -> EvalReport | None:
    """The report without answers; None where it is from a version that nobody can read any more."""
    try:
        return kept.figures(row)
    except BadInput:
        return None


def page(services: Services, row: Evaluation) -> str:
    """The whole report as one HTML page. Raises BadInput where the report cannot be read."""
    known = beside(services, row)
    whole = kept.whole(row, services.blobs)
    about = _about(services, row)
    return told.html(whole, evaluation=row.id, people=known.people, override=known.override, about=about)


def _about(services: Services, row: Evaluation) -> dict[str, Any]:
    """What the candidate was made of: its dataset, and every setting of its training. {} where that is not known."""
    try:
        model = services.models.get(row.model_id)
        dataset, spec = services.datasets.get(model.dataset_id), services.jobs.get(model.job_id).spec
    except NotFound:
        return {}
    split = dataset.split or {}
    return {
        "dataset": {
            "id": dataset.id,
            "file": dataset.filename,
            "version": dataset.version,
            "usable rows": dataset.accepted,
            "fingerprint": dataset.fingerprint,
            "licence": dataset.license or "nobody said",
            "split": {key: split[key] for key in ("seed", "counts") if key in split},
        },
        "training": {"job": model.job_id, **{key: value for key, value in spec.items() if key not in BESIDE}},
    }


def markdown(services: Services, row: Evaluation) -> str:
    return told.markdown(kept.figures(row), beside(services, row).people)


def sentences(row: Evaluation, known: Beside = NOTHING) -> str:
    """Verdict first, then a line each: what an agent reads and a terminal prints."""
    head = f"{row.verdict} for {row.model_id} ({row.id})."
    report = figures(row)
    lines = told.lines(report, known.people)[1:] if report else row.report.get("reasons", [])
    return "\n".join([head, *([known.override] if known.override else []), *map(str, lines)])


def for_models(row: Evaluation | None, text: str) -> str:
    """Without the values of the test's slices, as in `label=…`: these are words of a dataset, which no model reads."""
    every = row.report.get("slices") or {} if row else {}
    named = [name.removeprefix("test/") for name in every if name.startswith("test/")]
    for one in sorted(named, key=len, reverse=True):
        key = one.partition("=")[0]
        text = text if key in OURS else text.replace(one, f"{key}=…")
    return text
