"""Failures, one at a time: why, what was asked, expected and said, and how these differ. Words of models and data are
preformatted."""

from __future__ import annotations

import json
from typing import Any

from bot import actions as ids
from bot.blocks.kit import Card, actions, button, card, context, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, name
from tools.lesson_words import learned
from tools.lessons import LONGEST, Browsed, Learned
from trainer.evals.case import CANDIDATE
from trainer.evals.failures import CAUSES, Failure
from trainer.evals.report.examples import differences

Json = dict[str, Any]
ALL = "all"
SHOWN = 1_200  # characters of a prompt or an answer
MODAL = 3_000  # characters that Slack takes as a text field's first value
MARKS = {"": "", "missing": "[-{}-]", "added": "{{+{}+}}"}


def of_cause(found: Browsed, cause: str) -> list[Failure]:
    return [one for one in found.failures if cause in (ALL, one.cause)]


def value(found: Browsed, cause: str, at: int) -> str:
    """What a button carries: which evaluation, which cause, which failure of it."""
    return f"{found.evaluation.id}|{cause}|{at}"


def shown(found: Browsed, waiting: int, cause: str = ALL, at: int = 0) -> Card:
    """The causes with their numbers, and one failure; `waiting` lessons have no version yet."""
    row, every = found.evaluation, of_cause(found, cause)
    if not found.failures:
        return card("No failures.", section(f"✅ {code(row.model_id)} failed on nothing that {code(row.id)} asked."))
    at = min(max(at, 0), len(every) - 1)
    lost = sum(one.lost for one in found.failures)
    head = f"{len(found.failures)} failures of {row.model_id}"
    had = f" {lost} of them the base has right; these come first." if lost else ""
    return card(
        head,
        section(f"🔎 *{len(found.failures)} failures of* {code(row.model_id)}\nWorst first.{had}"),
        actions(*_causes(found, cause)),
        *_failure(every[at], f"{at + 1} of {len(every)}: {CAUSES[every[at].cause]}"),
        *_corrected(found, every[at]),
        actions(*_steps(found, cause, at, len(every)), *_deeds(found, cause, at, waiting)),
        context(
            f"From evaluation {code(row.id)}. A prompt that was asked here stays on the eval side for good; one in "
            "other words goes where its hash says."
        ),
    )


def _causes(found: Browsed, chosen: str) -> list[Json]:
    """A button a cause, the chosen one marked in words."""
    every = {ALL: len(found.failures), **found.causes}
    names = {ALL: "All", **CAUSES}
    return [
        button(
            f"{'▸ ' if cause == chosen else ''}{names[cause]} ({count})",
            f"{ids.FAILURE_CAUSE}_{cause}",
            value(found, cause, 0),
        )
        for cause, count in every.items()
    ]


def _failure(one: Failure, title: str) -> list[Json]:
    row, said = one.row, one.row.answers[CANDIDATE].text
    why = f" {name(one.why, 300)}." if one.why else ""
    had = " The base has it right." if one.lost else ""
    pieces = "".join(MARKS[p.kind].format(p.text) if p.kind else p.text for p in differences(row.expected, said))
    prompt = "\n".join(f"{m.role}: {m.content}" for m in row.messages)
    blocks = [section(f"*{title}*{why}{had}\n{code(f'{row.suite}/{row.id}')}"), section("*Asked*"), _text(prompt)]
    if row.expected:
        blocks += [section("*Expected*"), _text(row.expected)]
    blocks += [section("*Said*"), _text(said)]
    if row.expected and said.strip():
        blocks += [section("*How it differs*: [-missing-] {+added+}"), _text(pieces)]
    return blocks


def _corrected(found: Browsed, one: Failure) -> list[Json]:
    said = found.corrections.get((one.row.suite, one.row.id))
    return [section("*A voter would have it say*"), _text(said)] if said else []


def _text(text: str) -> Json:
    return preformatted(clip(text, SHOWN)) if text.strip() else section("_(nothing)_")


def _steps(found: Browsed, cause: str, at: int, count: int) -> list[Json | None]:
    back = button("Back", ids.FAILURE_BACK, value(found, cause, at - 1)) if at else None
    ahead = button("Next", ids.FAILURE_NEXT, value(found, cause, at + 1)) if at + 1 < count else None
    return [back, ahead]


def _deeds(found: Browsed, cause: str, at: int, waiting: int) -> list[Json | None]:
    here, row = value(found, cause, at), of_cause(found, cause)[at].row
    version = f"Make the next version ({waiting})" if waiting else ""
    return [
        button("Keep as an eval example", ids.FAILURE_KEEP, here, style="primary") if row.expected else None,
        button("Write a similar one…", ids.FAILURE_WRITE, here),
        button(version, ids.NEXT_VERSION, found.evaluation.dataset_id) if version else None,
    ]


def similar(found: Browsed, one: Failure, carried: str, where: dict[str, str]) -> Json:
    """The modal in which a person writes an example: the last message and what should be said, as they were."""
    asked = one.row.messages[-1].content if one.row.messages else ""
    corrected = found.corrections.get((one.row.suite, one.row.id))
    note = (
        "Put the question in other words, and say what the answer should be. A changed question may be trained on, if "
        "its hash says so; the very question that was asked is only evaluated with."
    )
    return {
        "type": "modal",
        "callback_id": ids.FAILURE_VIEW,
        "private_metadata": json.dumps({"value": carried, **where}),
        "title": _plain("Make an example"),
        "submit": _plain("Keep it"),
        "close": _plain("Not now"),
        "blocks": [
            section(note),
            _field("prompt", "The question, in other words", asked),
            _field("answer", "What should it have said?", corrected or one.row.expected),
        ],
    }


def _field(name: str, label: str, given: str) -> Json:
    element: Json = {"type": "plain_text_input", "action_id": name, "multiline": True}
    element |= {"max_length": MODAL} | ({"initial_value": given} if 0 < len(given) <= MODAL else {})
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element}


def written(view: Json) -> tuple[str, str]:
    """(prompt, answer) of a modal that was sent."""
    values = view["state"]["values"]
    return tuple(str(values[name][name].get("value") or "")[:LONGEST] for name in ("prompt", "answer"))  # type: ignore[return-value]


def kept(made: Learned) -> Card:
    text = learned(made.lesson, new=made.new)
    return card(text, section(f"📌 {esc(text)}"))


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
