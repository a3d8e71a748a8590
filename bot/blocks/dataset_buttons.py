"""What can be pressed below a report, and the sentence that says what to do next."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot import actions as ids
from bot.blocks.kit import actions, button, confirmation
from bot.blocks.mrkdwn import clip, esc, plain_name
from trainer.data.card import CodeSummary, has_columns
from trainer.data.figures import sensitive
from trainer.data.fix import FIXES
from trainer.data.kinds import teaches
from trainer.store.tables import Dataset
from trainer.types import CheckReport, Severity, Verdict

Json = dict[str, Any]
KINDS = 4
BY_HAND = "*What to do:* mend what is named above and drop the file again. Nothing was started."


def how_to_go_on(found: CheckReport, dataset: Dataset | None, mended: list[CodeSummary]) -> str:
    """One or two sentences: what Fix would do, what Redact would do, what is for people. `mended` as `fixes` says."""
    said = [_mends(mended, found.mendable)] if dataset else []
    if found.verdict is Verdict.BROKEN:
        return " ".join(filter(None, [*said, _when_broken(found, dataset, mended)]))
    if dataset and not teaches(dataset.kind):
        said.append("Training here does not grade answers; this can be checked, mended and audited.")
    if sensitive(found.stats):
        said.append("Redact puts placeholders where personal data and secrets are.")
    if left := _for_people(found, mended):
        said.append(left)
    return " ".join(filter(None, said)) or "Nothing needs mending: train, or estimate first."


def _for_people(found: CheckReport, mended: list[CodeSummary]) -> str:
    """Rows that no fix mends: what becomes of them is said wherever it is not plain from the rest."""
    left = found.rows - found.accepted
    if not left or mended:
        return ""
    rows = "The row with errors needs a person; it is" if left == 1 else f"{left:,} rows need a person; they are"
    return f"{rows} left out of training."


def _when_broken(found: CheckReport, dataset: Dataset | None, mended: list[CodeSummary]) -> str:
    if dataset and has_columns(found):
        return "*What to do:* say which column is the prompt and which the completion. Nothing was started."
    if dataset and mended:
        return "*What to do:* press Fix; the file you dropped stays as it is. Nothing was started."
    return BY_HAND


def _mends(codes: list[CodeSummary], saved: int) -> str:
    """`Fix mends 2 kinds: Commas × 1, White space × 12.` It tries to, where more is broken than the `saved` rows."""
    mended: Counter[str] = Counter()
    in_rows = {_title(kind) for kind in codes if kind.first_lines[0]}
    for kind in codes:
        if kind.first_lines[0] or _title(kind) not in in_rows:  # else the file's finding is about those very rows
            mended[_title(kind)] += kind.count
    if not mended:
        return ""
    shown = ", ".join(f"{title} × {count:,}" for title, count in mended.most_common(KINDS))
    more = f" and {len(mended) - KINDS} more" if len(mended) > KINDS else ""
    tries = sum(kind.count for kind in codes if _of_rows(kind)) > saved
    does, rest = ("tries to mend", " Rows that stay broken are set aside.") if tries else ("mends", "")
    return f"*Fix* {does} {len(mended)} {'kinds' if len(mended) > 1 else 'kind'}: {esc(shown)}{more}.{rest}"


def fixes(found: CheckReport, kinds: list[CodeSummary]) -> list[CodeSummary]:
    """The findings that Fix mends unasked; redaction, for one, is a wish of its own. None where it would not help."""
    mended = [kind for kind in kinds if _unasked(kind) and (found.mendable or not _of_rows(kind))]
    hopeless = found.verdict is Verdict.BROKEN and found.rows and not found.mendable
    return [] if hopeless else mended


def _unasked(kind: CodeSummary) -> bool:
    return any(FIXES[fix].safe for fix in kind.fixes)


def _of_rows(kind: CodeSummary) -> bool:
    """Errors that cost rows: whether a fix helps there, the check has tried."""
    return kind.severity is Severity.ERROR and kind.first_lines[0] != 0


def _title(kind: CodeSummary) -> str:
    return FIXES[kind.fixes[0]].title if len(kind.fixes) == 1 else "Broken JSON"


def bar(found: CheckReport, dataset: Dataset | None, mended: list[CodeSummary]) -> Json | None:
    """The buttons: what helps most is green. Each carries the dataset's id and nothing else."""
    if dataset is None:
        return None
    usable = found.verdict is not Verdict.BROKEN
    trains = usable and bool(teaches(dataset.kind))
    return actions(
        *(_columns(dataset, found.mapping) if has_columns(found) else ()),
        button("Train", ids.TRAIN, dataset.id, style="primary") if trains else None,
        button("Fix", ids.FIX, dataset.id, style="" if usable or has_columns(found) else "primary") if mended else None,
        button("Redact", ids.REDACT, dataset.id, confirm=_sure()) if sensitive(found.stats) else None,
        button("Estimate", ids.ESTIMATE, dataset.id) if trains else None,
        button("Split", ids.SPLIT, dataset.id) if trains else None,
        button("Choose columns", ids.CHOOSE_COLUMNS, dataset.id) if (dataset.change or {}).get("mapping") else None,
        button("Download report", ids.DOWNLOAD, dataset.id),
    )


def _columns(dataset: Dataset, mapping: dict[str, str] | None) -> tuple[Json, ...]:
    if not mapping:
        return (button("Choose columns", ids.CHOOSE_COLUMNS, dataset.id, style="primary"),)
    chosen = ", ".join(f"{clip(_label(column), 18)} → {use}" for use, column in mapping.items())
    return (
        button(f"Use {chosen}", ids.USE_COLUMNS, dataset.id, style="primary"),
        button("Choose columns", ids.CHOOSE_COLUMNS, dataset.id),
    )


def _label(column: str) -> str:
    """A column's name on a button: one line, and no look of a mention."""
    return plain_name(column).translate(str.maketrans("<>", "‹›"))


def _sure() -> Json:
    text = "A new version is made, with placeholders for personal data and secrets. The file you dropped stays."
    return confirmation("Redact the data?", text, "Redact", "Not now")
