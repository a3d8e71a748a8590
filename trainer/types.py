"""The records that rooms hand to each other. Plain frozen values: no database, no torch, no chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, overload


class Severity(StrEnum):
    ERROR = "error"  # the row cannot be trained on
    WARNING = "warning"  # the row is used; somebody should look
    INFO = "info"


class Verdict(StrEnum):
    """Of a dataset check."""

    GOOD = "good"
    WARNINGS = "warnings"
    BROKEN = "broken"  # no usable row, or too few to train


class GateVerdict(StrEnum):
    """Of an evaluation."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


class JobKind(StrEnum):
    TRAIN = "train"
    EVAL = "eval"
    AUGMENT = "augment"
    SWEEP = "sweep"
    PREFLIGHT = "preflight"
    CANARY = "canary"


class JobStatus(StrEnum):
    """OpenAI's words for a fine-tuning job, plus `paused`."""

    VALIDATING = "validating_files"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in ENDED


ENDED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong at one place of a dataset file. `line` counts from 1; 0 means the whole file."""

    line: int
    code: str
    severity: Severity
    message: str
    path: str = ""  # where in the row, e.g. messages[2].content
    found: str = ""  # a short, escaped glimpse of what stands there, or the fault in words
    expected: str = ""  # what would have been right


class OfCode(NamedTuple):
    """All findings of one code."""

    number: int
    first_lines: tuple[int, ...]
    example: Finding  # the first


class Findings(Protocol):
    """Every finding, ordered by line, however many; what is counted costs nothing to ask. See `trainer.data.log`."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Finding]: ...
    @overload
    def __getitem__(self, at: int) -> Finding: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Finding]: ...
    def of(self, severity: Severity) -> int: ...
    def by_code(self) -> dict[str, OfCode]: ...


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `trainer.data.check` says of one file."""

    verdict: Verdict
    format: str  # of most rows, "openai-chat" for example, or "" when it could not be told
    rows: int  # rows found, blank lines not counted
    accepted: int  # rows that the trainer will load
    findings: Findings  # ordered by line; every one, never cut
    bytes: int
    sha256: str  # of the file as given; "" where only the structure was checked
    fingerprint: str  # of the accepted rows' content, independent of key order and white space; "" likewise
    duplicates: int = 0
    near_duplicates: int = 0
    kind: str = ""  # what the rows can teach: "chat", "preference", "unpaired", "text" or "reinforcement"
    formats: dict[str, int] = field(default_factory=dict)  # accepted or not: rows of each format that was met
    source: str = "JSONL"  # the container: "JSONL", "JSON array", "CSV, gzip" …
    mapping: dict[str, str] | None = None  # proposal for columns of unknown names; a person confirms it
    stats: dict[str, Any] = field(default_factory=dict)  # turns, characters, roles, tokens, languages …
    mendable: int = 0  # rows, not accepted as they are, that the safe fixes make whole; estimated beyond some thousands

    @property
    def errors(self) -> int:
        return self.findings.of(Severity.ERROR)

    @property
    def warnings(self) -> int:
        return self.findings.of(Severity.WARNING)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with every finding in a list: for reports of a size that fits."""
        return asdict(self) | {"findings": [asdict(finding) for finding in self.findings]}


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One prompt. `adapter` is a key given to the loader, or None for the base itself."""

    messages: tuple[ChatMessage, ...]
    adapter: str | None = None
    max_tokens: int = 256
    temperature: float = 0.0  # 0 = greedy
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class GenerateResult:
    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str  # "stop" | "length"


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """What a running method tells, every few seconds. Losses are mean nats per supervised token."""

    stage: str  # "loading" | "preflight" | "training" | "validating" | "saving"
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    val_loss: float | None = None
    scores: dict[str, float] | None = None  # of a validation beside its loss: accuracy, macro_f1 …
    lr: float | None = None
    tokens_per_s: float | None = None
    trained_tokens: int = 0
    peak_memory_bytes: int | None = None
    eta_s: float | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if v is not None and v != ""}


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a finished method leaves: an artifact folder (adapter or full weights, tokenizer, card.json)."""

    artifact_dir: str
    is_adapter: bool
    steps: int
    trained_tokens: int
    train_loss: float | None
    val_loss: float | None
    stopped_early: bool = False
    metrics: dict[str, Any] = field(default_factory=dict)
