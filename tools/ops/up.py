"""`tunesmith up`: start everything, say when each part is ready, watch it, and stop it in order."""

from __future__ import annotations

import fcntl
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tools.ops.procfile import BUNDLED, Plan, plan, read_procfile
from tools.ops.readiness import gateway_url, port_taken, ports_wanted, probe_of
from tools.ops.supervisord import State, Supervisor, last_lines, running
from trainer.errors import BadInput, TunesmithError, Unavailable
from trainer.services import Services, build_services
from trainer.settings import Settings

READY_S = 180.0
POLL_S = 0.1
WATCH_S = 1.0
FIRST = ("redis", "sandbox")  # others connect to these as they start
MANY_RESTARTS, WITHIN_S = 5, 60.0
GOOD, FAILED = 0, 1


class KeepsDying(TunesmithError):
    """A process cannot be kept alive."""

    kind = "process"


@dataclass
class Stop:
    """What the signals asked for: once is politely, twice is at once."""

    asked: int = 0

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked += 1


@dataclass
class House:
    """The processes of one `tunesmith up`."""

    settings: Settings
    plan: Plan
    services: Services
    supervisor: Supervisor
    stop: Stop
    home: Path
    pids: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, deque[float]] = field(default_factory=dict)


def run(settings: Settings, *, procfile: Path | None = None) -> int:
    """Run the Procfile until told to stop; the exit code."""
    chosen = plan(settings, read_procfile(procfile or BUNDLED))
    home = settings.home.absolute()
    with _alone(home), _signals() as stop, build_services(settings) as services:
        _check_ports(settings, chosen)
        services.db.migrate()
        for note in chosen.notes:
            tell(note)
        with running(chosen, home) as supervisor:
            house = House(settings, chosen, services, supervisor, stop, home)
            trouble = _live(house)
            _stop_all(house)
    if trouble is None:
        tell("Stopped.")
        return GOOD
    tell(f"{trouble}\nEverything is stopped.")
    return FAILED


def tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the terminal is this command's page


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One `up` a home: two would share a database of queues and each other's sockets."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(
                f"Tunesmith already runs from {home}.",
                fix="Stop it first, or set TUNESMITH_HOME to another folder.",
                code="already_up",
            ) from None
        yield


@contextmanager
def _signals() -> Iterator[Stop]:
    stop = Stop()
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, stop) for name in names}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _check_ports(settings: Settings, chosen: Plan) -> None:
    for name, (host, port, variable) in ports_wanted(settings, chosen.names).items():
        if port_taken(host, port):
            raise BadInput(
                f"Port {port} on {host}, which {name} wants, is in use.",
                fix=f"Stop what uses it, or set {variable} to a free port. Nothing was started.",
                code="port_in_use",
            )


def _live(house: House) -> KeepsDying | None:
    """Until told to stop (None), or until something cannot go on."""
    began = time.monotonic()
    try:
        _wait_for_supervisor(house)
        for stage in _stages(house.plan):
            _bring_up(house, stage, began)
        if not house.stop.asked:
            _announce(house, time.monotonic() - began)
        _watch(house)
    except KeepsDying as error:
        return error
    return None


def _stages(chosen: Plan) -> list[list[str]]:
    first = [name for name in chosen.names if name in FIRST]
    return [first, [name for name in chosen.names if name not in FIRST]]


def _wait_for_supervisor(house: House) -> None:
    deadline = time.monotonic() + 20
    while not house.stop.asked:
        try:
            house.supervisor.states()
            return
        except Unavailable:
            if house.supervisor.dead or time.monotonic() > deadline:
                log = house.home / "logs" / "supervisord.out"
                raise KeepsDying("The supervisor did not start.", fix=f"Its words are in {log}.") from None
        time.sleep(POLL_S)


def _bring_up(house: House, names: list[str], began: float) -> None:
    """Start these and wait for each, telling the seconds since the start."""
    for name in names:
        house.supervisor.start(name)
    waiting = list(names)
    deadline = time.monotonic() + READY_S
    while waiting and not house.stop.asked:
        states = _states(house)
        for name in list(waiting):
            if _ready(house, states[name]):
                waiting.remove(name)
                house.pids[name] = states[name].pid
                tell(f"ready  {name:<11} {time.monotonic() - began:5.1f} s")
        if waiting and time.monotonic() > deadline:
            raise _complaint(house, waiting[0], f"was not ready after {READY_S:.0f} s")
        time.sleep(POLL_S)


def _ready(house: House, state: State) -> bool:
    if state.state == "FATAL":
        raise _complaint(house, state.name, "keeps dying")
    probe = probe_of(state.name)
    if probe is None:
        return state.state == "RUNNING"
    return state.state in ("STARTING", "RUNNING") and probe(house.services, state.pid)


def _states(house: House) -> dict[str, State]:
    try:
        return house.supervisor.states()
    except Unavailable:
        if house.supervisor.dead:
            raise KeepsDying("The supervisor died, and every process with it.", fix="Start again.") from None
        return {name: State(name, "UNKNOWN", 0, "") for name in house.plan.names}


def _complaint(house: House, name: str, what: str) -> KeepsDying:
    lines = "\n".join(f"  {line}" for line in last_lines(house.home, name)) or "  (it said nothing)"
    log = house.home / "logs" / f"{name}.log"
    return KeepsDying(f"{name} {what}. The end of its log ({log}):\n{lines}")


def _announce(house: House, seconds: float) -> None:
    tell(f"Ready in {seconds:.1f} s")
    if "sandbox" in house.plan.names:
        tell(f"Slack sandbox: http://127.0.0.1:{house.settings.sandbox_port}/")
    if "gateway" in house.plan.names:
        tell(f"Gateway: {gateway_url(house.settings)}/v1 (make a key with: tunesmith keys create NAME)")
    tell(f"Logs: {house.home / 'logs'}. Ctrl-C stops everything.")


def _watch(house: House) -> None:
    """Until told to stop: say who died and came back, and give up on what cannot live."""
    while not house.stop.asked:
        for state in _states(house).values():
            if state.state == "FATAL":
                raise _complaint(house, state.name, "keeps dying")
            if state.state == "RUNNING" and state.pid != house.pids.get(state.name):
                _count_restart(house, state)
        _sleep_unless(house.stop, WATCH_S)


def _count_restart(house: House, state: State) -> None:
    house.pids[state.name] = state.pid
    times = house.restarts.setdefault(state.name, deque())
    now = time.monotonic()
    times.append(now)
    while now - times[0] > WITHIN_S:
        times.popleft()
    if len(times) >= MANY_RESTARTS:
        raise _complaint(house, state.name, f"died {len(times)} times within {WITHIN_S:.0f} s")
    tell(f"{state.name} died and was started again (pid {state.pid}).")


def _sleep_unless(stop: Stop, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not stop.asked and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _stop_all(house: House) -> None:
    """In reverse order; a training job writes its checkpoint first. A second signal ends it at once."""
    if house.supervisor.dead:
        return
    tell("Stopping; a running job writes a checkpoint first. Press Ctrl-C again to stop at once.")
    asked = house.stop.asked
    house.supervisor.ask_to_stop()
    while not house.supervisor.dead:
        if house.stop.asked > asked:
            house.supervisor.kill()
            tell("Stopped at once; jobs go on from their last checkpoint at the next start.")
            return
        time.sleep(POLL_S)
