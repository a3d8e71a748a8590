"""`tunesmith preflight`: try a training run for a minute, and see which tokens it would learn."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import typer
from rich.text import Text

from tools import preflight as verbs
from tools import sentences
from tools.cli import shapes
from tools.cli.follow import follow
from tools.cli.jobs import DatasetArg, dataset_of
from tools.cli.output import FINDINGS, GOOD, INTERRUPTED, Json, answers, emit, opened, people, say
from tools.cli.run_options import VALUES, WHAT, takes_run_options
from tools.specs import make_spec
from trainer.methods.preflight.mask import ANSWER, END, GAP, LEARNED, PROMPT, Masked
from trainer.store.tables import Job
from trainer.types import JobStatus

STYLE = {PROMPT: "bright_black", GAP: "italic bright_black", ANSWER: "green underline", END: "bold white on green"}
MARK = {"ok": "green", "FAILED": "bold red", "left out": "yellow"}


def register(app: typer.Typer) -> None:
    app.command("preflight")(preflight)


@answers
@takes_run_options(*WHAT, *VALUES, "seed")
def preflight(dataset: DatasetArg, *, said: dict[str, Any], as_json: Json = False) -> None:
    """Try a training run: checks, a few measured steps, the loss mask. No model is made. Exit 1 when a check fails."""
    with opened() as context:
        make_spec(said)  # a wrong value is named before the file is read
        job = verbs.start(context, dataset_of(context, dataset).id, said)
        ended = follow(context, job, quiet=as_json)
    if as_json:
        emit(shapes.job(ended))
    else:
        show(ended)
    raise typer.Exit(_code(ended))


def _code(job: Job) -> int:
    if not JobStatus(job.status).ended:
        return INTERRUPTED
    return GOOD if (job.result or {}).get("ok") else FINDINGS


def show(job: Job) -> None:
    """Verdict first, then each check, the mask, and what it will take."""
    result = job.result
    if not result:
        say(sentences.job(job, {}))
        return
    say(verbs.verdict(result))
    for fix in verbs.fixes(result):
        say(f"What to do: {fix}")
    people.print()
    for mark, title, words in verbs.lines(result):
        people.print(Text.assemble((f"{mark:<9}", MARK[mark]), (f"{title}. ", "bold"), words))
    rows = verbs.masks(result)
    if rows:
        people.print()
        people.print("What is learned stands in «…»; · parts tokens; END is the end of a turn.", markup=False)
    for number, row in enumerate(rows, 1):
        people.print()
        people.print(f"Row {number}: {row.learned:,} of {row.count:,} tokens are learned", markup=False)
        people.print(coloured(row))
    if words := verbs.figures(result):
        people.print()
        say(words)


def coloured(row: Masked) -> Text:
    """The same letters as `mask.marked` writes, with colours beside them."""
    parts: list[Text] = []
    for part, group in groupby(row.tokens, lambda token: "learned" if token.kind in LEARNED else token.kind):
        texts = [Text(f"END {t.text}" if t.kind == END else t.text, STYLE[t.kind]) for t in group]
        words = Text("·").join(texts)
        parts.append(
            {"learned": Text.assemble("«", words, "»"), GAP: Text.assemble("[… ", words, " …]")}.get(part, words)
        )
    return Text(" ").join(parts)
