"""Replies that a job's thread gets once: resumed, finished, failed, cancelled."""

from __future__ import annotations

from bot import actions as ids
from bot.blocks import build
from bot.blocks.job import KEPT, NOUN, took
from bot.blocks.kit import Card, actions, button, card, section
from bot.blocks.mrkdwn import code, esc, person
from trainer.providers import is_hosted
from trainer.store.tables import Job
from trainer.types import JobKind

WORTH_SAYING = ("stopped_early", "time_limit", "overfitting", "out_of_memory")  # once more, when a run is over


def started(row: Job) -> Card:
    return _line(f"▶️ {NOUN[JobKind(row.kind)]} started.")


def halfway(left: str) -> Card:
    return _line(f"⏳ Half of it is done; about {left} left.")


def resumed(text: str) -> Card:
    return _line(f"🔁 {esc(text)}")


def interrupted(row: Job, why: str) -> Card:
    detail = f" ({esc(why)})" if why else ""
    goes_on = "Nothing to do: another one goes on, from the last checkpoint if there is one."
    return _line(f"⚠️ The worker was lost{detail}. {goes_on}")


def damaged(text: str) -> Card:
    return _line(f"⚠️ {esc(text)} The one before it is used.")


def noted(text: str) -> Card:
    return _line(f"⚠️ {esc(text)}")


def canary(state: str, text: str) -> Card:
    return _line(f"{'✅' if state == 'well' else '⚠️'} {esc(text)}")


def trained(row: Job) -> Card:
    """The final message of a training job; its picture is the loss curve."""
    result = row.result or {}
    model = str(result.get("model_id") or row.model_id or "")
    losses = ""
    if result.get("val_loss") is not None:
        losses = f" Validation loss {result['val_loss']:.3f}."
    text = f"Training finished in {took(row)}: {code(model)}.{losses}"
    notes = result.get("notes") or {}
    told = "".join(f"\n• {esc(notes[key])}" for key in WORTH_SAYING if key in notes)
    if is_hosted(row.spec):
        return card(text, section(f"🏁 {text}{told}\n{_hosted(model)}"))
    return card(
        text,
        section(f"🏁 {text}{told}\nWhether it is better than its base is not known yet: evaluate it."),
        actions(button("Evaluate", ids.EVALUATE, model, style="primary")) if model else None,
    )


def _hosted(model: str) -> str:
    """No button: an evaluation sends the test prompts to the provider and costs money."""
    return (
        "Whether it is better than its base is not known yet. To compare them sends the test prompts to the provider "
        f"and costs money, so somebody at a terminal starts it: {code(f'tunesmith eval {model}')}"
    )


def failed(row: Job) -> Card:
    error = row.error or {}
    why = esc(error.get("message", "No reason was recorded; see the worker's log."))
    text = f"{NOUN[JobKind(row.kind)]} failed: {why}"
    return card(text, section(f"❌ {text}\n*What to do:* mend what it names and ask again, or say `status`."))


def cancelled(row: Job, by: str | None) -> Card:
    if row.kind == JobKind.AUGMENT:
        return build.cancelled(by)
    who = f" by {person(by)}" if by else ""
    kept = KEPT.get(JobKind(row.kind), "Its checkpoints are kept.")
    text = f"{NOUN[JobKind(row.kind)]} was cancelled{who}. {kept}"
    return card(text, section(f"🛑 {text}"))


def _line(text: str) -> Card:
    return card(text, section(text))
