from __future__ import annotations

import time
from pathlib import Path

import pytest
from redis import Redis

from tests.trainer.jobs.test_lease import add_job
from trainer.errors import Unavailable
from trainer.jobs.lease import claim
from trainer.jobs.reconcile import reconcile
from trainer.services import Services, build_services
from trainer.settings import Settings


@pytest.fixture
def with_redis(settings: Settings, redis_url: str):
    with build_services(settings.model_copy(update={"redis_url": redis_url}), migrate=True) as built:
        yield built


def test_a_forgetful_redis_loses_no_waiting_job(with_redis: Services) -> None:
    job = add_job(with_redis)
    with_redis.wakeups.enqueue(job)
    with_redis.wakeups.redis.flushall()

    assert reconcile(with_redis.db, with_redis.wakeups).woken == 1
    assert with_redis.wakeups.waiting("gpu") == {with_redis.wakeups.key(job)}
    assert reconcile(with_redis.db, with_redis.wakeups).woken == 0


def test_a_lapsed_lease_goes_back_in_line(with_redis: Services) -> None:
    job = add_job(with_redis)
    claim(with_redis.db, job.id, worker="w", lease_s=0.01)
    time.sleep(0.05)

    done = reconcile(with_redis.db, with_redis.wakeups)

    assert (done.requeued, done.woken) == (1, 1)
    assert with_redis.jobs.get(job.id).status == "queued"


def test_a_job_that_keeps_dying_fails_with_words(with_redis: Services) -> None:
    job = add_job(with_redis)
    for _ in range(with_redis.settings.max_attempts):
        assert claim(with_redis.db, job.id, worker="w", lease_s=0.01)
        time.sleep(0.03)
        reconcile(with_redis.db, with_redis.wakeups)

    row = with_redis.jobs.get(job.id)
    assert row.status == "failed" and row.error and "died 5 times" in row.error["message"]


def test_a_cancel_that_nobody_heard_is_carried_out(with_redis: Services) -> None:
    job = add_job(with_redis)
    claim(with_redis.db, job.id, worker="w", lease_s=0.01)
    with_redis.jobs.request_cancel(job.id, "U0ADA")
    time.sleep(0.03)

    assert reconcile(with_redis.db, with_redis.wakeups).cancelled == 1
    assert with_redis.jobs.get(job.id).status == "cancelled"


def test_without_redis_nothing_is_lost_and_the_reason_is_told(services: Services) -> None:
    job = add_job(services)

    assert services.wakeups.enqueue(job) is False
    with pytest.raises(Unavailable, match="Redis does not answer"):
        reconcile(services.db, services.wakeups)
    assert services.jobs.get(job.id).status == "queued"


def test_redis_holds_json_and_no_pickle(with_redis: Services, tmp_path: Path) -> None:
    job = add_job(with_redis)
    with_redis.wakeups.enqueue(job)

    redis: Redis = with_redis.wakeups.redis
    data = redis.hget(f"rq:job:{with_redis.wakeups.key(job)}", "data")

    assert b"trainer.jobs.worker.run" in _plain(data)


def _plain(data: bytes) -> bytes:
    import zlib

    try:
        return zlib.decompress(data)
    except zlib.error:
        return data
