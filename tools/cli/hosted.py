"""`tunesmith hosted list | pause | resume | cancel | checkpoints`: jobs that run at a hosted provider."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from tools import hosting
from tools.cli.output import Json, answers, finish, opened
from trainer.providers.remote import RemoteJob

hosted = typer.Typer(no_args_is_help=True, help="Jobs at a hosted fine-tuning provider.", rich_markup_mode=None)
JobArg = Annotated[str, typer.Argument(help="Our job's id (ftjob-…), as `tunesmith status` shows it.")]


def register(app: typer.Typer) -> None:
    app.add_typer(hosted, name="hosted")


@hosted.command("list")
@answers
def list_(as_json: Json = False) -> None:
    """Show the newest hosted jobs: what we say of them, and what the provider says."""
    with opened() as context:
        rows = hosting.rows(context)
    text = "\n".join(_line(row) for row in rows) or "No job went to a hosted provider yet."
    finish({"jobs": [_public(row) for row in rows]}, text, as_json=as_json)


@hosted.command("pause")
@answers
def pause(job: JobArg, as_json: Json = False) -> None:
    """Pause a job there; ours goes on watching."""
    _act(job, "pause", as_json)


@hosted.command("resume")
@answers
def resume(job: JobArg, as_json: Json = False) -> None:
    """Let a paused job go on."""
    _act(job, "resume", as_json)


@hosted.command("cancel")
@answers
def cancel(job: JobArg, as_json: Json = False) -> None:
    """Cancel a job there, also one that has ended here."""
    _act(job, "cancel", as_json)


@hosted.command("checkpoints")
@answers
def checkpoints(job: JobArg, as_json: Json = False) -> None:
    """Show the checkpoints there; each is a model that can be called."""
    with opened() as context:
        found = hosting.checkpoints(context, job)
    shown = [{"id": c.id, "step": c.step, "model": c.model, "metrics": c.metrics} for c in found]
    text = "\n".join(f"step {c.step}: {c.model} ({c.id})" for c in found) or "There is no checkpoint yet."
    finish({"checkpoints": shown}, text, as_json=as_json)


def _act(job: str, verb: Literal["pause", "resume", "cancel"], as_json: bool) -> None:
    with opened() as context:
        remote = hosting.act(context, job, verb)
    finish(_remote(remote) | {"id": job}, f"{job}: the provider says {remote.said} of {remote.id}.", as_json=as_json)


def _line(row: hosting.Row) -> str:
    there = f"{row.remote.said} there ({row.remote_id})" if row.remote else row.remote_id
    return ", ".join(part for part in (f"{row.job.id}: {row.job.status} here", there, row.said) if part)


def _public(row: hosting.Row) -> dict[str, Any]:
    said = {"id": row.job.id, "status": row.job.status, "said": row.said, "remote_job": row.remote_id or None}
    return said | (_remote(row.remote) if row.remote else {})


def _remote(remote: RemoteJob) -> dict[str, Any]:
    return {
        "remote_job": remote.id,
        "remote_status": remote.said,
        "model": remote.model,
        "fine_tuned_model": remote.fine_tuned_model or None,
        "trained_tokens": remote.trained_tokens,
    }
