"""`tunesmith data add | import | export | augment | recipe`: make datasets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tools import approvals, building
from tools.building import words
from tools.building.examples import Built
from tools.cli import shapes
from tools.cli.data.app import data
from tools.cli.data.given import DatasetId, is_file, readable
from tools.cli.data.tend import shape
from tools.cli.follow import follow
from tools.cli.jobs import dataset_of
from tools.cli.output import FINDINGS, GOOD, Json, answers, finish, opened, progress_console
from tools.context import Context
from tools.sentences import job as job_words
from trainer.data.export import WAYS
from trainer.data.recipes import load_recipe, recipe_names, start
from trainer.errors import BadInput
from trainer.store.tables import Job
from trainer.types import JobStatus

To = Annotated[str | None, typer.Option("--to", help="Extend this dataset (file-…); without it, a new one is made.")]
System = Annotated[str, typer.Option("--system", help="A system message for each row.")]
RecipeName = Annotated[str, typer.Argument(metavar="NAME")]

recipe = typer.Typer(no_args_is_help=True, help="Ready-made recipes.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    data.command("add")(add)
    data.command("import")(import_command)
    data.command("export")(export)
    data.command("augment")(augment)
    recipe.command("list")(recipe_list)
    recipe.command("show")(recipe_show)
    recipe.command("start")(recipe_start)
    data.add_typer(recipe, name="recipe")


@answers
def add(
    user: Annotated[str, typer.Option(help="What somebody asks.")],
    assistant: Annotated[str, typer.Option(help="The answer to learn.")],
    system: System = "",
    to: To = None,
    as_json: Json = False,
) -> None:
    """Add one example: a new version of a dataset, or a new dataset."""
    with opened() as context:
        made = building.add_example(context, to, user, assistant, system=system)
    finish(_built(made), words.built(made), as_json=as_json)


def _built(made: Built) -> dict[str, Any]:
    added = made.added
    refused = [asdict(finding) for finding in added.refused]
    counts = {"added": added.added, "duplicates": added.duplicates, "refused": refused}
    return {"dataset": shape(made.dataset), **counts}


@answers
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="A chat log, or a Slack export's folder.")],
    assistant: Annotated[
        list[str] | None, typer.Option("--assistant", help="Whose words are the answers. Repeat it for several.")
    ] = None,
    system: System = "",
    redact: Annotated[bool, typer.Option("--redact", help="Replace personal data and secrets.")] = False,
    to: To = None,
    as_json: Json = False,
) -> None:
    """Turn a chat log into examples: Slack exports, messages with role or sender, transcripts. Turns are kept."""
    path = file if file.is_dir() else readable(file)
    with opened() as context:
        log, made = building.import_log(
            context, path, assistants=assistant or (), system=system, redact=redact, dataset_id=to
        )
    told = {"shape": log.shape, "assistants": list(log.assistants), "how": log.how, "redacted": log.redacted}
    told |= {"conversations": log.conversations, "left_out": log.left_out, "turns_cut": log.turns_cut}
    finish(_built(made) | {"log": told}, f"{words.imported(log)}\n{words.built(made)}", as_json=as_json)


@answers
def export(
    dataset: DatasetId,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[str, typer.Option(help=f"One of: {', '.join(WAYS)}.")] = "openai",
    as_json: Json = False,
) -> None:
    """Write a dataset in another format. Exit 1 when rows had to be left out."""
    with opened() as context:
        done = building.export_dataset(context, dataset, out, format)
    skipped = [{"line": line, "reason": reason} for line, reason in done.skipped]
    text = f"{done.rows:,} rows are in {out} ({format})."
    if skipped:
        text += f" {len(skipped):,} could not be written; the first, line {skipped[0]['line']}: {skipped[0]['reason']}"
    value = {"rows": done.rows, "out": str(out), "format": format, "skipped": skipped}
    finish(value, text, as_json=as_json, code=FINDINGS if skipped else GOOD)


@answers
def augment(
    kind: Annotated[str, typer.Argument(help="augment, paraphrase or distill.")],
    dataset: Annotated[str | None, typer.Argument(metavar="FILE|ID", help="A dataset file or id.")] = None,
    n: Annotated[int | None, typer.Option("-n", help="Rows made of one: 5 for augment, 2 for paraphrase.")] = None,
    rows: Annotated[int | None, typer.Option(help="Ask about this many rows at most.")] = None,
    model: Annotated[str | None, typer.Option(help="Another model than TUNESMITH_LLM_MODEL.")] = None,
    prompts: Annotated[Path | None, typer.Option(help="Distill from a file of prompts, one a line.")] = None,
    system: System = "",
    max_tokens: Annotated[int | None, typer.Option(help="Stop at this many tokens, in and out together.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the cost without being asked.")] = False,
    as_json: Json = False,
) -> None:
    """Let the configured language model write rows. The cost is shown first, and nothing is sent before you agree."""
    with opened() as context:
        chosen = _dataset_id(context, dataset, prompts)
        options = {"n": n, "rows": rows, "model": model, "system": system, "max_tokens": max_tokens}
        asked = building.request_augmentation(context, kind, chosen, prompts=prompts, **options)
        if as_json and not yes:
            finish(shapes.request(asked.approval), "", as_json=True)
        if not as_json:
            progress_console.print(words.augment_plan(asked), markup=False)
        agreed = yes or typer.confirm("Send the rows?", err=True)
        job = approvals.decide(context, asked.approval.id, approve=agreed).job
        if job is None:
            finish({"sent": False}, "Nothing was sent.", as_json=as_json)
        assert job is not None
        _end(follow(context, job, quiet=as_json), as_json)


def _dataset_id(context: Context, dataset: str | None, prompts: Path | None) -> str | None:
    if (dataset is None) == (prompts is None):
        raise BadInput("Give either a dataset or a file of --prompts.", fix="See: tunesmith data augment --help.")
    if prompts is not None:
        readable(prompts)
        return None
    assert dataset is not None
    return dataset_of(context, dataset).id if is_file(dataset) else dataset


def _end(job: Job, as_json: bool) -> None:
    code = GOOD if job.status == JobStatus.SUCCEEDED else FINDINGS
    finish(shapes.job(job), job_words(job, {}), as_json=as_json, code=code)


@answers
def recipe_list(as_json: Json = False) -> None:
    """List the recipes with what the guides claim for each."""
    told = [_plain(name) for name in recipe_names()]
    finish({"recipes": told}, words.recipes(), as_json=as_json)


def _plain(name: str) -> dict[str, Any]:
    return load_recipe(name).model_dump(mode="json")


@answers
def recipe_show(name: RecipeName, as_json: Json = False) -> None:
    """Tell one recipe: rows wanted, their shape, the run, the metric, what to insist on."""
    finish(_plain(name), words.recipe(load_recipe(name)), as_json=as_json)


@answers
def recipe_start(
    name: RecipeName,
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    as_json: Json = False,
) -> None:
    """Write a starter folder: a few rows of the right shape, the run's values, and what to do next."""
    files = start(load_recipe(name), out)
    text = f"{', '.join(files)} are in {out}. Next: tunesmith data check {out / 'data.jsonl'}"
    finish({key: str(path) for key, path in files.items()}, text, as_json=as_json)
