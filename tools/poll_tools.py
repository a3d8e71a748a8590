"""Asking people, as LangChain tools. There is none that votes: a person does that in a modal, with their own name."""

from __future__ import annotations

from langchain_core.tools import BaseTool

from tools import poll_words, polls
from tools.answers import Answer, Runtime, card


@card
def ask_people(
    runtime: Runtime,
    model: str | None = None,
    kind: str = polls.PAIRWISE,
    items: int | None = None,
    voters: int | None = None,
    against: str | None = None,
) -> Answer:
    """Ask people to compare answers blind: posts a card with a Vote button in this thread.

    `model` is a model or an evaluation (eval-…), default this thread's. `kind` is pairwise (which answer is better?)
    or rating (0 to 10 each); `items` how many questions, `voters` how many people unseal it, `against` whose answers
    stand beside the candidate's: base (default), holder (what the alias serves) or few_shot."""
    poll = polls.ask(runtime.context, model, items=items, needed=voters, against=against, kind=kind)
    return poll_words.poll(polls.standing(runtime.context.services, poll)), {"card": "poll", "id": poll.id}


@card
def show_votes(runtime: Runtime, model: str | None = None) -> Answer:
    """Tell what people said of a model's newest evaluation; while the votes are sealed, only how many voted."""
    row = polls.pick_evaluation(runtime.context, model)
    return poll_words.people(runtime.context, row), {}


POLL_TOOLS: list[BaseTool] = [ask_people, show_votes]
