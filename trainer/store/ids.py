"""Ids in OpenAI's shapes: `file-…`, `ftjob-…`, `ftckpt_…`, `ft:<base>:<team>:<suffix>:<id>`."""

from __future__ import annotations

import re
import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def random_part(length: int = 24) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_id(prefix: str) -> str:
    """`new_id("ftjob-")` → `ftjob-` and 24 random letters and digits."""
    return prefix + random_part()


def model_id(base: str, team: str, suffix: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", base.rsplit("/", 1)[-1])
    return f"ft:{plain}:{re.sub(r'[^A-Za-z0-9_-]', '-', team)}:{suffix}:{random_part(8)}"
