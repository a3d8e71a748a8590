"""The one living card of a job: stage, bar, losses, speed, what is left, Cancel; then how it ended."""

from __future__ import annotations

from typing import Any

from bot import actions as ids
from bot.blocks import build, preflight, sweep
from bot.blocks.kit import Card, actions, button, card, confirmation, context, fields, section
from bot.blocks.mrkdwn import code, esc, person
from tools.units import duration, size
from trainer.providers import is_hosted
from trainer.store.tables import Job
from trainer.types import JobKind, JobStatus

BAR = 20
MOST_REMARKS = 10
HEAD = {
    JobStatus.VALIDATING: ("⌛", "is getting ready"),
    JobStatus.QUEUED: ("⌛", "waits for a worker"),
    JobStatus.RUNNING: ("⚙️", "is running"),
    JobStatus.PAUSED: ("⏸️", "is paused"),
    JobStatus.SUCCEEDED: ("✅", "is done"),
    JobStatus.FAILED: ("❌", "failed"),
    JobStatus.CANCELLED: ("🛑", "was cancelled"),
}
NOUN = {
    JobKind.TRAIN: "Training",
    JobKind.EVAL: "Evaluation",
    JobKind.AUGMENT: "Augmentation",
    JobKind.SWEEP: "Sweep",
    JobKind.PREFLIGHT: "Preflight",
    JobKind.CANARY: "Canary",
}
KEPT = {JobKind.AUGMENT: "What was written so far is dropped.", JobKind.PREFLIGHT: "It has made nothing."}


def bar(step: int, total: int) -> str:
    """`█████░░░░░ 50 %`"""
    share = min(1.0, step / total) if total > 0 else 0.0
    full = int(share * BAR)
    return f"{'█' * full}{'░' * (BAR - full)} {share:.0%}".replace("%", " %")


def living(row: Job, progress: dict[str, Any]) -> Card:
    """What the card says now. `progress` is the newest of the current attempt, or {}."""
    status = JobStatus(row.status)
    symbol, word = HEAD[status]
    stopping = row.cancel_requested and status is JobStatus.RUNNING
    noun = f"{NOUN[JobKind(row.kind)]} {'is stopping' if stopping else word}"
    return card(
        f"{noun}: {row.id}",
        section(f"{symbol} *{noun}* · {_what(row)}"),
        *_body(row, status, progress),
        None if status.ended or stopping else actions(_cancel(row)),
        context(f"Job {code(row.id)}, asked by {person(row.owner)}{_attempt(row)}"),
    )


def _what(row: Job) -> str:
    if row.kind == JobKind.EVAL:
        return f"{code(row.model_id or '')} against its base"
    if row.kind == JobKind.AUGMENT:
        return build.what(row)
    if is_hosted(row.spec):
        return f"{esc(row.spec.get('objective', ''))} on {code(row.spec.get('base', ''))} at a hosted provider"
    if row.kind == JobKind.SWEEP:
        return sweep.what(row)
    return f"{esc(row.spec.get('method', 'lora'))} on {code(row.spec.get('base', ''))}"


def _attempt(row: Job) -> str:
    return f" · attempt {row.fence}" if row.fence > 1 else ""


def _cancel(row: Job) -> dict[str, Any]:
    kept = KEPT.get(JobKind(row.kind), "Its checkpoints are kept.")
    sure = confirmation("Cancel the job?", f"It stops within seconds. {kept}", "Cancel it", "Go on")
    return button("Cancel", ids.CANCEL, row.id, style="danger", confirm=sure)


def _body(row: Job, status: JobStatus, progress: dict[str, Any]) -> list[dict[str, Any]]:
    if status is JobStatus.SUCCEEDED:
        return _ending(row)
    if status is JobStatus.FAILED:
        return [section(f"*Why:* {esc((row.error or {}).get('message', 'not told'))}")]
    if status is JobStatus.RUNNING and progress:
        return [section(_where(progress)), *_figures(progress)]
    return []


def _where(progress: dict[str, Any]) -> str:
    step, total = int(progress.get("step") or 0), int(progress.get("total_steps") or 0)
    stage = esc(progress.get("stage", "starting"))
    note = f" – {esc(progress['note'])}" if progress.get("note") else ""
    if not total:
        return f"{stage}{note}"
    return f"`{bar(step, total)}`  {stage}, step {step:,} of {total:,}{note}"


def _figures(progress: dict[str, Any]) -> list[dict[str, Any]]:
    pairs = [
        ("Loss", _number(progress.get("loss"))),
        ("Validation loss", _number(progress.get("val_loss"))),
        ("Speed", f"{progress['tokens_per_s']:,.0f} tokens/s" if progress.get("tokens_per_s") else ""),
        ("Learning rate", f"{progress['lr']:.2g}" if progress.get("lr") else ""),
        ("Peak memory", size(progress["peak_memory_bytes"]) if progress.get("peak_memory_bytes") else ""),
        ("Left", f"about {duration(progress['eta_s'])}" if progress.get("eta_s") is not None else ""),
    ]
    known = [(label, value) for label, value in pairs if value]
    return [fields(*known)] if known else []


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def took(row: Job) -> str:
    if row.started_at is None or row.finished_at is None:
        return ""
    return duration(max(0.0, row.finished_at - row.started_at))


def _ending(row: Job) -> list[dict[str, Any]]:
    result = row.result or {}
    if row.kind == JobKind.EVAL:
        return [fields(("Verdict", f"*{esc(result.get('verdict', '—'))}*"), ("Took", took(row)))]
    if row.kind == JobKind.AUGMENT:
        return build.ending(row, took(row))
    if row.kind == JobKind.SWEEP:
        return sweep.ending(row, took(row))
    if row.kind == JobKind.PREFLIGHT:
        return preflight.ending(row, took(row))
    steps = result.get("steps", 0)
    told = remarks(result)
    return [
        fields(
            ("Model", code(result.get("model_id", "—"))),
            ("Took", f"{took(row)}, {steps:,} {'step' if steps == 1 else 'steps'}"),
            ("Training loss", _number(result.get("train_loss"))),
            ("Validation loss", _number(result.get("val_loss"))),
            ("Tokens trained", f"{row.trained_tokens:,}"),
        ),
        *([section("\n".join(f"• {esc(line)}" for line in told))] if told else []),
    ]


def remarks(result: dict[str, Any]) -> list[str]:
    """What is worth knowing of how a run went, a sentence each."""
    notes = result.get("notes") or {}
    if result.get("stopped_early") and "stopped_early" not in notes:
        notes = {"stopped_early": "Stopped early: no more gain."} | notes
    return [str(text) for text in notes.values()][:MOST_REMARKS]
