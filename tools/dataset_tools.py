"""The verbs on datasets as tools: what they answer holds ids, counts, codes and line numbers, never rows."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import BaseTool

from tools import dataset_sentences, datasets, sentences
from tools.answers import Answer, Runtime, card
from tools.datasets.columns import key_path


@card
def check_dataset(runtime: Runtime, dataset: str | None = None) -> Answer:
    """Show the report of a dataset: rows, findings with line numbers. Without an id: this thread's."""
    row = datasets.pick_dataset(runtime.context, dataset)
    report = datasets.report_of(runtime.context, row)
    return sentences.dataset(row, report), {"card": "dataset", "id": row.id}


@card
def fix_dataset(runtime: Runtime, dataset: str | None = None) -> Answer:
    """Mend what is safe to mend in a dataset: a new version is made, the old one stays. Only when asked for."""
    context = runtime.context
    made = datasets.fix(context, dataset, on_progress=context.on_progress)
    return dataset_sentences.fixed(made.dataset), {"card": "version", "id": made.dataset.id}


@card
def redact_dataset(runtime: Runtime, dataset: str | None = None) -> Answer:
    """Put placeholders where personal data and secrets are: a new version is made. Only when asked for."""
    context = runtime.context
    made = datasets.redact(context, dataset, on_progress=context.on_progress)
    return dataset_sentences.fixed(made.dataset), {"card": "version", "id": made.dataset.id}


@card
def split_dataset(
    runtime: Runtime,
    dataset: str | None = None,
    group: str | None = None,
    stratify: str | None = None,
    seed: int | None = None,
    dev: float | None = None,
    test: float | None = None,
) -> Answer:
    """Split a dataset once into train, dev and a sealed test part, so that no group is in two of them.

    `group` is what stays together: prompt, conversation, or key:NAME for a key of the rows. `stratify` is answer or
    key:NAME, whose values keep their shares. `dev` and `test` are shares from 0 to 1. Leave out what was not said."""
    context = runtime.context
    row = datasets.pick_dataset(context, dataset)
    given: dict[str, Any] = {"group": group, "stratify": stratify, "seed": seed, "dev": dev, "test": test}
    said = {name: value for name, value in given.items() if value is not None}
    if not said:
        return sentences.split(row, datasets.ensure_split(context, row)), {}
    said |= {name: key_path(context, row, said[name]) for name in ("group", "stratify") if name in said}
    return sentences.split(row, datasets.make_split(context, row, **said)), {}


@card
def audit_dataset(runtime: Runtime, dataset: str | None = None) -> Answer:
    """Tell what kinds of personal data and secrets a dataset holds, where and how many, whose it is, until when."""
    return datasets.audit_text(runtime.context, dataset), {}


@card
def dataset_lineage(runtime: Runtime, dataset: str | None = None) -> Answer:
    """Tell how a dataset came about: every version from the first upload on, and what was changed."""
    return dataset_sentences.lineage(datasets.lineage(runtime.context, dataset)), {}


@card
def dataset_report(runtime: Runtime, dataset: str | None = None) -> Answer:
    """Upload the whole report of a dataset into the thread: a page to read, and every finding."""
    row = datasets.pick_dataset(runtime.context, dataset)
    return f"The report of {row.id} is uploaded into the thread.", {"card": "report", "id": row.id}


@card
def license_dataset(runtime: Runtime, license: str, dataset: str | None = None) -> Answer:
    """Record under which licence a dataset may be used. Only what the person said."""
    return dataset_sentences.licensed(datasets.set_license(runtime.context, dataset, license)), {}


@card
def retain_dataset(runtime: Runtime, days: float | None = None, dataset: str | None = None) -> Answer:
    """Record for how many days from now a dataset is kept; without days: for good."""
    return dataset_sentences.retained(datasets.set_retention(runtime.context, dataset, days)), {}


DATASET_TOOLS: list[BaseTool] = [
    check_dataset,
    fix_dataset,
    redact_dataset,
    split_dataset,
    audit_dataset,
    dataset_lineage,
    dataset_report,
    license_dataset,
    retain_dataset,
]
