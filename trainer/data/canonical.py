"""The one form in which equal rows have equal bytes: compact UTF-8 JSON with sorted keys."""

from __future__ import annotations

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")
canonical = _encoder.encode  # of a row or any other value: plain JSON, or typed as the fast readers hold it
canonical_lines = _encoder.encode_lines  # of many rows, one a line, each ended by LF
