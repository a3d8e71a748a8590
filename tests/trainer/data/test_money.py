"""Prices with their dates, and plans in words."""

from __future__ import annotations

from datetime import date

import pytest

from trainer.data.money import cost, find_price, money, prices


def test_every_price_has_a_day_and_a_source() -> None:
    known = prices()
    for price in known.entries:
        assert (price.usd is None) == (price.as_of is None) == (not price.source)
        assert price.as_of is None or price.as_of <= known.as_of
        assert price.usd is None or 0 < price.usd < 100


def test_tokens_times_epochs_times_price() -> None:
    told = cost(2_000_000, 3, "openai", "gpt-4o-mini-2024-07-18", today=date(2026, 5, 1))
    assert told.usd == pytest.approx(18.0)
    assert "$18.00 for 2,000,000 tokens × 3 epochs at $3 a million" in told.words
    assert "price seen 2026-04-30" in told.words
    assert "Look it up again" not in told.words


def test_an_old_price_is_said_to_be_old() -> None:
    assert cost(1, 1, "OpenAI", "gpt-4o", today=date(2027, 1, 1)).words.endswith("Look it up again.")


@pytest.mark.parametrize(("provider", "model"), [("Together", "x"), ("OpenAI", "gpt-4.1"), ("Nobody", ""), ("", "")])
def test_what_is_not_known_is_said_so(provider: str, model: str) -> None:
    told = cost(1000, 1, provider, model)
    assert told.usd is None
    assert "no price known" in told.words


def test_a_smaller_model_is_another_model() -> None:
    assert find_price("OpenAI", "gpt-4o") != find_price("OpenAI", "gpt-4o-mini")
    assert find_price("OpenAI", "gpt-4o-audio") is None


def test_small_sums() -> None:
    assert (money(0.001), money(0), money(1234.5)) == ("less than a cent", "$0.00", "$1,234.50")
