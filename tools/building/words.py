"""What was built, in sentences: what the agent reads and a terminal prints. No words of the data are in them."""

from __future__ import annotations

from typing import Any

from tools.building.augmenting import AugmentRequest, personal_words
from tools.building.examples import Built
from tools.building.threads import Draft
from trainer.data.figures import sensitive, sensitive_line
from trainer.data.logs_import import Imported
from trainer.data.recipes import Recipe, load_recipe, recipe_names


def draft(made: Draft) -> str:
    where = f"the next version of {made.dataset_id}" if made.dataset_id else "a new dataset"
    return (
        f"A preview of an example with {made.turns} turns is posted, for {where}. {made.how} "
        "Somebody has to press Add; nothing is added yet."
    )


def built(made: Built) -> str:
    row, added = made.dataset, made.added
    bits = [f"{_rows(added.added)} added"]
    bits += [f"{added.duplicates:,} copies left out"] if added.duplicates else []
    refused = len({f.line for f in added.refused})
    bits += [f"{refused:,} refused (first: {added.refused[0].message})"] if refused else []
    few = " Training takes at least 10 rows." if row.accepted < 10 else ""
    return f"{', '.join(bits)}: {row.id} (version {row.version}) has {_rows(row.accepted)}.{few}{_sensitive(made)}"


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def _sensitive(made: Built) -> str:
    """Kinds and counts in the whole version; what was found is never said."""
    stats = made.checked.report.stats
    return (
        f" Sensitive content stands in {sensitive_line(stats)}. Redact it before it leaves." if sensitive(stats) else ""
    )


def imported(log: Imported) -> str:
    """Where the rows are from, who answers in them, and what is not in them."""
    bits = [
        f"{log.shape}, {log.conversations:,} conversation{'s' * (log.conversations != 1)}. The answers are {log.how}"
    ]
    left = ", ".join(f"{number:,} × {why}" for why, number in log.left_out.items())
    bits += [f"Left out: {left}."] if left else []
    bits += (
        [f"{log.turns_cut:,} turns before a first question or after a last answer are cut."] if log.turns_cut else []
    )
    bits += [f"{log.redacted:,} pieces of personal data are replaced."] if log.redacted else []
    return " ".join(bits)


def augment_request(asked: AugmentRequest) -> str:
    return f"Waiting for approval ({asked.approval.id}); nothing is sent before. {augment_plan(asked)}"


def augment_plan(asked: AugmentRequest) -> str:
    spec, made = asked.spec, asked.estimate
    cost = "cost not known" if made.cost_usd is None else f"about ${made.cost_usd:,.4f}"
    left = ", ".join(f"{number:,} × {why}" for why, number in asked.left_out.items())
    return (
        f"{spec.kind} with {spec.model}: {spec.rows:,} rows go to {spec.endpoint}, about {made.input_tokens:,} tokens "
        f"in and {made.output_tokens:,} out, {cost}; it stops at {spec.max_tokens:,} tokens. {made.basis}"
        + (f" Not asked about: {left}." if left else "")
        + unsealed(asked)
        + (f" {warned}" if (warned := personal_words(asked.approval.subject["personal"])) else "")
    )


def unsealed(asked: AugmentRequest) -> str:
    """Where no test rows could be sealed first, what is made of a row may land in another part than the row."""
    if asked.dataset is None or asked.dataset.split:
        return ""
    return (
        " There are too few rows to seal test rows first: split later by the key metadata.group, or keep a test aside."
    )


def recipes() -> str:
    lines = ["Recipes, with what the guides claim for each:"]
    for name in recipe_names():
        made = load_recipe(name)
        claim = made.claim
        told = f", {claim.metric} {claim.before:.0%} → {claim.after:.0%}" if claim.before is not None else ""
        lines.append(f"{name}: {made.title}, {made.examples:,} examples{told}")
    return "\n".join([*lines, "Say `recipe ticket-json`, or: tunesmith data recipe start ticket-json --out DIR"])


def recipe(made: Recipe) -> str:
    claim = made.claim
    told = f"{claim.metric} {claim.before:.0%} → {claim.after:.0%}" if claim.before is not None else claim.metric
    lines = [
        f"{made.name}: {made.title}. {made.purpose}",
        f"Examples: {made.examples:,}. {made.examples_why}",
        f"The guide claims: {told}. {claim.note}",
        f"A row: {made.shape}",
        f"System prompt: {made.system}",
        f"Run: {_run(made.run)}",
        f"Measure: {made.evaluation.metric}. {made.evaluation.note}",
        *(f"Insist on: {check}" for check in made.insist),
        *(f"Pitfall: {pitfall}" for pitfall in made.pitfalls),
        f"Start: tunesmith data recipe start {made.name} --out DIR",
    ]
    return "\n".join(lines)


def _run(run: dict[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in run.items())
