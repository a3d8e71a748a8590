"""Every table. Times are seconds since the epoch (float) on the database's own clock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, Index, Integer, MetaData, String, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.expression import FunctionElement

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class now(FunctionElement[float]):
    """The database's clock in epoch seconds: hosts may disagree about the time, leases may not."""

    type = Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(element: now, compiler: Any, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _now_postgres(element: now, compiler: Any, **kw: Any) -> str:
    return "(extract(epoch from clock_timestamp())::float8)"


class Table(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {dict[str, Any]: JSON, str: String(255), float: Float, int: Integer, bool: Boolean}


class Dataset(Table):
    """One version of a dataset file, with what the check said; the bytes are blob `sha256`. A version never
    changes: a fix, a redaction or a build makes a new row that names its parent."""

    __tablename__ = "datasets"
    id: Mapped[str] = mapped_column(primary_key=True)
    filename: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int]
    accepted: Mapped[int]
    verdict: Mapped[str]
    fingerprint: Mapped[str]
    report_sha256: Mapped[str]
    split: Mapped[dict[str, Any] | None]  # {"seed", "counts", "blobs": {"train": sha, "dev": sha, "test": sha}}
    owner: Mapped[str]
    team: Mapped[str]
    created_at: Mapped[float]
    parent_id: Mapped[str | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1)  # 1 for an upload, else its parent's plus 1
    change: Mapped[dict[str, Any]]  # {"kind": upload|fix|redact|augment|build|map, …what was done, with counts}
    source: Mapped[str] = mapped_column(default="")  # slack, terminal, thread, recipe:… ; "" where nobody said
    license: Mapped[str | None]  # set by a person
    format: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="")  # what its rows can teach; "" where no row could be used
    retain_until: Mapped[float | None]
    deleted_at: Mapped[float | None]  # its bytes are gone; the row stays for the lineage and the audit
    findings_sha256: Mapped[str | None]  # every finding, one JSON object a line; None for rows from before


class Job(Table):
    """One wish for work. `fence` numbers its attempts; only the newest may write while its lease lasts."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    queue: Mapped[str]
    spec: Mapped[dict[str, Any]]
    dataset_id: Mapped[str]
    model_id: Mapped[str | None]  # made (train) or judged (eval); none for augment
    owner: Mapped[str]
    team: Mapped[str]
    approval_id: Mapped[str | None]
    origin: Mapped[dict[str, Any]]  # {"channel", "thread_ts"} where its card lives; {} for none
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    events: Mapped[int] = mapped_column(default=0)  # how many were written: the next event's number less one
    error: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    trained_tokens: Mapped[int] = mapped_column(default=0)
    __table_args__ = (Index("ix_jobs_status", "status", "queue"),)


class Attempt(Table):
    __tablename__ = "attempts"
    job_id: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str]
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    outcome: Mapped[str | None]  # succeeded failed cancelled released crashed lost
    detail: Mapped[str | None] = mapped_column(Text)


class Event(Table):
    """What happened to a job, in order. `seq` counts from 1 within the job, without gaps."""

    __tablename__ = "events"
    job_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    fence: Mapped[int]
    type: Mapped[str]  # status progress checkpoint note answer
    data: Mapped[dict[str, Any]]
    created_at: Mapped[float]


class Checkpoint(Table):
    """A checkpoint exists when its manifest row does: {"files": {name: {"sha256", "bytes"}}}."""

    __tablename__ = "checkpoints"
    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(index=True)
    step: Mapped[int]
    fence: Mapped[int]
    manifest: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[float]


class Model(Table):
    __tablename__ = "models"
    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(unique=True)
    base: Mapped[str]
    base_location: Mapped[str] = mapped_column(Text)
    method: Mapped[str]
    is_adapter: Mapped[bool]
    manifest: Mapped[dict[str, Any]]
    dataset_id: Mapped[str]
    card: Mapped[dict[str, Any]]
    owner: Mapped[str]
    created_at: Mapped[float]


class Evaluation(Table):
    __tablename__ = "evaluations"
    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(unique=True)
    model_id: Mapped[str] = mapped_column(index=True)
    dataset_id: Mapped[str]
    verdict: Mapped[str]
    report: Mapped[dict[str, Any]]
    created_at: Mapped[float]


class GivenAnswer(Table):
    """An answer of an evaluation that has not ended; dropped when it succeeds. `run` is the digest of the models,
    the gate, the suites and the decoding, so that another attempt, or another job, asks no answered case again."""

    __tablename__ = "given_answers"
    run: Mapped[str] = mapped_column(String(64), primary_key=True)
    contestant: Mapped[str] = mapped_column(primary_key=True)
    suite: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[dict[str, Any]]
    at: Mapped[float]


class Judgement(Table):
    """What a judge said, by the digest of judge, prompt, case and answers in the order shown."""

    __tablename__ = "judgements"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    said: Mapped[dict[str, Any]]
    cost_usd: Mapped[float] = mapped_column(default=0.0)
    at: Mapped[float]


class SuiteVersion(Table):
    """A suite of the team; the bytes are blob `sha256`. A version never changes."""

    __tablename__ = "suites"
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    role: Mapped[str]
    cases: Mapped[int]
    owner: Mapped[str]
    team: Mapped[str]
    created_at: Mapped[float]


class Poll(Table):
    """A blind comparison that people are asked for in a thread: which answers, and how many votes unseal it."""

    __tablename__ = "polls"
    id: Mapped[str] = mapped_column(primary_key=True)
    evaluation_id: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]  # pairwise rating
    items: Mapped[list[Any]] = mapped_column(JSON)  # [{"suite", "case_id"}], in the order in which they are shown
    against: Mapped[str]  # the contestant beside the candidate
    needed: Mapped[int]
    origin: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    created_at: Mapped[float]
    closed_at: Mapped[float | None]  # unsealed


class Vote(Table):
    """What one person said of one item: `choice` is candidate, other or tie; a rating is 0 to 10 by contestant."""

    __tablename__ = "votes"
    poll_id: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[int] = mapped_column(primary_key=True)
    voter: Mapped[str] = mapped_column(primary_key=True)
    choice: Mapped[str]
    first: Mapped[str]  # the contestant that this voter was shown first
    ratings: Mapped[dict[str, Any]]
    at: Mapped[float]


class Lesson(Table):
    """A failure that a person looked at and turned into an example. Its side, train or eval, is decided by the hash of
    its prompt, for good."""

    __tablename__ = "lessons"
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), index=True)  # of the prompt, as the split computes it
    lineage: Mapped[str] = mapped_column(index=True)  # the first version of the dataset
    side: Mapped[str]  # train eval
    cause: Mapped[str]
    row: Mapped[dict[str, Any]]  # the example: messages, the last one what should have been said
    suite: Mapped[str]
    case_id: Mapped[str]
    evaluation_id: Mapped[str]
    model_id: Mapped[str]
    dataset_id: Mapped[str | None]  # the version that first holds it
    created_by: Mapped[str]
    created_at: Mapped[float]


class Alias(Table):
    __tablename__ = "aliases"
    name: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str]
    revision: Mapped[int]
    updated_by: Mapped[str]
    updated_at: Mapped[float]


class AliasRevision(Table):
    """Where an alias pointed, revision by revision; never changed."""

    __tablename__ = "alias_revisions"
    name: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[str]
    approval_id: Mapped[str]
    created_at: Mapped[float]


class Approval(Table):
    """A question to a person, bound by `digest` to everything that it covers."""

    __tablename__ = "approvals"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # train augment sweep promote override rollback
    subject: Mapped[dict[str, Any]]
    digest: Mapped[str]
    status: Mapped[str]  # pending approved rejected
    requested_by: Mapped[str]
    requested_at: Mapped[float]
    expires_at: Mapped[float]
    decided_by: Mapped[str | None]
    decided_at: Mapped[float | None]
    origin: Mapped[dict[str, Any]]
    signatures: Mapped[list[Any]] = mapped_column(JSON, default=list)  # who approved so far, where one is not enough


class Audit(Table):
    """Append-only; each row's hash covers its content and the row before it."""

    __tablename__ = "audit"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]]
    prev_hash: Mapped[str]
    hash: Mapped[str]


class Card(Table):
    """The one living Slack message of a job: `cursor` is the last event shown in it."""

    __tablename__ = "cards"
    job_id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    thread_ts: Mapped[str]
    ts: Mapped[str | None]
    cursor: Mapped[int] = mapped_column(default=0)
    closed: Mapped[bool] = mapped_column(default=False, index=True)


class Outbox(Table):
    """A message owed to Slack exactly once; `key` travels in the message's metadata."""

    __tablename__ = "outbox"
    key: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    thread_ts: Mapped[str]
    payload: Mapped[dict[str, Any]]
    tries: Mapped[int] = mapped_column(default=0)
    ts: Mapped[str | None]
    created_at: Mapped[float]


class Claim(Table):
    """First come, only served: Slack events and clicks that were taken."""

    __tablename__ = "claims"
    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(index=True)


class ThreadLink(Table):
    """What a Slack thread is about, so that "train it" needs no id."""

    __tablename__ = "threads"
    channel: Mapped[str] = mapped_column(primary_key=True)
    thread_ts: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[str | None]
    job_id: Mapped[str | None]
    model_id: Mapped[str | None]


class ApiKey(Table):
    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str]
    created_at: Mapped[float]
    revoked_at: Mapped[float | None]


class Heartbeat(Table):
    """Processes that say they are alive: bot, gateway, worker:gpu …"""

    __tablename__ = "heartbeats"
    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[float]
    info: Mapped[dict[str, Any]]


class Lock(Table):
    """Lets one process do a shared chore (reconciling) at a time."""

    __tablename__ = "locks"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[float]
