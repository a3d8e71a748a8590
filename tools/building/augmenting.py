"""Ask for rows that a language model writes. Asking sends nothing anywhere: a person approves the cost first."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from tools.context import TRAINER, Context
from tools.datasets import ensure_split, mapping_of, need_answers, pick_dataset, source_file, stats_of
from trainer.data.augment import sources
from trainer.data.augment.spec import (
    KINDS,
    MOST_ROWS,
    AugmentEstimate,
    AugmentSpec,
    caps,
    estimate,
    host_of,
    kind_of,
    model_of,
)
from trainer.data.builder import content_key
from trainer.errors import BadInput, Conflict
from trainer.store.tables import Approval, Dataset, Job
from trainer.types import JobKind, Verdict

MOST_BYTES = 256 * 1024 * 1024
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AugmentRequest:
    """What somebody is asked to approve. `dataset` is None for a file of prompts."""

    approval: Approval
    spec: AugmentSpec
    estimate: AugmentEstimate
    dataset: Dataset | None
    left_out: dict[str, int]


def request_augmentation(
    context: Context,
    kind: str,
    dataset_id: str | None = None,
    *,
    n: int | None = None,
    model: str | None = None,
    rows: int | None = None,
    prompts: Path | None = None,
    system: str = "",
    max_tokens: int | None = None,
) -> AugmentRequest:
    """Choose the rows, estimate requests, tokens and cost, and ask for approval. Nothing is started.

    `rows` asks about that many at most; `max_tokens` lowers the cap; `prompts` is a file to distill from."""
    context.caller.need(TRAINER, "ask for rows that a language model writes")
    settings = context.services.settings
    chosen, writer = kind_of(kind), model_of(model, settings)
    count = _number(n or KINDS[chosen], "n", 20)
    if rows is not None:
        _number(rows, "rows", MOST_ROWS)
    if prompts is not None and chosen != "distill":
        raise BadInput("Only distill takes a file of prompts.", fix="Ask for distill.", param="prompts")
    dataset = None if prompts else pick_dataset(context, dataset_id)
    asked = _asked(context, chosen, dataset, prompts, system, rows)
    made = estimate(chosen, count, (row for _, row in asked.rows), writer, settings)
    spec = AugmentSpec(
        kind=chosen,
        n=count,
        model=writer,
        endpoint=host_of(settings),
        rows=len(asked.rows),
        system=system,
        prompts_blob=context.services.blobs.put_file(prompts) if prompts else None,
        **_capped(caps(made), max_tokens),
    )
    approval = _ask(context, spec, made, dataset)
    return AugmentRequest(approval, spec, made, dataset, asked.left_out)


def _number(value: int, name: str, most: int) -> int:
    if not 1 <= value <= most:
        raise BadInput(f"{name} {value} does not fit: it is 1 to {most:,}.", fix="Correct it.", param=name)
    return value


def _capped(bounds: dict[str, int], max_tokens: int | None) -> dict[str, int]:
    if max_tokens is not None:
        bounds["max_tokens"] = min(bounds["max_tokens"], max(1, max_tokens))
    return bounds


def _asked(
    context: Context, kind: str, dataset: Dataset | None, prompts: Path | None, system: str, most: int | None
) -> sources.Asked:
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        found, train = _rows(context, dataset, prompts, system, Path(folder))
        asked = sources.choose(kind, found, train=train, most=most)
    if not asked.rows:
        why = ", ".join(f"{number:,} × {reason}" for reason, number in asked.left_out.items())
        raise BadInput(f"There is no row to ask about ({why}).", fix="Choose another dataset.", code="no_rows")
    if len(asked.rows) > MOST_ROWS:
        raise BadInput(
            f"{len(asked.rows):,} rows are more than one run may ask about ({MOST_ROWS:,}).",
            fix=f"Say how many: rows {MOST_ROWS // 10}, for example.",
            code="too_many_rows",
            param="rows",
        )
    return asked


def _rows(
    context: Context, dataset: Dataset | None, prompts: Path | None, system: str, folder: Path
) -> tuple[Iterator[tuple[int, Row]], frozenset[bytes] | None]:
    """All rows, and the content of the train part's where test rows can be sealed."""
    if dataset is None:
        assert prompts is not None
        return sources.read_prompts(prompts, system), None
    if dataset.bytes > MOST_BYTES:
        raise BadInput(f"{dataset.filename} is larger than 256 MiB.", fix="Choose a part of it.", code="too_large")
    need_answers(dataset)
    path = source_file(context, dataset, folder)
    found = sources.chat_rows(path, settings=context.services.settings, **mapping_of(dataset))
    return found, _sealed(context, dataset, folder)


def _sealed(context: Context, dataset: Dataset, folder: Path) -> frozenset[bytes] | None:
    """What is made of a test row would give the test away, so test rows are sealed first, where there are enough."""
    if dataset.split is None and dataset.verdict == Verdict.BROKEN:
        return None
    try:
        split = ensure_split(context, dataset)
    except BadInput as error:
        if error.code == "too_few_rows":
            return None
        raise
    train = context.services.blobs.get_file(split["blobs"]["train"], folder / "train.jsonl")
    return frozenset(content_key(msgspec.json.decode(line)) for line in train.read_bytes().splitlines() if line)


def personal_in(context: Context, dataset: Dataset | None) -> dict[str, Any]:
    """Rows of the dataset that hold personal data or secrets, and of what kinds, as its check found."""
    found = stats_of(context, dataset).get("sensitive", {}) if dataset else {}
    kinds = [kind["title"] for kind in found.get("kinds", {}).values()]
    return {"rows": found.get("rows", 0), "kinds": kinds[:6]}


def personal_words(personal: dict[str, Any]) -> str:
    """A sentence about what would leave the house; "" for nothing known."""
    number = personal.get("rows", 0)
    if not number:
        return ""
    holds = f"{number:,} row{'s' * (number != 1)} of the dataset hold{'s' * (number == 1)} personal data or secrets"
    return f"{holds} ({', '.join(personal['kinds'])}): redact them first, unless they may be sent there."


def _ask(context: Context, spec: AugmentSpec, made: AugmentEstimate, dataset: Dataset | None) -> Approval:
    subject = {
        "dataset_id": dataset.id if dataset else "",
        "dataset_sha256": dataset.sha256 if dataset else spec.prompts_blob,
        "split": dataset.split if dataset else None,
        "spec": spec.model_dump(mode="json"),
        "estimate": asdict(made),
        "personal": personal_in(context, dataset),
    }
    return context.services.approvals.ask("augment", subject, by=context.caller.user, origin=context.caller.origin)


def start(context: Context, session: Session, approval: Approval) -> Job:
    """Insert the approved job, within the transaction of the decision."""
    spec, team = approval.subject["spec"], context.caller.team
    return context.services.jobs.add_approved(session, JobKind.AUGMENT, approval, spec=spec, team=team)


def unchanged(session: Session, approval: Approval) -> None:
    """The dataset that the approval covers is still what it was. Raises Conflict."""
    wanted = approval.subject["dataset_id"]
    if not wanted:
        return
    dataset, subject = session.get(Dataset, wanted), approval.subject
    now = None if dataset is None or dataset.deleted_at else (dataset.sha256, dataset.split)
    if now != (subject["dataset_sha256"], subject["split"]):
        raise Conflict("The dataset changed after this was asked.", fix="Ask again.", code="changed")
