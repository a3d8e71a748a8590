"""RQ's queues: wake-ups only. What is lost here, the reconciler puts back from the database."""

from __future__ import annotations

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, RedisError, TimeoutError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from trainer.errors import BadInput, Unavailable
from trainer.store.tables import Job

ENTRY = "trainer.jobs.worker.run"
NAMES = ("gpu", "cpu")


def connect(url: str, *, retries: int = 3) -> Redis:
    """A Redis client that waits out short absences (`retries` with back-off of at most 5 s each)."""
    try:
        return Redis.from_url(
            url,
            retry=Retry(ExponentialBackoff(cap=5, base=0.1), retries),
            retry_on_error=[ConnectionError, TimeoutError],
            socket_connect_timeout=5,
            health_check_interval=15,
        )
    except ValueError:
        raise BadInput(
            "REDIS_URL is not the address of a Redis.",
            fix="Write it as redis://host:6379/0, rediss://… or unix://…",
            code="bad_redis_url",
        ) from None


class Wakeups:
    """Tells workers that a job waits. Names are `<job id>-<attempts so far>`, so a retry is a new wake-up."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.queues = {n: Queue(n, connection=redis, serializer=JSONSerializer) for n in NAMES}

    @staticmethod
    def key(job: Job) -> str:
        return f"{job.id}-{job.fence}"

    def enqueue(self, job: Job) -> bool:
        """False when Redis is away: the row waits, and the reconciler will bring it."""
        try:
            self.queues[job.queue].enqueue_call(
                ENTRY, args=(job.id,), job_id=self.key(job), timeout=-1, result_ttl=0, failure_ttl=3600
            )
        except RedisError:
            return False
        return True

    def waiting(self, queue: str) -> set[str]:
        """Keys of the wake-ups in line (a plain list read: RQ's registries clean up as a side effect)."""
        try:
            return set(self.queues[queue].get_job_ids())
        except RedisError as error:
            raise Unavailable("Redis does not answer.", fix="Start it, or check REDIS_URL.") from error

    def ping(self) -> bool:
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False
