"""What the card of a hosted training run asks: where the rows go, what it costs, and what ends when."""

from __future__ import annotations

from typing import Any

from bot.blocks.kit import Json, context, fields, section
from bot.blocks.mrkdwn import code, esc, name
from trainer.store.tables import Dataset


def headline(subject: dict[str, Any]) -> str:
    there, spec = subject["hosted"], subject["spec"]
    return f"{esc(spec['objective'])} on {code(spec['base'])} at {esc(there['title'])}, {_cost(there)}."


def details(subject: dict[str, Any], dataset: Dataset | None) -> list[Json]:
    there, spec = subject["hosted"], subject["spec"]
    figures = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in there["hyperparameters"].items())
    notices = [section("\n".join(f"⚠️ {esc(notice)}" for notice in there["notices"]))] if there["notices"] else []
    return [
        fields(
            ("Dataset", f"{name(dataset.filename) if dataset else '—'}\n{there['rows']:,} rows to train on"),
            ("Base", code(spec["base"])),
            ("Provider", f"{esc(there['title'])}\nrows are sent to {code(there['endpoint'])}"),
            ("Settings", esc(figures)),
            ("Time", "the provider decides"),
            ("Cost", _cost(there)),
        ),
        *notices,
        context(esc(there["cost"])),
    ]


def _cost(there: dict[str, Any]) -> str:
    return "price not known" if there["cost_usd"] is None else f"about ${there['cost_usd']:,.2f}"
