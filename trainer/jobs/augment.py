"""The augmentation job: asks the model about each row once, whatever dies meanwhile, and makes a new version.

What came of a row is a file in the job's own store, and the event that names it makes it exist. So a resume
asks about none of these rows again, and nothing of the dataset stands in the event log.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from trainer.data.augment import sources
from trainer.data.augment.ask import Asker
from trainer.data.augment.budget import Budget
from trainer.data.augment.sift import Sifted, sift
from trainer.data.augment.spec import AugmentSpec, cost_of, host_of
from trainer.data.augment.work import Ended, Made, row_key, work
from trainer.data.builder import content_key
from trainer.data.check import check
from trainer.data.report.findings import write_findings
from trainer.errors import BadInput, Conflict, LostLease, TunesmithError
from trainer.jobs.child import JobRun
from trainer.jobs.train import tell
from trainer.methods.method import Stopped
from trainer.settings import Settings
from trainer.store.blobs import Blobs
from trainer.store.datasets import report_to_bytes
from trainer.store.tables import Dataset, Job
from trainer.types import CheckReport, JobStatus, TrainProgress

Row = dict[str, Any]
ANSWER = "answer"  # type of the events that name what came of a row
TELL_EVERY_S = 0.5
_line = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Laid:
    """The rows as they are now, those to ask about, and the train part where there is a split."""

    parent: Dataset | None
    rows: list[Row]
    asked: list[tuple[int, Row]]
    train: list[Row] | None


def run(run: JobRun) -> None:
    """Entry of the child process for jobs of kind `augment`."""
    spec = AugmentSpec(**run.job.spec)
    _still_what_was_approved(run, spec)
    laid = lay_out(run, spec)
    answers = earlier(run)
    ended = _ask(run, spec, laid, answers)
    if ended.asked_to == "cancel":
        forget(run)
    if ended.asked_to:
        raise Stopped(ended.asked_to)
    try:
        _finish(run, spec, laid, answers, ended)
    except TunesmithError as error:
        if not isinstance(error, LostLease):
            forget(run)
        raise
    forget(run)


def _still_what_was_approved(run: JobRun, spec: AugmentSpec) -> None:
    """Rows go only where a person agreed to send them."""
    if host_of(run.services.settings) != spec.endpoint:
        raise Conflict(
            f"The language model's server is no longer {spec.endpoint}, which was approved.",
            fix="Ask again, so that somebody can approve the new one.",
            code="endpoint_changed",
        )


def lay_out(run: JobRun, spec: AugmentSpec) -> Laid:
    settings, blobs = run.services.settings, run.services.blobs
    if spec.prompts_blob:
        path = blobs.get_file(spec.prompts_blob, run.folder / "prompts.jsonl")
        prompts = list(sources.read_prompts(path, spec.system))
        return Laid(None, [], sources.choose(spec.kind, iter(prompts), train=None, most=spec.rows).rows, None)
    parent = run.services.datasets.get(run.job.dataset_id)
    if parent.deleted_at:
        raise BadInput(f"{parent.id} was deleted.", fix="Choose another version.", code="dataset_deleted")
    suffix = "".join(Path(parent.filename).suffixes[-2:]).lower()
    plain = suffix if suffix.replace(".", "").isalnum() else ".jsonl"
    path = blobs.get_file(parent.sha256, run.folder / f"data{plain}")
    how = {key: parent.change.get(key) for key in ("format", "mapping")}
    known = list(sources.chat_rows(path, settings=settings, **how))
    train = _train_part(run, parent)
    keys = frozenset(map(content_key, train)) if train is not None else None
    asked = sources.choose(spec.kind, iter(known), train=keys, most=spec.rows)
    return Laid(parent, [row for _, row in known], asked.rows, train)


def _train_part(run: JobRun, parent: Dataset) -> list[Row] | None:
    if not parent.split:
        return None
    path = run.services.blobs.get_file(parent.split["blobs"]["train"], run.folder / "train.jsonl")
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]


def answers_store(run: JobRun) -> Blobs:
    return run.services.blobs.within(f"augment/{run.job.id}")


def earlier(run: JobRun) -> dict[str, Made]:
    """What earlier attempts came to, by source row."""
    made: dict[str, Made] = {}
    for data in _answer_events(run):
        raw = answers_store(run).get_bytes(data["blob"])
        one = msgspec.json.decode(raw, type=Made)
        made[one.key] = one
    if made:
        text = f"{len(made):,} rows were answered before; none of them is asked about again."
        run.event("note", {"text": text, "code": "resumed"})
    return made


def _answer_events(run: JobRun) -> Iterable[dict[str, Any]]:
    after = 0
    while events := run.services.jobs.events(run.job.id, after=after):
        yield from (event.data for event in events if event.type == ANSWER)
        after = events[-1].seq


def forget(run: JobRun) -> None:
    """The files of the answers go: they are in the new version, or nobody wants them."""
    for sha in {data["blob"] for data in _answer_events(run)}:
        answers_store(run).delete(sha)


def _ask(run: JobRun, spec: AugmentSpec, laid: Laid, answers: dict[str, Made]) -> Ended:
    """Ask about every row that has no answer yet; `answers` grows."""
    budget = Budget(spec.max_requests, spec.max_tokens)
    for made in answers.values():
        budget.spend(made.requests, made.input_tokens + made.output_tokens)
    todo = [(line, row) for line, row in laid.asked if row_key(row) not in answers]
    progress = _Progress(run, len(laid.asked), len(todo))

    def keep(made: Made) -> None:
        blob = answers_store(run).put_bytes(_line(made))
        spent = {"requests": made.requests, "tokens": made.input_tokens + made.output_tokens}
        run.event(ANSWER, {"line": made.line, "blob": blob, **spent})
        answers[made.key] = made
        progress.tell(len(answers))

    progress.tell(len(answers))
    asker = Asker(run.services.settings, spec.model, spec.max_output)
    return work(spec, todo, asker, budget, keep=keep, should_stop=run.should_stop)


class _Progress:
    """Events at most twice a second, with an ETA from the pace of this attempt."""

    def __init__(self, run: JobRun, total: int, todo: int) -> None:
        self.run = run
        self.total = total
        self.before = total - todo
        self.began = time.monotonic()
        self.told = 0.0

    def tell(self, done: int) -> None:
        clock = time.monotonic()
        if clock - self.told < TELL_EVERY_S and done < self.total:
            return
        self.told = clock
        mine = done - self.before
        eta = (clock - self.began) / mine * (self.total - done) if mine else None
        tell(self.run, TrainProgress("asking", done, self.total, eta_s=eta))


def _finish(run: JobRun, spec: AugmentSpec, laid: Laid, answers: dict[str, Made], ended: Ended) -> None:
    sifted = sift(spec, laid.asked, answers, laid.rows, run.folder)
    counts = _counts(run.services.settings, spec, laid, answers, sifted, ended)
    if not counts["made"]:
        if ended.error:
            raise ended.error
        raise BadInput(
            f"Nothing usable was made of {counts['asked']:,} rows: {_why(counts)}.",
            fix="Look at the rows, or ask another model.",
            code="nothing_made",
        )
    with tempfile.TemporaryDirectory(dir=run.folder) as folder:
        path = _write(Path(folder) / "made.jsonl", [*_replaced(laid.rows, sifted), *sifted.fresh])
        report = check(path, settings=run.services.settings)
        dataset = _register(run, laid, sifted, counts, path, report)
    run.services.threads.link(run.job.origin, dataset_id=dataset.id)


def _counts(
    settings: Settings, spec: AugmentSpec, laid: Laid, answers: dict[str, Made], sifted: Sifted, ended: Ended
) -> dict[str, Any]:
    """What was done, for the version's `change`, the job's result and people."""
    refused: Counter[str] = Counter()
    for made in answers.values():
        refused.update(made.refused)
    tokens = [sum(getattr(m, f"{side}_tokens") for m in answers.values()) for side in ("input", "output")]
    return {
        "kind": "augment",
        "how": spec.kind,
        "model": spec.model,
        "asked": len(laid.asked),
        "answered": len(answers),
        "made": len(sifted.fresh) + len(sifted.replaced),
        "duplicates": sifted.duplicates,
        "near_duplicates": sifted.near,
        "refused": dict(refused),
        "failed": sum(bool(m.failed) for m in answers.values()),
        "requests": sum(m.requests for m in answers.values()),
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "cost_usd": cost_of(spec.model, tokens[0], tokens[1], settings)[0],
        "stopped": ended.stopped,
        "without_answer": ended.away,
    }


def _why(counts: dict[str, Any]) -> str:
    bits = [f"{number:,} × {why}" for why, number in counts["refused"].items()]
    bits += [f"{counts['failed']:,} answers could not be read"] if counts["failed"] else []
    copies = counts["duplicates"] + counts["near_duplicates"]
    bits += [f"{copies:,} were copies of what is there, or nearly"] if copies else []
    return "; ".join([*bits, *([counts["stopped"]] if counts["stopped"] else [])]) or "no answer came"


def _replaced(rows: Iterable[Row], sifted: Sifted) -> list[Row]:
    return [sifted.replaced.get(content_key(row), row) for row in rows] if sifted.replaced else list(rows)


def _write(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("wb") as out:
        out.writelines(_line(row) + b"\n" for row in rows)
    return path


def _register(
    run: JobRun, laid: Laid, sifted: Sifted, counts: dict[str, Any], path: Path, report: CheckReport
) -> Dataset:
    """Store the files, then end the job and add the version in one transaction."""
    blobs, job, parent = run.services.blobs, run.job, laid.parent
    plain = parent.filename.removesuffix(".gz").removesuffix(".zst").removesuffix(".zip") if parent else "prompts"
    stem = Path(plain).stem.removesuffix(f"-{counts['how']}")
    stored = {
        "blob": blobs.put_file(path),
        "report_blob": blobs.put_bytes(report_to_bytes(report)),
        "findings_blob": blobs.put_file(write_findings(report.findings, path.with_name("findings.jsonl"))),
        "split": _split(run, laid, sifted),
    }
    with run.lease.fenced() as session:
        dataset = run.services.datasets.add(
            report,
            filename=f"{stem}-{counts['how']}.jsonl",
            owner=job.owner,
            team=job.team,
            parent=parent,
            change=counts | {"job": job.id},
            source="" if parent else f"distilled from {counts['model']}",
            session=session,
            **stored,
        )
        run.lease.finish(session, JobStatus.SUCCEEDED, result=_result(job, dataset, counts))
    return dataset


def _split(run: JobRun, laid: Laid, sifted: Sifted) -> dict[str, Any] | None:
    """The parent's split with a larger train part: what was sealed stays sealed, and nothing of it leaks."""
    if laid.parent is None or not laid.parent.split or laid.train is None:
        return None
    split = laid.parent.split
    rows = [*_replaced(laid.train, sifted), *sifted.fresh]
    blob = run.services.blobs.put_file(_write(run.folder / "train-made.jsonl", rows))
    return split | {
        "counts": split["counts"] | {"train": len(rows)},
        "blobs": split["blobs"] | {"train": blob},
        "inherited_from": laid.parent.id,
    }


def _result(job: Job, dataset: Dataset, counts: dict[str, Any]) -> dict[str, Any]:
    took = round(time.time() - (job.started_at or time.time()), 1)
    return counts | {
        "dataset_id": dataset.id,
        "rows": dataset.rows,
        "dataset_verdict": dataset.verdict,
        "seconds": took,
    }
