"""Seconds, bytes and dollars for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`95` → "1 min 35 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Bytes for people: `5368709120` → "5.0 GiB"."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} GiB"


def cost(usd: float) -> str:
    return f"${usd:,.2f}" if usd else "no cost"
