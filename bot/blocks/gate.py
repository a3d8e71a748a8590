"""The gate on the card that asks for a run: what the model must show, as it was registered."""

from __future__ import annotations

from typing import Any

from bot.blocks.kit import Json, section
from bot.blocks.mrkdwn import code, esc


def details(subject: dict[str, Any]) -> list[Json]:
    """Two to four short lines; none where the request has no gate."""
    says = subject.get("gate_says")
    if not says:
        return []
    head = f"🚦 *The gate*, registered now, before training, as {code(str(subject['gate_digest'])[:8])}"
    return [section("\n".join([head, *(f"• {esc(line)}" for line in says)]))]
