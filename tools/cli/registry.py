"""`tunesmith models | alias | promote | rollback | requests | approve | reject | audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tools import approvals, evaluation_report, polls, promotion, sentences
from tools.cli import shapes
from tools.cli.output import FINDINGS, GOOD, Json, answers, finish, opened
from trainer.bases import known_bases
from trainer.errors import BadInput
from trainer.evals.report import write
from trainer.types import GateVerdict

RequestId = Annotated[str, typer.Argument(help="The request's id (appr-…).")]


def register(app: typer.Typer) -> None:
    app.command("models")(models)
    app.command("evaluation")(evaluation)
    app.command("alias")(alias)
    app.command("promote")(promote)
    app.command("rollback")(rollback)
    app.command("requests")(requests)
    app.command("approve")(approve)
    app.command("reject")(reject)
    app.command("audit")(audit)


@answers
def models(as_json: Json = False) -> None:
    """List tuned models with their verdicts, aliases, and the bases that can be trained."""
    with opened() as context:
        services = context.services
        value = {
            "models": [shapes.model(m, services.models.evaluations(m.id)) for m in services.models.list()],
            "aliases": [shapes.alias(a) for a in services.aliases.list()],
            "bases": list(known_bases(services.settings)),
        }
        text = sentences.models(context)
    finish(value, text, as_json=as_json)


@answers
def evaluation(
    evaluation_id: Annotated[str, typer.Argument(metavar="EVALUATION", help="Its id, a model or an alias.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the whole report as a page.")
    ] = None,
    as_markdown: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """Show what an evaluation found. Exit 1 unless the gate said PASS."""
    if as_markdown and as_json:
        raise BadInput("Markdown and JSON do not go together.", fix="Give --md or --json.", param="md")
    with opened() as context:
        services = context.services
        row = polls.pick_evaluation(context, evaluation_id)
        if html:
            write(evaluation_report.page(services, row), html)
        known = evaluation_report.beside(services, row)
        said = evaluation_report.markdown(services, row) if as_markdown else sentences.evaluation(row, known)
    written = f"\nThe whole report is in {html}." if html and not as_markdown else ""
    told = {
        "people": shapes.votes(known.votes),
        "override": known.override or None,
        "html": str(html) if html else None,
    }
    code = GOOD if row.verdict == GateVerdict.PASS else FINDINGS
    finish(shapes.evaluation(row) | told, f"{said}{written}", as_json=as_json, code=code)


@answers
def alias(
    name: Annotated[str | None, typer.Argument(help="One alias with its history; none: all.")] = None,
    as_json: Json = False,
) -> None:
    """Show what aliases point to."""
    with opened() as context:
        aliases = context.services.aliases
        if name is None:
            rows = aliases.list()
            lines = [f"{a.name} → {a.model_id} (revision {a.revision})" for a in rows]
            text = "\n".join(lines) or "There is no alias yet; promote a model to make one."
            finish({"aliases": [shapes.alias(a) for a in rows]}, text, as_json=as_json)
        row = aliases.get(name or "")
        history = aliases.history(row.name)
        override = promotion.override_behind(context.services, row.name, row.model_id)
    lines = [f"revision {h.revision}: {h.model_id}" for h in history]
    value = shapes.alias(row) | {"history": [shapes.revision(h) for h in history]}
    value["override"] = shapes.override(override) if override else None
    told = [f"{row.name} → {row.model_id}", *([promotion.told(override)] if override else [])]
    finish(value, "\n".join([*told, *lines]), as_json=as_json)


@answers
def promote(
    model: Annotated[str, typer.Argument(help="A model's id (ft:…) or its job's id.")],
    to: Annotated[str, typer.Option("--alias", "--to", help="The alias that programs call.")],
    override: Annotated[
        str | None,
        typer.Option("--override", metavar="REASON", help="Against the gate's verdict: two approvers must sign."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask to point an alias at a model. A second person approves, in Slack or with `tunesmith approve`."""
    with opened() as context:
        if override is None:
            asked = promotion.request(context, model, to)
        else:
            asked = promotion.request_override(context, model, to, override, signed=True)
    finish(shapes.request(asked), sentences.promotion_request(asked), as_json=as_json)


@answers
def rollback(
    name: Annotated[str, typer.Argument(metavar="ALIAS")],
    as_json: Json = False,
) -> None:
    """Ask to point an alias back at the model it served before. A second person approves."""
    with opened() as context:
        asked = promotion.request_rollback(context, name)
    finish(shapes.request(asked), sentences.promotion_request(asked), as_json=as_json)


@answers
def requests(as_json: Json = False) -> None:
    """List what waits for a decision."""
    with opened() as context:
        rows = context.services.approvals.pending()
    text = "\n".join(f"{r.id} {r.kind} asked by {r.requested_by}" for r in rows) or "Nothing waits."
    finish({"requests": [shapes.request(r) for r in rows]}, text, as_json=as_json)


@answers
def approve(request: RequestId, as_json: Json = False) -> None:
    """Approve a request, as the account that runs this command."""
    _decide(request, yes=True, as_json=as_json)


@answers
def reject(request: RequestId, as_json: Json = False) -> None:
    """Reject a request, or withdraw your own."""
    _decide(request, yes=False, as_json=as_json)


def _decide(request: str, *, yes: bool, as_json: bool) -> None:
    with opened() as context:
        made = approvals.decide(context, request, approve=yes)
    value = shapes.request(made.approval) | {
        "job": made.job.id if made.job else None,
        "moved": made.moved or None,
    }
    finish(value, sentences.decided(made.approval), as_json=as_json)


@answers
def audit(
    verify: Annotated[bool, typer.Option(help="Check the hash chain.")] = False,
    as_json: Json = False,
) -> None:
    """Show who decided what; --verify checks that no row was changed. Exit 1 when one was."""
    with opened() as context:
        log = context.services.audit
        broken = log.verify() if verify else None
        rows = log.list()
    value: dict[str, Any] = {
        "rows": [{"seq": r.seq, "at": r.at, "actor": r.actor, "action": r.action, "data": r.data} for r in rows]
    }
    text = "\n".join(f"{r.seq} {r.actor} {r.action} {r.subject}" for r in rows) or "The log is empty."
    if verify:
        value |= {"whole": broken is None, "first_broken": broken}
        text += f"\nBroken at row {broken}." if broken else "\nThe chain is whole."
    finish(value, text, as_json=as_json, code=FINDINGS if broken else GOOD)
