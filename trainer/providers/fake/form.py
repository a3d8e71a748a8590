"""multipart/form-data by the standard library: what uploads of the openai library come as."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import NamedTuple


class Part(NamedTuple):
    filename: str | None
    raw: bytes


def read_form(content_type: str, body: bytes) -> dict[str, Part]:
    """Fields by name; {} for a body that is no form."""
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    found: dict[str, Part] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        raw = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(raw, bytes):
            found[name] = Part(part.get_filename(), raw)
    return found
