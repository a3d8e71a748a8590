"""What `tunesmith doctor` looks at. Each check answers with one line: how it is, and what to do about it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from redis import Redis
from redis.exceptions import RedisError

from tools.ops.procfile import INSTALL_TRAIN, missing_train_extra, plan, read_procfile
from tools.ops.readiness import gateway_url, http_ok
from trainer.advice.hosted import notices
from trainer.bases import TINY, known_bases
from trainer.errors import TunesmithError, Unavailable
from trainer.jobs.launchers.cluster import missing_tools
from trainer.services import Services
from trainer.settings import Settings

GIB = 1024**3
LOW_DISK = 5 * GIB
OLDEST_REDIS = (6, 2)
ROLES = {"worker_gpu": "worker:gpu", "worker_cpu": "worker:cpu", "reconcile": "reconcile", "bot": "bot"}


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    level: Level
    text: str
    fix: str = ""


def ok(name: str, text: str) -> Check:
    return Check(name, Level.OK, text)


def warn(name: str, text: str, fix: str) -> Check:
    return Check(name, Level.WARN, text, fix)


def fail(name: str, text: str, fix: str) -> Check:
    return Check(name, Level.FAIL, text, fix)


def examine(services: Services) -> Iterator[Check]:
    """Every check in turn; one that breaks is itself a failure, and the rest go on."""
    for look in LOOKS:
        try:
            yield from look(services)
        except TunesmithError as error:
            yield fail(look.__name__.lstrip("_"), error.what, error.fix)


def _python(_services: Services) -> Iterator[Check]:
    yield ok("python", "Python " + ".".join(str(part) for part in sys.version_info[:3]))


def _extras(_services: Services) -> Iterator[Check]:
    if missing := missing_train_extra():
        text = f"The train extra is incomplete ({', '.join(missing)} missing): this machine cannot train."
        yield warn("train extra", text, INSTALL_TRAIN)
    else:
        yield ok("train extra", "torch, transformers, peft, trl and bitsandbytes are installed")


def _database(services: Services) -> Iterator[Check]:
    kind = "SQLite" if services.db.sqlite else "Postgres"
    try:
        current, newest = _revisions(services)
    except Unavailable as error:
        yield fail("database", f"{kind}: {error.what}", error.fix)
        return
    if current is None:
        services.db.migrate()
        yield ok("database", f"{kind} answers; it was empty and has its schema now")
    elif current != newest:
        text = f"{kind}: the schema is at revision {current}, this version wants {newest}"
        yield fail("database", text, "Stop Tunesmith, then run: tunesmith doctor --migrate")
    else:
        yield ok("database", f"{kind} answers, schema at the newest revision")


def _revisions(services: Services) -> tuple[str | None, str | None]:
    """The schema's revision, and the newest this version knows."""
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from trainer.store.database import MIGRATIONS

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with services.db.read() as session:
        current = MigrationContext.configure(session.connection()).get_current_revision()
    return current, ScriptDirectory.from_config(config).get_current_head()


def _blobs(services: Services) -> Iterator[Check]:
    try:
        sha = services.blobs.put_bytes(b"tunesmith doctor")
        readable = services.blobs.get_bytes(sha) == b"tunesmith doctor"
    except Exception as error:  # every store has its own tree of errors
        text = f"The blob store cannot be used ({type(error).__name__})"
        yield fail("blobs", text, "Check TUNESMITH_BLOB_URL, its credentials and its rights.")
        return
    yield ok("blobs", "writable and readable") if readable else fail("blobs", "damaged", "Check the disk.")


def _disk(services: Services) -> Iterator[Check]:
    home = services.settings.home.absolute()
    free = shutil.disk_usage(home if home.exists() else home.parent).free
    text = f"{free / GIB:.0f} GiB free in {home}"
    yield ok("disk", text) if free > LOW_DISK else warn("disk", text, "Free some space: checkpoints need it.")


def _redis(services: Services) -> Iterator[Check]:
    settings = services.settings
    client = Redis.from_url(settings.redis, socket_connect_timeout=2, socket_timeout=2, retry=None)
    where = "REDIS_URL" if settings.redis_url else "the embedded server"
    try:
        info = client.info()
    except RedisError:
        fix = "Start it with `tunesmith up`, or check REDIS_URL. Jobs wait in the database meanwhile."
        yield warn("redis", f"Redis ({where}) does not answer", fix)
        return
    finally:
        client.close()
    assert isinstance(info, dict)
    yield from _redis_facts(info, where)


def _redis_facts(info: dict[str, object], where: str) -> Iterator[Check]:
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        yield fail("redis", f"version {version} at {where}", "Use Redis 6.2 or newer, or Valkey.")
        return
    yield ok("redis", f"version {version} at {where} answers")
    if info.get("maxmemory_policy") != "noeviction":
        policy = info.get("maxmemory_policy")
        yield warn("redis policy", f"maxmemory-policy is {policy}", "Set it to noeviction: queues may vanish.")
    if not info.get("aof_enabled"):
        text = "no append-only file: a restart forgets the queues, and the reconciler puts them back"
        yield warn("redis aof", text, "Set appendonly yes.")


def _processes(services: Services) -> Iterator[Check]:
    names = plan(services.settings, read_procfile()).names
    missing = [name for name, role in ROLES.items() if name in names and not services.heartbeats.has(role)]
    if missing:
        yield warn("processes", f"not running: {', '.join(missing)}", "Start them with: tunesmith up")
    else:
        yield ok("processes", f"running: {', '.join(name for name in ROLES if name in names)}")


def _doors(services: Services) -> Iterator[Check]:
    settings = services.settings
    for name, url in (("gateway", gateway_url(settings)), ("engine", settings.engine)):
        if http_ok(f"{url}/health"):
            yield ok(name, f"answers at {url}")
        else:
            yield warn(name, f"does not answer at {url}", f"Start it with `tunesmith up` or `tunesmith {name}`.")


def _keys(services: Services) -> Iterator[Check]:
    live = sum(key.revoked_at is None for key in services.keys.list())
    if live:
        yield ok("api keys", f"{live} live")
    else:
        yield warn("api keys", "none: no program can call the gateway", "tunesmith keys create NAME")


def _slack(services: Services) -> Iterator[Check]:
    settings = services.settings
    if settings.in_sandbox:
        yield ok("slack", "no SLACK_BOT_TOKEN: the bot talks to the local sandbox")
        return
    if not settings.slack_http_port and not settings.slack_app_token.get_secret_value():
        yield fail(
            "slack",
            "SLACK_APP_TOKEN is missing for Socket Mode",
            "Make an xapp token, scope connections:write.",
        )
    if settings.slack_http_port and not settings.slack_signing_secret.get_secret_value():
        yield fail("slack", "SLACK_SIGNING_SECRET is missing for HTTP events", "Copy it from the app's page.")
    yield _auth_test(settings)


def _auth_test(settings: Settings) -> Check:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    client = WebClient(settings.slack_bot_token.get_secret_value(), base_url=settings.slack_base_url, timeout=5)
    try:
        who = client.auth_test()
    except SlackApiError as error:
        reason = str(error.response.get("error", "refused"))
        return fail("slack", f"the bot token is refused ({reason})", "Reinstall the app and copy its xoxb token.")
    except OSError:
        return fail("slack", f"{settings.slack_base_url} cannot be reached", "Check the network or the proxy.")
    return ok("slack", f"signed in as {who.get('user')} in {who.get('team')}")


def _llm(services: Services) -> Iterator[Check]:
    settings = services.settings
    if settings.has_llm:
        yield ok("language model", f"{settings.llm_model} by {settings.llm_base_url or 'OpenAI'}")
    else:
        yield ok("language model", "none set: the command grammar answers (set OPENAI_API_KEY for free speech)")


def _judge(services: Services) -> Iterator[Check]:
    """Only where somebody set one: who judges, and whether a cap in dollars can bind."""
    from trainer.evals.judges.endpoint import Endpoint

    settings = services.settings
    if not (settings.judge_model or settings.judge_base_url or settings.judge_api_key.get_secret_value()):
        return
    judge = Endpoint.of(settings, settings.judge_model or settings.llm_model)
    if not judge.ready:
        fix = "Set TUNESMITH_JUDGE_BASE_URL, or TUNESMITH_JUDGE_API_KEY for OpenAI."
        yield fail("judge", f"{judge.model} has neither an address nor a key", fix)
    elif not judge.priced:
        fix = "Set TUNESMITH_JUDGE_INPUT_USD and TUNESMITH_JUDGE_OUTPUT_USD, unless it is free."
        yield warn("judge", f"{judge.model} at {judge.host}; no prices, so a cap in dollars cannot bind", fix)
    else:
        yield ok("judge", f"{judge.model} at {judge.host}")


def _approvers(services: Services) -> Iterator[Check]:
    settings = services.settings
    if settings.approvers:
        yield ok("approvers", f"{len(settings.approvers)} named")
    elif settings.in_sandbox:
        yield ok("approvers", "none named: in the sandbox, Grace approves")
    else:
        fix = "Set TUNESMITH_APPROVERS=U…,U… to Slack user ids (two or more, so that nobody decides alone)."
        yield warn("approvers", "none named: nobody can promote a model", fix)


def _gpu(_services: Services) -> Iterator[Check]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        yield ok("gpu", "none found: training runs on the CPU, which suits the tiny base")
        return
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        yield warn("gpu", "nvidia-smi does not answer", "Check the driver.")
        return
    found = "; ".join(line.strip() for line in done.stdout.splitlines() if line.strip())
    if done.returncode or not found:
        yield warn("gpu", "nvidia-smi finds no GPU", "Check the driver, and the container's device access.")
    else:
        yield ok("gpu", found)


def _launcher(services: Services) -> Iterator[Check]:
    settings = services.settings
    several = settings.gpus_per_run * settings.nodes_per_run
    spread = f", {settings.gpus_per_run} GPUs on {settings.nodes_per_run} node(s) a run" if several > 1 else ""
    if settings.launcher == "slurm" and (missing := missing_tools()):
        fix = "Run the gpu worker where Slurm jobs are submitted, or set TUNESMITH_LAUNCHER=subprocess."
        yield fail("launcher", f"slurm, but {', '.join(missing)} is not on the PATH", fix)
    elif settings.launcher == "subprocess" and settings.nodes_per_run > 1:
        fix = "Set TUNESMITH_LAUNCHER=slurm, or TUNESMITH_NODES_PER_RUN=1."
        yield fail("launcher", "several nodes a run need a cluster's scheduler", fix)
    else:
        yield ok("launcher", f"{settings.launcher}{spread}")


def _tiny_base(services: Services) -> Iterator[Check]:
    from pathlib import Path

    folder = Path(known_bases(services.settings)[TINY])
    if (folder / "config.json").is_file():
        yield ok("tiny base", "built")
    else:
        yield warn("tiny base", "not built yet; the first job builds it", "tunesmith tiny-base (about 90 s)")


def _hosted(services: Services) -> Iterator[Check]:
    """Dates after which a hosted offer no longer trains or serves; a warning where its API is in use here."""
    settings = services.settings
    in_use = settings.has_llm and not settings.llm_base_url
    for line in notices(datetime.now(UTC).date()):
        if in_use:
            yield warn("hosted models", line, "Plan the move: see docs/operations.md.")
        else:
            yield ok("hosted models", line)


LOOKS: tuple[Callable[[Services], Iterator[Check]], ...] = (
    _python,
    _extras,
    _database,
    _blobs,
    _disk,
    _redis,
    _processes,
    _doors,
    _keys,
    _slack,
    _llm,
    _judge,
    _approvers,
    _gpu,
    _launcher,
    _tiny_base,
    _hosted,
)
