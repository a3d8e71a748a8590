"""The loop, as LangChain tools: what went wrong, and the next version. Only a person makes an example of a failure."""

from __future__ import annotations

from langchain_core.tools import BaseTool

from tools import evaluation, lesson_words, lessons
from tools.answers import Answer, Runtime, card


@card
def show_failures(runtime: Runtime, model: str | None = None) -> Answer:
    """Show what a tuned model got wrong, by cause, worst first, so that people can make examples of it.

    `model` is a model or an evaluation (eval-…), default this thread's."""
    found = lessons.browse(runtime.context, model)
    evaluation.remember(runtime.context, found.evaluation.model_id)
    return lesson_words.browsed(found), {"card": "failures", "id": found.evaluation.id}


@card
def make_next_version(runtime: Runtime, dataset: str | None = None) -> Answer:
    """Make the next version of a dataset (default: this thread's) with the examples that people made of failures."""
    row = lessons.dataset_of(runtime.context, dataset)
    built, kept = lessons.next_version(runtime.context, row)
    return lesson_words.made(built.dataset, kept), {"card": "version", "id": built.dataset.id}


LESSON_TOOLS: list[BaseTool] = [show_failures, make_next_version]
