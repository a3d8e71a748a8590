"""What a preflight found, as a reply in the thread: verdict first, then each check, then what the run will take."""

from __future__ import annotations

from typing import Any

from bot.blocks.kit import Card, card, context, section
from bot.blocks.mrkdwn import code, esc
from tools import preflight
from trainer.store.tables import Job

SYMBOL = {"ok": "✅", "FAILED": "❌", "left out": "➖"}


def found(row: Job) -> Card:
    """The last message of a preflight; its picture is the loss mask."""
    result = row.result or {}
    verdict = preflight.verdict(result)
    head = f"{'🧪' if result.get('ok') else '❌'} *Preflight.* {esc(verdict)}"
    fixes = preflight.fixes(result)
    checks = "\n".join(
        f"{SYMBOL[mark]} *{esc(title)}*{': failed' if mark == 'FAILED' else ''} · {esc(words)}"
        for mark, title, words in preflight.lines(result)
    )
    figures = preflight.figures(result)
    return card(
        f"Preflight. {verdict}",
        section(head),
        section(f"*What to do:* {esc(' '.join(fixes))}") if fixes else None,
        section(checks) if checks else None,
        section(esc(figures)) if figures else None,
        context(_foot(row, result)),
    )


def _foot(row: Job, result: dict[str, Any]) -> str:
    spec = row.spec
    asked = "Nothing was trained." if result.get("ok") else "It cannot be approved like this: ask again once corrected."
    tail = asked if row.approval_id else "Nothing was trained."
    return f"{esc(spec.get('method', ''))} on {code(spec.get('base', ''))}. {tail}"


def ending(row: Job, took: str) -> list[dict[str, Any]]:
    """The living card's last words; the reply tells the rest."""
    return [section(f"{esc(preflight.verdict(row.result or {}))} It took {took}.")]
