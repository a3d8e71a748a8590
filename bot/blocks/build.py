"""Cards of what is built: a thread as an example, rows that a language model writes, recipes."""

from __future__ import annotations

from typing import Any

from bot import actions as ids
from bot.blocks.kit import Card, Json, actions, button, card, context, fields, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, name, person
from tools.building import Draft
from tools.building.augmenting import personal_words
from tools.building.examples import Built
from trainer.data.augment.spec import KINDS
from trainer.store.tables import Dataset, Job

SHOWN_TURNS, SHOWN_CHARACTERS = 12, 260
WHAT = {
    "augment": "variations of each row",
    "paraphrase": "paraphrases of each question",
    "distill": "answer of a stronger model to each prompt",
}


def preview(draft: Draft) -> Card:
    """The example as it would be added, letter by letter, with Add and Discard."""
    where = f"the next version of {code(draft.dataset_id)}" if draft.dataset_id else "a new dataset"
    lie = f" {draft.turns_cut} more turns lie before the first question or after the last answer."
    cut = lie if draft.turns_cut else ""
    shown = "\n\n".join(_turn(m) for m in draft.messages[:SHOWN_TURNS])
    more = len(draft.messages) - SHOWN_TURNS
    head = f"An example from this thread: {draft.turns} turns."
    return card(
        f"{head} Add it to {where.replace('`', '')}?",
        section(f"📝 *{head}* Add it to {where}?"),
        preformatted(shown + (f"\n\n… and {more} more turns" if more > 0 else "")),
        context(f"{esc(draft.how)}{esc(cut)}"),
        context(" ".join(esc(note) for note in draft.notes)) if draft.notes else None,
        actions(
            button("Add", ids.BUILD_ADD, draft.key, style="primary"),
            button("Add without personal data", ids.BUILD_ADD_REDACTED, draft.key),
            button("Discard", ids.BUILD_DISCARD, draft.key),
        ),
        context("Nothing is added before somebody presses."),
    )


def _turn(message: dict[str, str]) -> str:
    return f"{message['role']}: {clip(message['content'], SHOWN_CHARACTERS)}"


def added(built: Built) -> Card:
    row = built.dataset
    few = " Training takes at least 10." if row.accepted < 10 else ""
    old = f"version {row.version}, after {code(built.parent.id)}" if built.parent else "a new dataset"
    text = f"Added: {name(row.filename)} has {row.accepted:,} rows now ({old}).{few}"
    return card(text, section(f"✅ {text}"), context(f"Dataset {code(row.id)}"))


# rows that a language model writes


def headline(subject: dict[str, Any]) -> str:
    spec, made = subject["spec"], subject["estimate"]
    return f"{spec['rows']:,} rows to {code(spec['model'])}, {asked_for(spec)}, {_cost(made)}."


def asked_for(spec: dict[str, Any]) -> str:
    count = "" if spec["kind"] == "distill" else f"{spec['n']} "
    return f"{count}{WHAT[spec['kind']]}"


def _cost(made: dict[str, Any]) -> str:
    if made.get("cost_usd") is None:
        return "cost not known"
    return "less than a cent" if made["cost_usd"] < 0.01 else f"about ${made['cost_usd']:,.2f}"


def details(subject: dict[str, Any], dataset: Dataset | None) -> list[Json]:
    spec, made = subject["spec"], subject["estimate"]
    tokens = f"about {made['input_tokens']:,} in, {made['output_tokens']:,} out"
    return [
        fields(
            ("Dataset", name(dataset.filename) if dataset else "a file of prompts"),
            ("Rows", f"{spec['rows']:,}, {'sealed test rows left out' if subject.get('split') else 'all that fit'}"),
            ("Model", code(spec["model"])),
            ("Goes to", code(spec["endpoint"])),
            ("Tokens", tokens),
            ("Cost", _cost(made)),
        ),
        *([context(f"⚠️ {esc(warned)}")] if (warned := personal_words(subject.get("personal") or {})) else []),
        context(f"Stops at {spec['max_tokens']:,} tokens or {spec['max_requests']:,} requests. {esc(made['basis'])}"),
    ]


def what(row: Job) -> str:
    spec = row.spec
    return f"{esc(asked_for(spec))} by {code(spec.get('model', ''))}" if spec.get("kind") in KINDS else ""


def ending(row: Job, took: str) -> list[Json]:
    result = row.result or {}
    return [
        fields(
            ("Rows made", f"{result.get('made', 0):,} of {result.get('asked', 0):,} asked about"),
            ("Dataset", code(result.get("dataset_id", "—"))),
            ("Took", f"{took}, {result.get('requests', 0):,} requests"),
            ("Tokens", f"{result.get('input_tokens', 0):,} in, {result.get('output_tokens', 0):,} out"),
        )
    ]


def made(row: Job) -> Card:
    """The last message of an augmentation: what was made, what was not and why, and the new version."""
    result = row.result or {}
    text = f"{result.get('made', 0):,} rows were written; the new version {code(result.get('dataset_id', ''))} has "
    text += f"{result.get('rows', 0):,} rows."
    missing = left_out(result)
    return card(
        text,
        section(f"🏁 {text}\nEach carries `synthetic` in its metadata: read some of them before you train."),
        context(esc(missing)) if missing else None,
        actions(button("Train", ids.TRAIN, str(result.get("dataset_id")), style="primary")),
    )


def left_out(result: dict[str, Any]) -> str:
    """What did not become a row, by reason."""
    bits = [f"{number:,} × {why}" for why, number in (result.get("refused") or {}).items()]
    copies = (result.get("duplicates") or 0) + (result.get("near_duplicates") or 0)
    bits += [f"{copies:,} × said already, or nearly"] if copies else []
    bits += [f"{result['failed']:,} answers could not be read"] if result.get("failed") else []
    bits += [f"{result['without_answer']:,} rows got no answer"] if result.get("without_answer") else []
    said = f"Left out: {'; '.join(bits)}." if bits else ""
    return " ".join(part for part in (said, result.get("stopped") or "") if part)


def cancelled(by: str | None) -> Card:
    text = f"Augmentation was cancelled{f' by {person(by)}' if by else ''}. No version was made."
    return card(text, section(f"🛑 {text}"))
