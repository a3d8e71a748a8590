"""Asking people: the card of a vote, sealed or unsealed, and the modals in which one asks and votes.

Until it is unsealed nothing here says who wrote which answer. Answers are words of models and datasets: preformatted.
"""

from __future__ import annotations

import json
from typing import Any

from bot import actions as ids
from bot.blocks.kit import Card, actions, button, card, context, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, person
from tools import poll_words, polls
from tools.polls import PAIRWISE, RATING, Question, Standing
from trainer.evals.votes import HIGHEST, LOWEST, TIE, headline, spoken, told
from trainer.store.tables import Poll

Json = dict[str, Any]
SHOWN = 2_500  # characters of a prompt or an answer
AHEAD = 300  # of these, before the first difference of two long answers
WHAT = {PAIRWISE: "which answer is better?", RATING: "how good are the answers, 0 to 10?"}
HOW = {
    PAIRWISE: "Press Vote and choose A, B or tie for each question",
    RATING: "Press Vote and give each answer 0 to 10",
}
CHOICES = {polls.A: "Answer A is better", polls.B: "Answer B is better", TIE: "Tie: both are as good, or as bad"}


def shown(made: Standing) -> Card:
    return _result(made) if made.people else _sealed(made)


def _sealed(made: Standing) -> Card:
    poll, several = made.poll, len(made.poll.items) != 1
    asked = f"Blind vote: {WHAT[poll.kind]}"
    how = (
        f"{HOW[poll.kind]}. Who wrote which, and how the votes stand, is sealed until {_people(poll.needed)} voted on "
        f"{'all questions' if several else 'the question'}; until then you may change your votes."
    )
    return card(
        asked,
        section(f"*{asked}*\n{len(poll.items)} question{'s' if several else ''}, two answers each: {_sides(made)}."),
        section(how),
        section(f"*{made.finished} of {_voters(poll.needed)}* so far."),
        actions(button("Vote", ids.VOTE, poll.id, style="primary")),
        context(f"{esc(poll_words.drawn_from(made))} Vote {code(poll.id)}, asked for by {person(poll.created_by)}."),
    )


def _result(made: Standing) -> Card:
    poll, people = made.poll, made.people
    assert people
    head = headline(people)
    return card(
        f"{head}: {made.candidate}",
        section(f"*{head}*\nBetween {_sides(made)}."),
        section("\n".join(f"• {esc(line)}" for line in told(people))),
        section(esc(poll_words.next_step(made))) if poll_words.next_step(made) else None,
        context(
            f"A blind vote ({poll.kind}) on {code(poll.evaluation_id)}; a question goes to whom more of its voters "
            f"preferred. {esc(poll_words.drawn_from(made))} Vote {code(poll.id)}, asked for by "
            f"{person(poll.created_by)}."
        ),
    )


def _sides(made: Standing) -> str:
    other = f" ({code(made.other)})" if made.other else ""
    return f"the candidate ({code(made.candidate)}) and {esc(spoken(made.poll.against))}{other}"


def _people(count: int) -> str:
    return "one person has" if count == 1 else f"{count} people have"


def _voters(count: int) -> str:
    return "1 voter" if count == 1 else f"{count} voters"


def ask_button(evaluation_id: str) -> Json:
    return button("Ask people…", ids.ASK_PEOPLE, evaluation_id)


def options(evaluation_id: str, contestants: list[str], where: dict[str, str]) -> Json:
    """The modal behind “Ask people…”."""
    kinds = [_option("Which answer is better?", PAIRWISE), _option("Marks from 0 to 10", RATING)]
    others = [_option(spoken(key), key) for key in contestants]
    blocks = [
        section("People see pairs of answers without knowing whose they are, and vote in this thread."),
        _input("kind", "What they are asked", _radio("kind", kinds, kinds[0])),
        _input("against", "Whose answers stand beside the candidate's", _menu("against", others, others[0])),
        _input("items", "Questions", _number("items", polls.ITEMS)),
        _input("voters", "Voters that unseal the result", _number("voters", polls.NEEDED)),
    ]
    kept = {"value": evaluation_id, **where}
    return _modal(ids.ASK_VIEW, "Ask people", blocks, kept, submit="Ask", close="Not now")


def chosen(view: Json) -> Json:
    """What was chosen in it, as `tools.polls.ask` takes it; ValueError(block, sentence) where a number is none."""
    values = view["state"]["values"]
    made: Json = {key: values[key][key]["selected_option"]["value"] for key in ("kind", "against")}
    for block, name in (("items", "items"), ("voters", "needed")):
        said = str(values[block][block].get("value") or "").strip()
        if not (said.isdecimal() and len(said) < 4 and 1 <= int(said) <= polls.MOST):
            raise ValueError(block, f"A whole number from 1 to {polls.MOST}, please.")
        made[name] = int(said)
    return made


def ballot(
    poll: Poll, question: Question, before: tuple[str | tuple[int, int] | None, str], where: dict[str, str]
) -> Json:
    """The modal with one question. Block ids carry its number: Slack keeps what was entered where the ids stay."""
    said, correction = before
    number = question.number
    a, b = _window(question.a, question.b)
    count = f"Question {number + 1} of {question.of}."
    known = " You voted on it before; change it if you like." if said is not None else ""
    blocks: list[Json] = [
        context(f"{count} Who wrote which answer is sealed; A and B change places from question to question.{known}"),
        section("*The question*"),
        *_text(question.prompt, 0),
        section("*Answer A*"),
        *_text(question.a, a),
        section("*Answer B*"),
        *_text(question.b, b),
        *(_marks(number, said) if poll.kind == RATING else [_choice(number, said)]),
        _said(number, correction),
    ]
    kept = {"value": poll.id, "item": number, **where}
    submit = "Finish" if number + 1 == question.of else "Next"
    title = f"Vote {number + 1} of {question.of}"
    return _modal(ids.VOTE_VIEW, title, blocks, kept, submit=submit, close="Later")


def _choice(number: int, said: Any) -> Json:
    every = [_option(label, value) for value, label in CHOICES.items()]
    first = next((option for option in every if option["value"] == said), None)
    return _input(f"choice{number}", "Which answer is better?", _radio("choice", every, first))


def _marks(number: int, said: Any) -> list[Json]:
    every = [_option(_mark(mark), str(mark)) for mark in range(LOWEST, HIGHEST + 1)]
    given = said if isinstance(said, tuple) else (None, None)
    return [
        _input(f"{letter}{number}", f"Your mark for answer {letter}", _menu("mark", every, _at(every, mark)))
        for letter, mark in zip((polls.A, polls.B), given, strict=True)
    ]


def _mark(mark: int) -> str:
    return {LOWEST: f"{LOWEST} – useless", HIGHEST: f"{HIGHEST} – perfect"}.get(mark, str(mark))


def _at(every: list[Json], mark: int | None) -> Json | None:
    return None if mark is None else every[mark]


def _said(number: int, correction: str) -> Json:
    field: Json = {
        "type": "plain_text_input",
        "action_id": "said",
        "multiline": True,
        "max_length": polls.LONGEST_SAID,
    }
    field |= {"initial_value": correction} if correction else {}
    made = _input(f"said{number}", "What should it have said?", field)
    return made | {"optional": True, "hint": _plain("If neither answer is right. It is kept as a correction.")}


def vote_of(view: Json, number: int) -> tuple[str | tuple[int, int], str]:
    """What was voted in a ballot, as `tools.polls.cast` takes it, and the correction."""
    values = view["state"]["values"]
    said = str(values[f"said{number}"]["said"].get("value") or "")
    if f"choice{number}" in values:
        return str(values[f"choice{number}"]["choice"]["selected_option"]["value"]), said
    a, b = (int(values[f"{letter}{number}"]["mark"]["selected_option"]["value"]) for letter in (polls.A, polls.B))
    return (a, b), said


def thanks(*, left: int, unsealed: bool) -> Json:
    """The last page of a vote; `left` questions are without one, since somebody began in the middle."""
    text = "Thank you: you have voted on everything."
    more = "Until enough people have, you may press Vote again and change your votes."
    if left:
        text, more = "Thank you.", f"You left out {left}: press Vote again to answer what is left."
    if unsealed:
        more = "Yours was the last vote that was needed: the card in the thread shows the result."
    return _modal(ids.VOTE_VIEW, "Thank you", [section(f"*{text}*\n{more}")], {}, close="Close")


def news(said: Card) -> Json:
    """A modal with what would else be a message: an error in answer to a submission."""
    return _modal(ids.VOTE_VIEW, "Not counted", said.blocks or [section(esc(said.text))], {}, close="Close")


def _text(text: str, start: int) -> list[Json]:
    """A text letter by letter, and a note where a part of it is not shown."""
    if not text.strip():
        return [section("_(nothing: the answer is empty)_")]
    piece = text[start : start + SHOWN]
    shown = preformatted(f"{'…' if start else ''}{piece}{'…' if start + SHOWN < len(text) else ''}")
    if len(piece) == len(text):
        return [shown]
    note = f"Characters {start + 1:,} to {start + len(piece):,} of {len(text):,} are shown."
    return [shown, context(note)]


def _window(a: str, b: str) -> tuple[int, int]:
    """Where to begin to show two answers: at the start, unless they are the same for longer than is shown."""
    same = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = 0 if same < SHOWN - AHEAD else same - AHEAD
    return min(start, len(a)), min(start, len(b))


def _modal(
    callback_id: str, title: str, blocks: list[Json], kept: dict[str, Any], *, submit: str = "", close: str
) -> Json:
    made: Json = {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": json.dumps(kept),
        "title": _plain(clip(title, 24)),
        "close": _plain(close),
        "blocks": blocks,
    }
    return made | ({"submit": _plain(submit)} if submit else {})


def _input(block_id: str, label: str, element: Json) -> Json:
    return {"type": "input", "block_id": block_id, "label": _plain(label), "element": element}


def _radio(action_id: str, every: list[Json], first: Json | None) -> Json:
    made: Json = {"type": "radio_buttons", "action_id": action_id, "options": every}
    return made | ({"initial_option": first} if first else {})


def _menu(action_id: str, every: list[Json], first: Json | None) -> Json:
    made: Json = {"type": "static_select", "action_id": action_id, "options": every}
    return made | ({"initial_option": first} if first else {"placeholder": _plain("Choose")})


def _number(action_id: str, given: int) -> Json:
    bounds = {"min_value": "1", "max_value": str(polls.MOST)}
    return {
        "type": "number_input",
        "action_id": action_id,
        "is_decimal_allowed": False,
        "initial_value": str(given),
    } | bounds


def _option(text: str, value: str) -> Json:
    return {"text": _plain(clip(text, 75)), "value": clip(value, 150)}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
