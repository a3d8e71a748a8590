"""What training on a file costs: tokens × epochs × the price from one dated file, or an honest "not known"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

STALE_DAYS = 120


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million training tokens, as last seen on `as_of`; None for not known."""

    provider: str
    model: str  # "" speaks of the provider's models in general
    usd: float | None
    as_of: date | None
    source: str


@dataclass(frozen=True, slots=True)
class Prices:
    as_of: date
    about: str
    entries: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """`usd` None: no price is known. `words` are one or two sentences for people."""

    usd: float | None
    words: str


@cache
def prices() -> Prices:
    """The data file."""
    return msgspec.json.decode(files("trainer.data").joinpath("prices.json").read_bytes(), type=Prices)


def cost(tokens: int, epochs: float, provider: str, model: str, *, today: date | None = None) -> Cost:
    """Of training a hosted model on so many tokens an epoch. `today` says whether the price is old."""
    price = find_price(provider, model)
    name = f"{provider} {model}".strip()
    if price is None or price.usd is None:
        return Cost(None, f"{name}: no price known (as of {prices().as_of}). Ask the provider before you start.")
    usd = tokens * epochs * price.usd / 1_000_000
    words = f"{name}: {money(usd)} for {tokens:,} tokens × {epochs:g} epochs at ${price.usd:g} a million"
    old = today and price.as_of and (today - price.as_of).days > STALE_DAYS
    return Cost(
        round(usd, 4), f"{words} (price seen {price.as_of}: {price.source}).{' Look it up again.' if old else ''}"
    )


def find_price(provider: str, model: str) -> Price | None:
    """By names without regard to case; a dated model (`gpt-4o-2024-08-06`) has the price of its name."""
    for price in prices().entries:
        if price.provider.lower() == provider.lower() and price.model and _is(model.lower(), price.model.lower()):
            return price
    return None


def _is(model: str, name: str) -> bool:
    return model == name or (model.startswith(f"{name}-2") and model.removeprefix(f"{name}-")[:4].isdigit())


def money(usd: float) -> str:
    return "less than a cent" if 0 < usd < 0.01 else f"${usd:,.2f}"
