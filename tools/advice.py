"""Fine-tune, RAG or prompt: the guides' rules over a question and what we know of the thread's data."""

from __future__ import annotations

from tools.context import Context
from trainer.advice.rules import Advice, from_text
from trainer.advice.rules import advise as advise_by_rules


def advise(context: Context, question: str, *, examples: int | None = None) -> Advice:
    """`examples` said by the person wins; else the accepted rows of the dataset in this thread."""
    asked = from_text(question)
    if examples is None and asked.examples is None:
        dataset_id = context.services.threads.topic(context.caller.origin).dataset_id
        examples = context.services.datasets.get(dataset_id).accepted if dataset_id else None
    known = {} if examples is None else {"examples": examples}
    return advise_by_rules(asked.model_copy(update=known))
