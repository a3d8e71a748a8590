from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from trainer.errors import Conflict, LostLease
from trainer.jobs.lease import claim
from trainer.jobs.reconcile import hold_lock
from trainer.services import Services
from trainer.store.tables import Job
from trainer.types import JobKind, JobStatus


def add_job(services: Services) -> Job:
    with services.db.write() as session:
        return services.jobs.add(
            session, JobKind.TRAIN, spec={}, dataset_id="file-x", owner="U0ADA", team="t", origin={}
        )


def test_of_twenty_workers_one_gets_the_job(any_services: Services) -> None:
    job = add_job(any_services)

    def try_it(number: int) -> bool:
        return claim(any_services.db, job.id, worker=f"w{number}", lease_s=30) is not None

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(try_it, range(20)))

    assert sum(won) == 1
    assert len(any_services.jobs.attempts(job.id)) == 1


def test_an_attempt_that_lost_its_lease_may_write_nothing(any_services: Services) -> None:
    job = add_job(any_services)
    first = claim(any_services.db, job.id, worker="w1", lease_s=0.05)
    time.sleep(0.1)
    second = claim(any_services.db, job.id, worker="w2", lease_s=30)

    assert first and second and second.fence == 2
    with pytest.raises(LostLease):
        first.event("progress", {"step": 1})
    with pytest.raises(LostLease):
        first.checkpoint(1, {"files": {}}, {})
    assert any_services.jobs.checkpoints(job.id) == []
    assert [a.outcome for a in any_services.jobs.attempts(job.id)] == ["lost", None]


def test_events_are_numbered_without_gaps_under_concurrent_writers(any_services: Services) -> None:
    job = add_job(any_services)
    lease = claim(any_services.db, job.id, worker="w", lease_s=30)
    assert lease is not None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: lease.event("progress", {"n": n}), range(40)))

    assert [e.seq for e in any_services.jobs.events(job.id)] == list(range(1, 43))


def test_a_cancelled_waiting_job_is_never_claimed(any_services: Services) -> None:
    job = add_job(any_services)

    assert any_services.jobs.request_cancel(job.id, "U0ADA") is JobStatus.CANCELLED
    assert claim(any_services.db, job.id, worker="w", lease_s=30) is None
    with pytest.raises(Conflict, match="already cancelled"):
        any_services.jobs.request_cancel(job.id, "U0ADA")


def test_a_running_job_hears_of_its_cancellation_when_it_renews(any_services: Services) -> None:
    job = add_job(any_services)
    lease = claim(any_services.db, job.id, worker="w", lease_s=30)
    assert lease is not None and lease.renew() is False

    assert any_services.jobs.request_cancel(job.id, "U0ADA") is JobStatus.RUNNING
    assert lease.renew() is True


def test_a_clean_stop_costs_no_try_and_a_crash_costs_one(any_services: Services) -> None:
    job = add_job(any_services)

    for outcome, clean, tries in (("released", True, 0), ("crashed", False, 1)):
        lease = claim(any_services.db, job.id, worker="w", lease_s=30)
        assert lease is not None
        lease.release(outcome, "", give_back_try=clean)
        assert any_services.jobs.get(job.id).attempts == tries


def test_one_holder_at_a_time_has_the_lock(any_services: Services) -> None:
    assert hold_lock(any_services.db, "reconcile", "a", 0.2)
    assert not hold_lock(any_services.db, "reconcile", "b", 0.2)
    assert hold_lock(any_services.db, "reconcile", "a", 0.2)
    time.sleep(0.3)
    assert hold_lock(any_services.db, "reconcile", "b", 0.2)
