"""The building verbs as LangChain tools."""

from __future__ import annotations

from langchain_core.tools import BaseTool

from tools import building
from tools.answers import Answer, Runtime, card
from tools.building import words
from trainer.data.recipes import load_recipe


@card
def example_from_thread(runtime: Runtime, assistant: str | None = None, dataset: str | None = None) -> Answer:
    """Make a training example of the thread in which the person speaks: posts a preview with Add and Discard.

    `assistant` is whose messages are the answers, if the person said so. Nothing is added until somebody presses."""
    draft = building.draft_from_thread(runtime.context, assistant, dataset)
    return words.draft(draft), {"card": "draft", "id": draft.key}


@card
def request_augmentation(
    runtime: Runtime,
    kind: str,
    dataset: str | None = None,
    n: int | None = None,
    rows: int | None = None,
    model: str | None = None,
) -> Answer:
    """Ask for rows that a language model writes: posts the cost with an approval button for a person.

    `kind` is augment (n variations of each row), paraphrase (n paraphrases of each question, same answer) or
    distill (a stronger model answers each prompt anew). `rows` asks about that many at most."""
    asked = building.request_augmentation(runtime.context, kind, dataset, n=n, rows=rows, model=model)
    return words.augment_request(asked), {"card": "approval", "id": asked.approval.id}


@card
def show_recipes(runtime: Runtime, name: str | None = None) -> Answer:
    """List the ready-made recipes, or tell one by its name: rows wanted, shape, run, metric, pitfalls."""
    return (words.recipe(load_recipe(name)) if name else words.recipes()), {}


BUILD_TOOLS: list[BaseTool] = [example_from_thread, request_augmentation, show_recipes]
