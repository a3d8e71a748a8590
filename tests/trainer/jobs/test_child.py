"""How an attempt ends when what it stands on gives way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from trainer.errors import Unavailable
from trainer.jobs import child
from trainer.store.database import AWAY


class Lease:
    """Of a database that is away for the first question only."""

    job_id, fence = "ftjob-1", 1

    def renew(self) -> bool:
        raise Unavailable("The database does not answer.", code=AWAY)

    def fenced(self) -> Any:
        raise AssertionError("the job was ended for a database that only blinked")


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_database_that_is_away_for_a_moment_does_not_fail_the_job() -> None:
    run: Any = SimpleNamespace(lease=Lease(), job=SimpleNamespace(kind="train"), terminated=False)
    assert child._attempt(run) == child.EX_AWAY
