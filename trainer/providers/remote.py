"""What a provider said, as plain records. Its words are strangers' text: short, and without control characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer.errors import Unavailable
from trainer.providers.quirks import Quirks
from trainer.types import JobStatus

LONGEST = 400
_KEYS = re.compile(r"\b(?:sk|sess|key|org)-[\w*.-]{4,}")
_ORDERS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def plain(text: Any, *secrets: str) -> str:
    """A stranger's text for people and logs: one line, cut, without anything that looks like a key."""
    said = str(text)
    for secret in secrets:
        said = said.replace(secret, "[key]") if len(secret) > 3 else said
    said = _ORDERS.sub(" ", _KEYS.sub("[key]", said)).strip()
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    id: str
    filename: str
    bytes: int
    status: str  # "" where the provider says none
    details: str = ""


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """`status` None: a word that we don't know, in `said`."""

    id: str
    status: JobStatus | None
    said: str
    model: str
    created_at: int
    fine_tuned_model: str = ""
    training_file: str = ""
    trained_tokens: int | None = None
    error: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    result_files: tuple[str, ...] = ()
    estimated_finish: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    id: str
    created_at: int
    level: str
    message: str
    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RemoteCheckpoint:
    id: str
    step: int
    model: str
    metrics: dict[str, float]


def garbled(title: str) -> Unavailable:
    return Unavailable(
        f"{title or 'The provider'} answered with something that is not its API.",
        fix="Look at TUNESMITH_TUNING_BASE_URL (it usually ends in /v1), or try again later.",
        code="provider_garbled",
    )


def fields_of(answer: Any, title: str) -> dict[str, Any]:
    """A model of the openai library as a dict with every field that came. Unavailable where it is none."""
    to_dict = getattr(answer, "to_dict", None)
    found = to_dict(mode="python") if callable(to_dict) else answer
    if not isinstance(found, dict) or not isinstance(found.get("id"), str) or not found["id"]:
        raise garbled(title)
    return found


def file_of(answer: Any, quirks: Quirks) -> RemoteFile:
    raw = fields_of(answer, quirks.title)
    status = str(raw.get("status") or "") if quirks.file_status else ""
    return RemoteFile(
        raw["id"],
        str(raw.get("filename") or ""),
        _int(raw.get("bytes")) or 0,
        status,
        plain(raw.get("status_details") or ""),
    )


def job_of(answer: Any, quirks: Quirks) -> RemoteJob:
    raw = fields_of(answer, quirks.title)
    for ours, theirs in quirks.fields.items():
        raw.setdefault(ours, next((raw[name] for name in theirs if raw.get(name) is not None), None))
    said = str(raw.get("status") or "")
    if not said:
        raise garbled(quirks.title)
    error = raw.get("error")
    return RemoteJob(
        id=raw["id"],
        status=quirks.status(said),
        said=plain(said)[:40],
        model=plain(raw.get("model") or ""),
        created_at=_int(raw.get("created_at")) or 0,
        fine_tuned_model=plain(raw.get("fine_tuned_model") or ""),
        training_file=str(raw.get("training_file") or ""),
        trained_tokens=_int(raw.get("trained_tokens")),
        error={k: plain(v) for k, v in error.items() if v is not None} if isinstance(error, Mapping) else {},
        metadata={str(k): str(v) for k, v in (raw.get("metadata") or {}).items()} if _is_map(raw, "metadata") else {},
        hyperparameters=_hyperparameters(raw),
        result_files=tuple(plain(name) for name in raw.get("result_files") or () if isinstance(name, str)),
        estimated_finish=_int(raw.get("estimated_finish")),
    )


def event_of(answer: Any, title: str) -> RemoteEvent:
    raw = fields_of(answer, title)
    data = raw.get("data")
    return RemoteEvent(
        id=raw["id"][:200],
        created_at=_int(raw.get("created_at")) or 0,
        level=plain(raw.get("level") or "info")[:12],
        message=plain(raw.get("message") or ""),
        type=str(raw.get("type") or "message"),
        data=dict(data) if isinstance(data, Mapping) else {},
    )


def checkpoint_of(answer: Any, title: str) -> RemoteCheckpoint:
    raw = fields_of(answer, title)
    metrics = raw.get("metrics")
    numbers = metrics.items() if isinstance(metrics, Mapping) else ()
    return RemoteCheckpoint(
        id=raw["id"][:200],
        step=_int(raw.get("step_number")) or 0,
        model=plain(raw.get("fine_tuned_model_checkpoint") or ""),
        metrics={str(k)[:60]: float(v) for k, v in numbers if isinstance(v, int | float) and not isinstance(v, bool)},
    )


def _hyperparameters(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Of the method where it is told, else the old place."""
    method = raw.get("method")
    if isinstance(method, Mapping):
        inner = method.get(str(method.get("type")))
        if isinstance(inner, Mapping) and isinstance(inner.get("hyperparameters"), Mapping):
            return _simple(inner["hyperparameters"])
    return _simple(raw["hyperparameters"]) if _is_map(raw, "hyperparameters") else {}


def _simple(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(k)[:60]: plain(v) if isinstance(v, str) else v
        for k, v in values.items()
        if isinstance(v, str | int | float)
    }


def _is_map(raw: Mapping[str, Any], name: str) -> bool:
    return isinstance(raw.get(name), Mapping)


def _int(value: Any) -> int | None:
    try:
        return int(value) if value is not None and not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):
        return None
