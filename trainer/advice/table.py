"""The guides' rules as one visible table, and how they add up to advice.

Sources are the item numbers of the guides' feature list (S3-2: guide 3, item 2). Points are small whole
numbers: 3 decides unless something speaks against it, 1 leans. They are a convention, written down so that
anyone can argue with them, not a measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.advice.request import AdviceRequest

FEW, ENOUGH, MANY = 100, 500, 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """When it holds, what it says for (above 0) or against (below 0) each way, and why."""

    name: str
    when: Callable[[AdviceRequest], bool | None]
    why: str
    source: str
    prompt: int = 0
    rag: int = 0
    fine_tune: int = 0


def _examples(low: int, high: float = float("inf")) -> Callable[[AdviceRequest], bool]:
    return lambda r: r.examples is not None and low <= r.examples < high


RULES: tuple[Rule, ...] = (
    Rule("changing knowledge", lambda r: r.changing_knowledge, rag=4, fine_tune=-2, source="S3-2, S0-9",
         why="What changes often is looked up at answer time; a tuned model is stale the day after training."),
    Rule("facts and sources", lambda r: r.needs_facts, rag=3, fine_tune=-1, source="S1-3, S0-7",
         why="Facts and citations come from retrieval; tuning teaches how to answer, not what is true."),
    Rule("instant edits", lambda r: r.instant_edits, prompt=3, rag=1, fine_tune=-2, source="S0-10, S3-5",
         why="A prompt changes in a minute; a tuned model needs data, training and a new evaluation."),
    Rule("simple task", lambda r: r.simple_task, prompt=3, fine_tune=-2, source="S3-4",
         why="A simple task is usually solved by a good prompt."),
    Rule("tight budget", lambda r: r.budget_tight, prompt=1, fine_tune=-1, source="S3-6",
         why="Prompting costs nothing up front; tuning costs GPU time and upkeep."),
    Rule("prompting not tried", lambda r: r.tried_prompting is False, prompt=4, source="S0-6, S4-4",
         why="Try prompts and a few examples in the prompt first; tune when you can show that they fall short."),
    Rule("prompting tried", lambda r: r.tried_prompting, fine_tune=1, prompt=-2, source="S4-4",
         why="Prompts have been tried and fall short: that is the evidence tuning should rest on."),
    Rule("strict format", lambda r: r.strict_format, fine_tune=2, source="S0-3, S3-7, S4-1",
         why="A strict output format (JSON, SQL, a schema) is what tuning teaches most reliably."),
    Rule("style", lambda r: r.style, fine_tune=2, source="S0-5, S1-1",
         why="Tone and style are hard to describe in a prompt and easy to show by examples."),
    Rule("terminology", lambda r: r.terminology, fine_tune=2, source="S3-9, S4-2, S2-3",
         why="Terms that the base does not use well are learned from examples."),
    Rule("latency", lambda r: r.latency, fine_tune=2, source="S3-10, S3-11, S4-3",
         why="Examples move from the prompt into the weights: shorter prompts, faster and cheaper answers."),
    Rule("smaller model", lambda r: r.smaller_model, fine_tune=2, source="S0-4",
         why="A small tuned model can reach a large one on a narrow task, at a fraction of the cost."),
    Rule("removed behaviour", lambda r: r.remove_behaviour, fine_tune=1, source="S3-12",
         why="What a model shall no longer do can be trained away; keep refusal tests to prove it."),
    Rule("preference pairs", lambda r: bool(r.preference_pairs), fine_tune=2, source="S0-13, S1-2",
         why="Pairs of better and worse answers teach preference. They do not teach correctness."),
    Rule("regulated field", lambda r: r.regulated, fine_tune=1, source="S0-2, S2-1",
         why="Regulated work profits from a trained, strict way of answering, and needs it documented."),
    Rule("few examples", _examples(0, FEW), prompt=2, fine_tune=-3, source="S3-3",
         why="With under 100 examples, showing some of them in the prompt usually does as well."),
    Rule("enough examples", _examples(ENOUGH, MANY), fine_tune=1, source="S3-21",
         why="500 to 1,000 clean examples are a good start for a LoRA."),
    Rule("many examples", _examples(MANY), fine_tune=2, source="S3-8",
         why="With 1,000 or more good examples tuning can show what it is worth."),
    Rule("noisy data", lambda r: r.noisy_data, fine_tune=-3, source="S0-8",
         why="A model learns the noise as well as the rest: clean the data first."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Band:
    """A range of dataset sizes and what to expect of it."""

    low: int
    high: int | None  # None: no upper end
    name: str
    expect: str


BANDS: tuple[Band, ...] = (
    Band(0, 10, "none", "No provider trains on fewer than 10 rows. Write down real cases first."),
    Band(10, 50, "too few", "Training runs, but mostly repeats its examples. Use them in the prompt."),
    Band(50, 100, "weak", "A style may begin to show. Compare with the same examples in the prompt."),
    Band(100, 500, "fair", "Enough for one narrow behaviour with LoRA, if the examples are clean and varied."),
    Band(500, 1000, "good", "A good size for LoRA on one task, with rows to spare for a test set."),
    Band(1000, 10_000, "strong", "Strong for LoRA or QLoRA; several related behaviours fit."),
    Band(10_000, None, "full", "Large enough that full fine-tuning is worth comparing with LoRA."),
)
WHY_GUIDES_DISAGREE = (
    "Guides name 10, 50, 100, hundreds or 1,000 examples as the minimum because they mean different things: what "
    "an API accepts (10), what shows any effect (50 to 100), what beats examples in the prompt (100), what suits "
    "LoRA (hundreds), and what holds up in tests (1,000). Quality counts for more than any of these numbers."
)


def band(examples: int) -> Band:
    """The band that a number of examples falls into."""
    return next(b for b in BANDS if b.low <= examples and (b.high is None or examples < b.high))


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One aspect of the three ways, side by side."""

    aspect: str
    prompt: str
    rag: str
    fine_tune: str


MATRIX: tuple[MatrixRow, ...] = (
    MatrixRow("When", "first, and for anything quick", "answers rest on facts that change or need sources",
              "format, style or behaviour must hold every time"),
    MatrixRow("Cost of a change", "none: edit the text", "re-embed what changed", "hours of work and GPU time"),
    MatrixRow("Freshness", "as fresh as the prompt", "as fresh as the index", "frozen on the day of training"),
    MatrixRow("Latency", "grows with the prompt", "adds a search and a long prompt", "lowest: short prompts"),
    MatrixRow("Cost a query", "long prompts cost tokens", "highest: search plus long prompts",
              "low tokens, plus serving the model"),
    MatrixRow("Consistency", "varies", "varies; facts are grounded", "highest"),
    MatrixRow("Best for", "prototypes, simple or changing tasks", "documents, support knowledge, citations",
              "JSON or SQL, brand voice, domain terms, small fast models"),
)  # fmt: skip
