"""What ends at hosted fine-tuning services, from one dated data file, said aloud when it is near or past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

STALE_DAYS = 120
NEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Entry:
    """`ends` None: announced or deprecated, without a date that we know."""

    provider: str
    what: str
    models: tuple[str, ...]
    ends: date | None
    price_per_million_training_tokens_usd: float | None


@dataclass(frozen=True, slots=True)
class Hosted:
    as_of: date
    entries: tuple[Entry, ...]


@cache
def hosted() -> Hosted:
    """The data file."""
    return msgspec.json.decode(files("trainer.advice").joinpath("hosted.json").read_bytes(), type=Hosted)


def notices(today: date) -> list[str]:
    """One sentence for everything that has ended or ends within a year."""
    known = hosted()
    said = [_sentence(entry, today) for entry in known.entries if _near(entry, today)]
    if said and (today - known.as_of).days > STALE_DAYS:
        said.append(f"These dates are as of {known.as_of}; look them up again.")
    return said


def notices_for(provider: str, model: str, today: date) -> list[str]:
    """What has ended or ends within a year for training `model` at one provider."""
    said = [_sentence(entry, today) for entry in _training(provider, model) if _near(entry, today)]
    if said and (today - hosted().as_of).days > STALE_DAYS:
        said.append(f"These dates are as of {hosted().as_of}; look them up again.")
    return said


def closed(provider: str, model: str, everyone: str, today: date) -> str:
    """Why nobody can train `model` there any more, as a sentence; "" while somebody can. `everyone` names the entry
    that ends the whole offer."""
    for entry in _training(provider, model):
        if entry.ends and entry.ends <= today and (entry.models or entry.what == everyone):
            return _sentence(entry, today)
    return ""


def _training(provider: str, model: str) -> list[Entry]:
    mine = [
        entry for entry in hosted().entries if provider and entry.provider == provider and "evals" not in entry.what
    ]
    return [entry for entry in mine if not entry.models or any(_is(model, name) for name in entry.models)]


def ended(model: str, today: date) -> date | None:
    """The day on which a hosted model, or the base of a `ft:` name, ended; None while it answers or is unknown."""
    base = model.split(":")[1] if model.startswith("ft:") and ":" in model[3:] else model
    for entry in hosted().entries:
        if entry.ends and entry.ends <= today and any(_is(base, name) for name in entry.models):
            return entry.ends
    return None


def _is(model: str, name: str) -> bool:
    """`gpt-4o-2024-08-06` is `gpt-4o`; `gpt-4o-mini` is not."""
    return model == name or (model.startswith(f"{name}-2") and model.removeprefix(f"{name}-")[:4].isdigit())


def _near(entry: Entry, today: date) -> bool:
    return entry.ends is None or (entry.ends - today).days <= NEAR_DAYS


def _sentence(entry: Entry, today: date) -> str:
    models = f" ({', '.join(entry.models)})" if entry.models else ""
    subject = f"{entry.provider}: {entry.what}{models}"
    if entry.ends is None:
        return f"{subject}; no end date is known to us."
    if entry.ends <= today:
        return f"{subject} ended on {entry.ends}."
    days = (entry.ends - today).days
    return f"{subject} ends on {entry.ends}, in {days} day{'s' * (days != 1)}."
