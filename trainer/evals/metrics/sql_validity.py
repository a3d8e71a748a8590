"""Is the answer SQL?"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from pydantic import Field

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure

STEPS, A_TOKEN = 10_000, 10  # that the parser may take, and more for each token; plain SQL takes about one a token
STATEMENTS = (
    *("Query", "Values", "Insert", "Update", "Delete", "Merge", "DDL", "Drop", "Alter", "TruncateTable", "Copy"),
    *("Describe", "Show", "Set", "Use", "Pragma", "Grant", "Revoke", "Transaction", "Commit", "Rollback"),
)  # of sqlglot's expressions


class SqlValidity(Measure):
    """1 when the whole answer is one or more SQL statements that sqlglot can parse, in `dialect` where one is named.
    Whether tables exist is not asked. More than `longest` characters are not parsed, and not right."""

    name = "sql_validity"

    dialect: str = ""
    longest: int = Field(20_000, ge=1, le=100_000)

    def model_post_init(self, context: Any) -> None:
        from sqlglot.dialects.dialect import Dialects

        known = sorted(each.value for each in Dialects if each.value)
        if self.dialect and self.dialect not in known:
            said = f"sql_validity knows no dialect {self.dialect[:50]!r}."
            raise BadInput(said, fix=f"Known: {', '.join(known)}.", code="bad_metric", param="dialect")

    def score(self, case: Case, answer: Answer) -> float:
        return float(len(answer.text) <= self.longest and is_sql(answer.text, self.dialect))

    def applies(self, case: Case) -> bool:
        return True


def is_sql(text: str, dialect: str = "") -> bool:
    """A bare name or number parses as well, but asks a database for nothing; nor does what sqlglot only hands on."""
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would log what models say
    spoken = Dialect.get_or_raise(dialect or None)
    try:
        tokens = spoken.tokenize(text)
        parser = _bounded(spoken.parser_class)(dialect=spoken)
        parser.left = STEPS + A_TOKEN * len(tokens)
        parsed = [each for each in parser.parse(tokens, text) if each is not None]
    except (SqlglotError, RecursionError, ValueError, _Endless):
        return False
    return bool(parsed) and all(map(_statement, parsed))


class _Endless(Exception):
    """The parser tries one way after the other."""


@lru_cache(maxsize=64)
def _bounded(parser: type[Any]) -> type[Any]:
    """The dialect's parser, with an end. `a JOIN b JOIN b …` without ON doubles its work with each JOIN, and models
    that run in circles do write that."""

    class Bounded(parser):
        left = STEPS

        def _advance(self, times: int = 1) -> None:
            self.left -= 1
            if self.left < 0:
                raise _Endless
            super()._advance(times)

    return Bounded


def _statement(parsed: Any) -> bool:
    from sqlglot import exp

    if isinstance(parsed, exp.Select):
        return bool(parsed.expressions)
    return isinstance(parsed, tuple(getattr(exp, name) for name in STATEMENTS))
