"""Logs as JSON lines on stderr, with anything that looks like a secret struck out."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET = re.compile(
    r"(xox[abeprs]-[\w-]+|xapp-[\w-]+|sk-[\w-]{8,}|hf_\w{8,}|AKIA[0-9A-Z]{16}|Bearer\s+\S+|://[^\s/:@]+:[^\s@]+@)"
)


def redact(text: str) -> str:
    """Strike out tokens, keys and passwords in URLs."""
    return SECRET.sub("[secret]", text)


def _redact_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {k: redact(v) if isinstance(v, str) else v for k, v in event.items()}


class _RedactFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


def configure_logs(level: str | None = None) -> None:
    """Once per process, at its door."""
    name = (level or os.environ.get("TUNESMITH_LOG_LEVEL", "INFO")).upper()
    number = logging.getLevelNamesMapping().get(name, logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_event,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.addFilter(_RedactFilter())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], format="%(name)s: %(message)s")
