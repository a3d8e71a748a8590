"""`tunesmith data keep | lineage | undo | license | retain | audit | delete`: datasets on record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tools import datasets
from tools.cli.data.given import DatasetId, FileOrId, FormatName, Mapping, bar, is_file, mapping_of, readable
from tools.cli.output import FINDINGS, GOOD, Json, answers, finish, opened
from tools.context import terminal_caller
from tools.datasets.tending import day
from trainer.data import card
from trainer.data.check import check
from trainer.errors import BadInput
from trainer.settings import load_settings
from trainer.store.tables import Dataset

NAME = 80  # characters of a file's name in a list


def register(data: typer.Typer) -> None:
    data.command("keep")(keep)
    data.command("list")(list_command)
    data.command("lineage")(lineage)
    data.command("undo")(undo)
    data.command("license")(set_license)
    data.command("retain")(retain)
    data.command("audit")(audit)
    data.command("delete")(delete)


def shape(row: Dataset) -> dict[str, Any]:
    """A dataset as --json prints it."""
    return {
        "id": row.id,
        "filename": row.filename,
        "version": row.version,
        "parent": row.parent_id,
        "verdict": row.verdict,
        "format": row.format,
        "kind": row.kind,
        "rows": row.rows,
        "accepted": row.accepted,
        "change": row.change,
        "source": row.source,
        "license": row.license,
        "owner": row.owner,
        "sha256": row.sha256,
        "fingerprint": row.fingerprint,
        "split": bool(row.split),
        "created_at": int(row.created_at),
        "retain_until": int(row.retain_until) if row.retain_until else None,
        "deleted_at": int(row.deleted_at) if row.deleted_at else None,
    }


def told(row: Dataset) -> str:
    gone = f", deleted {day(row.deleted_at)}" if row.deleted_at else ""
    until = f", kept until {day(row.retain_until)}" if row.retain_until and not gone else ""
    done = row.change.get("applied") or {}
    how = ", ".join(f"{name} {count:,}" for name, count in done.items())
    what = f"{row.change.get('kind', 'upload')}{f' ({how})' if how else ''}"
    return f"v{row.version}  {row.id}  {_named(row)}  {what}: {row.accepted:,} of {row.rows:,} rows{until}{gone}"


def _named(row: Dataset) -> str:
    """The file's name on one line, whatever it holds."""
    name = " ".join(row.filename.split())
    return name if len(name) <= NAME else f"{name[:NAME]}…"


@answers
def keep(
    file: Annotated[Path, typer.Argument(help="A dataset file.")],
    format: FormatName = None,
    mapping: Mapping = None,
    as_json: Json = False,
) -> None:
    """Check a file and keep it on record, where any of it can be used or mended. Prints its id."""
    path = readable(file)
    chosen = {"format": format, "mapping": mapping_of(mapping)}
    with opened() as context, bar(as_json, path.stat().st_size) as update:
        checked = datasets.keep(context, path, filename=path.name, on_progress=update, **chosen)
    said = card.headline(checked.report, mend="tunesmith data fix")
    if checked.dataset is None:
        raise BadInput(
            f"{path.name} was not kept. {said}", fix=f"See: tunesmith data check {path}", code="dataset_broken"
        )
    finish(shape(checked.dataset), f"{checked.dataset.id}: {said}", as_json=as_json)


@answers
def list_command(as_json: Json = False) -> None:
    """List the newest datasets."""
    with opened() as context:
        rows = context.services.datasets.list()
    text = "\n".join(map(told, rows)) or "There is no dataset yet: tunesmith data keep FILE"
    finish({"datasets": [shape(row) for row in rows]}, text, as_json=as_json)


@answers
def lineage(dataset: DatasetId, as_json: Json = False) -> None:
    """Show how a version came about, from the first upload on."""
    with opened() as context:
        rows = datasets.lineage(context, dataset)
    finish({"lineage": [shape(row) for row in rows]}, "\n".join(map(told, rows)), as_json=as_json)


@answers
def undo(dataset: DatasetId, as_json: Json = False) -> None:
    """Say which version stands before this one. Versions never change: going back is naming the older id."""
    with opened() as context:
        rows = datasets.lineage(context, dataset)
    before = rows[-2] if len(rows) > 1 else None
    text = f"Before {dataset} stands {before.id}; use that id." if before else f"{dataset} is the first version."
    finish({"dataset": dataset, "parent": before.id if before else None}, text, as_json=as_json)


@answers
def set_license(
    dataset: DatasetId,
    name: Annotated[str, typer.Argument(metavar="LICENCE", help="For example cc-by-4.0.")],
    as_json: Json = False,
) -> None:
    """Say under which licence the data may be used; the audit log keeps who said so."""
    with opened() as context:
        row = datasets.set_license(context, dataset, name)
    finish(shape(row), f"{row.id} is under {row.license}.", as_json=as_json)


@answers
def retain(
    dataset: DatasetId,
    days: Annotated[float | None, typer.Option(help="Days from now; without: for good.")] = None,
    as_json: Json = False,
) -> None:
    """Say how long a dataset is kept. Nothing is deleted by itself: see `data delete --expired`."""
    with opened() as context:
        row = datasets.set_retention(context, dataset, days)
    text = f"{row.id} is kept until {day(row.retain_until)}." if row.retain_until else f"{row.id} is kept for good."
    finish(shape(row), text, as_json=as_json)


@answers
def audit(file: FileOrId, as_json: Json = False) -> None:
    """Tell what sensitive content is where. Exit 1 when there is some. Values are never shown."""
    from trainer.data.privacy import audit as audits

    if is_file(file):
        path = readable(Path(file))
        with bar(as_json, path.stat().st_size) as update:
            stats = check(path, settings=load_settings(), on_progress=update).stats
        by = terminal_caller(load_settings()).user
        about = {"uploaded_by": by, "uploaded_at": day(path.stat().st_mtime), "retain_until": None}
        value = audits.audit(stats, dataset_id=path.name, **about)
        text = audits.audit_text(stats, dataset_id=path.name, **about)
    else:
        with opened() as context:
            value, text = datasets.audit(context, file), datasets.audit_text(context, file)
    finish(value, text, as_json=as_json, code=FINDINGS if value["kinds"] else GOOD)


@answers
def delete(
    dataset: Annotated[str | None, typer.Argument(metavar="ID", help="A dataset's id (file-…).")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Every dataset whose retention is over.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a version's bytes for good; its row stays for the lineage. Refused while a job uses it."""
    if (dataset is None) is not expired:
        raise BadInput("Name one dataset, or --expired.", fix="tunesmith data delete file-…", param="dataset")
    with opened() as context:
        names = [dataset] if dataset else [row.id for row in datasets.expired(context)]
        gone = [datasets.delete(context, name) for name in names]
    text = "\n".join(f"{row.id} ({_named(row)}) is deleted." for row in gone) or "Nothing's time is over."
    finish({"deleted": [row.id for row in gone]}, text, as_json=as_json)
