"""News of a new version: what was mended, what was set aside and why, a few rows before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.blocks.kit import Card, card, context, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, name
from bot.versions import Shown
from tools.dataset_sentences import counted
from tools.lesson_words import fixes
from trainer.data.fix import FIXES
from trainer.store.tables import Dataset

HEAD = {
    "fix": "🔧 *{0}* is mended.",
    "redact": "🔒 *{0}* is redacted.",
    "map": "🔧 The columns of *{0}* are chosen.",
    "lessons": "📌 *{0}* learns from failures.",
}
REASONS, PIECE = 4, 170


def mended(parent: Dataset, row: Dataset, reasons: Mapping[str, int], sample: Sequence[Shown]) -> Card:
    head = HEAD.get(str(row.change.get("kind")), "🔧 *{0}* has a new version.").format(name(parent.filename))
    origin = f"made from v{parent.version} ({code(parent.id)}), which stays as it was"
    return card(
        f"{head} v{row.version} of {parent.id}.",
        section(f"{head} v{row.version} is {code(row.id)}, {origin}."),
        section("\n".join(filter(None, [_applied(row), _set_aside(row, reasons)]))),
        preformatted("\n".join(map(_change, sample))) if sample else None,
        context("What stood there before a redaction is not shown.") if row.change.get("kind") == "redact" else None,
    )


def _applied(row: Dataset) -> str:
    if row.change.get("kind") == "lessons":
        return f"*Is to mend:* {esc(fixes(row))}. The next evaluation tells what is fixed and what is still open."
    if mapping := row.change.get("mapping"):
        return "*Read as:* " + ", ".join(
            f"{code(clip(str(column), 60))} → {esc(use)}" for use, column in sorted(mapping.items(), reverse=True)
        )
    done = {
        FIXES[fix].title if fix in FIXES else fix: count for fix, count in (row.change.get("applied") or {}).items()
    }
    return f"*Done:* {esc(counted(done)) or 'nothing had to be changed in the rows that are kept'}"


def _set_aside(row: Dataset, reasons: Mapping[str, int]) -> str:
    """`3 rows need a person: invalid json × 2, no assistant × 1.` Nothing is dropped in silence."""
    rows = int(row.change.get("quarantined") or 0)
    if not rows:
        return "*Set aside:* no row." if row.change.get("kind") not in ("map", "lessons") else ""
    why = ", ".join(f"{esc(reason.replace('_', ' '))} × {count:,}" for reason, count in list(reasons.items())[:REASONS])
    more = f", and {len(reasons) - REASONS} more kinds" if len(reasons) > REASONS else ""
    noun = "row needs" if rows == 1 else "rows need"
    return f"*Set aside:* {rows:,} {noun} a person{f': {why}{more}' if why else ''}."


def _change(change: Shown) -> str:
    done = ", ".join(map(_title, change.fixes))
    after = f"+ {clip(change.after, PIECE)}" if change.after else "  (dropped)"
    return f"Line {change.line:,}: {done}\n- {clip(change.before, PIECE)}\n{after}"


def _title(fix: str) -> str:
    return FIXES[fix].title if fix in FIXES else fix
