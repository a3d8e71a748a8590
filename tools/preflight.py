"""Try a training run without running it: checks, a few measured steps, the loss mask. And its result in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools import companion, training
from tools.context import TRAINER, Context
from tools.datasets import pick_dataset
from tools.units import cost, duration, size
from trainer.errors import BadInput
from trainer.methods.preflight.mask import Masked
from trainer.methods.preflight.verdict import TITLES
from trainer.store.tables import Job

MARKS: dict[bool | None, str] = {True: "ok", False: "FAILED", None: "left out"}


def start(context: Context, dataset_id: str | None, overrides: dict[str, Any]) -> Job:
    """Queue a preflight of the run that these words would ask for. It costs a minute, so nobody is asked."""
    context.caller.need(TRAINER, "try a training run")
    dataset = pick_dataset(context, dataset_id)
    spec = training.spec_of(context, dataset, overrides)
    if spec.provider != "local":
        raise BadInput(
            f"A preflight tries a run on our own machines, and {spec.provider} trains on its own.",
            fix="Leave the provider out, or ask for the run itself: hosted files are checked before they are sent.",
            code="no_preflight",
            param="provider",
        )
    planned = training.plan(context, dataset, spec)
    tokens = round(planned.estimate.tokens / spec.epochs / (1 + spec.replay))
    subject = {
        "spec": spec.model_dump(mode="json"),
        "base_location": planned.base.location,
        "dataset_id": dataset.id,
        "tokens": tokens,
    }
    job = companion.add(context, subject)
    context.services.threads.link(job.origin, job_id=job.id)
    return job


def verdict(result: dict[str, Any]) -> str:
    """`Ready: 9 of 9 checks hold.` or `Not ready: …`"""
    checks = result.get("checks", [])
    held, failed = sum(c["ok"] is True for c in checks), [c for c in checks if c["ok"] is False]
    left_out = sum(c["ok"] is None for c in checks)
    aside = f", {left_out} left out" if left_out else ""
    if not failed:
        return f"Ready: {held} of {len(checks)} checks hold{aside}."
    why = " ".join(c["words"] for c in failed)
    return f"Not ready: {why}"


def fixes(result: dict[str, Any]) -> list[str]:
    return [c["fix"] for c in result.get("checks", []) if c["ok"] is False and c.get("fix")]


def figures(result: dict[str, Any]) -> str:
    """What a real step took, and what that makes of the whole run; "" where nothing was measured."""
    measured = result.get("measured") or {}
    if not measured:
        return ""
    pace = f", {measured['tokens_per_s']:,.0f} tokens/s" if measured.get("tokens_per_s") else ""
    return (
        f"A step took {_seconds(measured['seconds_per_step'])}{pace}; {measured['steps']:,} steps make about "
        f"{duration(measured['seconds'])}, {cost(measured['cost_usd'])} (estimated before: "
        f"{duration(result['estimated']['seconds'])}). Memory at its peak: {size(measured['peak_memory_bytes'])}."
    )


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def lines(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(mark, title, words) of each check."""
    for check in result.get("checks", []):
        name = str(check["name"])
        yield MARKS[check["ok"]], TITLES.get(name, name), str(check["words"])


def masks(result: dict[str, Any]) -> list[Masked]:
    return [Masked.from_dict(row) for row in (result.get("mask") or {}).get("rows", [])]


def sentence(job: Job) -> str:
    """What the agent reads of a finished preflight; of one that waits, that it waits."""
    if not job.result:
        return f"Preflight {job.id} is queued: its result comes into this thread, in a minute or so."
    return " ".join(part for part in (verdict(job.result), *fixes(job.result), figures(job.result)) if part)
