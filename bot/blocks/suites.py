"""Cards about suites: one that was dropped, one that somebody looks at, one that cannot be used."""

from __future__ import annotations

from bot.blocks.kit import Card, Json, card, context, fields, preformatted, section
from bot.blocks.mrkdwn import clip, code, esc, name, plain_name
from tools.suites import plural, rule_words, slices
from trainer.errors import TunesmithError
from trainer.evals.suites import Written
from trainer.store.suites import Added, Resolved

VALUES = 6  # of a slice


def added(made: Added) -> Card:
    """A suite that was dropped, kept as a version."""
    row = made.row
    verdict = "kept as" if made.new else "already known as"
    text = f"Suite {row.name}: {verdict} v{row.version}, {plural(row.cases)}"
    return card(
        esc(text),
        section(f"✅ *Suite {name(row.name)}* is {verdict} v{row.version}."),
        *_about(made.written),
        context(
            f"To ask it of a candidate, say {code(f'train with gate suites={row.name}')}. A version never changes; "
            "drop the file again to make the next one."
        ),
    )


def shown(found: Resolved) -> Card:
    """A suite that somebody asked for."""
    which = f"v{found.version}" if found.version else "shipped with Tunesmith"
    head = section(f"*Suite {name(found.name)}* ({which})")
    return card(esc(f"Suite {found.name}, {which}"), head, *_about(Written(found.suite, found.defaults)))


def refused(filename: str, problem: TunesmithError) -> Card:
    """A file that is meant to be a suite and cannot be used: every mistake by its place."""
    head, _, rest = problem.what.partition("\n")
    return card(
        f"{esc(plain_name(filename))}: {esc(head)}",
        section(f"❌ *{name(filename)}* was not kept. {esc(clip(head, 500))}"),
        preformatted(clip(rest.strip(), 2500)) if rest.strip() else None,
        section(f"*What to do:* {esc(problem.fix.strip() or 'Correct it and drop it again.')} Nothing was changed."),
    )


def _about(written: Written) -> list[Json | None]:
    suite, rule = written.suite, written.rule
    metrics = ", ".join(dict.fromkeys(metric.metric for metric in suite.metrics))
    pairs = [("Role", suite.role.value), ("Cases", f"{len(suite.cases):,}"), ("Metrics", metrics)]
    pairs += [("Slices", "\n".join(_slices(written)))] if slices(suite) else []
    return [
        section(name(suite.about, 600)) if suite.about else None,
        fields(*((label, esc(clip(value, 600))) for label, value in pairs)),
        section(esc(rule_words(rule))) if rule else None,
    ]


def _slices(written: Written) -> list[str]:
    lines: list[str] = []
    for key, values in list(slices(written.suite).items())[:5]:
        shown = [f"{value} {count}" for value, count in list(values.items())[:VALUES]]
        more = [f"{len(values) - VALUES} more"] if len(values) > VALUES else []
        lines.append(f"{key}: {', '.join([*shown, *more])}")
    return lines
