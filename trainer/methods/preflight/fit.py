"""Whether a run fits into the memory of this machine, and which one change would make it fit. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.bases import TINY, known_bases
from trainer.methods.preflight.verdict import Check
from trainer.methods.shape import LONGEST_DEFAULT

if TYPE_CHECKING:
    from trainer.methods.estimate import Estimate
    from trainer.methods.spec import RunSpec
    from trainer.settings import Settings

Again = Callable[["RunSpec"], "Estimate"]  # estimates the same rows with another spec
MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")
SHORTEST = 256  # tokens below which a shorter length is no advice
SPARE = 0.95  # of the memory, to be filled


def free_ram(meminfo: Path = MEMINFO, group: Path = GROUP) -> int | None:
    """Bytes of main memory that are still to be had: the machine's, or the container's where that is less."""
    told = [_machine(meminfo), _container(group)]
    known = [count for count in told if count is not None]
    return min(known) if known else None


def _machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _container(group: Path) -> int | None:
    try:
        most, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # no such file, or the word “max”
        return None
    return max(0, most - used)


def room(gpu: dict[str, Any] | None) -> int | None:
    """Bytes of the memory that a run will live in: the GPU's, else main memory."""
    return int(gpu["memory_bytes"]) if gpu and gpu.get("memory_bytes") else None if gpu else free_ram()


def fits(made: Estimate, gpu: dict[str, Any] | None) -> bool | None:
    """None where no memory is known."""
    there = room(gpu)
    return made.fits if there is None else made.memory_bytes < SPARE * there


def memory(made: Estimate, gpu: dict[str, Any] | None, advice: Sequence[str] = ()) -> Check:
    """The estimate against the device at hand, with what to change."""
    there, where = room(gpu), str(gpu["name"]) if gpu else "this machine's main memory"
    needed = f"{_gib(made.memory_bytes)} are estimated"
    if there is None:
        return Check("memory", None, f"{needed}; how much {where} has is not known.")
    if fits(made, gpu):
        return Check("memory", True, f"{needed}, {_gib(there)} are there ({where}).")
    parts = ", ".join(f"{name} {_gib(size)}" for name, size in sorted(made.memory.items(), key=lambda p: -p[1])[:3])
    fix = " ".join(advice) or "Nothing that could be changed here would make it fit; use a machine with more memory."
    return Check("memory", False, f"{needed} (most: {parts}), but {where} has {_gib(there)}.", fix=fix)


def advice_to_fit(
    spec: RunSpec,
    made: Estimate,
    gpu: dict[str, Any] | None,
    *,
    again: Again,
    smaller_bases: Sequence[str] = (),
) -> list[str]:
    """What to change so that the run fits, the least loss first; [] where it fits, or where nothing helps.

    Each change is tried alone by estimating anew; where none is enough, those without a price are tried together.
    """
    if fits(made, gpu) is not False:
        return []
    for change, words in _changes(spec, made, smaller_bases):
        tried = _tried(again, spec, change)
        if tried is not None and fits(tried, gpu):
            return [f"{words}: then {_gib(tried.memory_bytes)}."]
    together: dict[str, Any] = {}
    kinds: dict[tuple[str, ...], str] = {}  # of the smaller and smaller batches and lengths, the last one is said
    for change, words in _changes(spec, made, ()):
        together |= change
        kinds[tuple(change)] = words[0].lower() + words[1:]
        tried = _tried(again, spec, together)
        if tried is not None and fits(tried, gpu):
            return [f"Together: {', '.join(kinds.values())}: then {_gib(tried.memory_bytes)}."]
    return []


def judged(
    spec: RunSpec, made: Estimate, gpu: dict[str, Any] | None, *, again: Again, settings: Settings
) -> tuple[Check, Estimate]:
    """Whether the run fits, with what to change where it does not, and the estimate that this is true of: a run that
    leaves gradient_checkpointing open recomputes by itself where memory asks for it."""
    if fits(made, gpu) is not False:
        return memory(made, gpu), made
    if spec.gradient_checkpointing is None:
        saved = again(spec.model_copy(update={"gradient_checkpointing": True}))
        if fits(saved, gpu):
            return memory(saved, gpu), saved
    smaller = _smaller_bases(settings, spec, made, again)
    return memory(made, gpu, advice_to_fit(spec, made, gpu, again=again, smaller_bases=smaller)), made


def _smaller_bases(settings: Settings, spec: RunSpec, made: Estimate, again: Again) -> list[str]:
    """Bases known here that have fewer weights, the largest first."""
    others = [name for name in known_bases(settings) if name not in (spec.base, TINY)]
    tried = {name: _tried(again, spec, {"base": name}) for name in others}
    sizes = {name: found.total_params for name, found in tried.items() if found is not None}
    return sorted((name for name, size in sizes.items() if size < made.total_params), key=lambda name: -sizes[name])


def _changes(spec: RunSpec, made: Estimate, smaller_bases: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    if not spec.gradient_checkpointing:
        yield {"gradient_checkpointing": True}, "Set gradient_checkpointing (the same weights, about a third slower)"
    size = spec.batch_size
    while size > 1:
        size //= 2
        whole = spec.batch_size * spec.gradient_accumulation
        if whole % size == 0:
            change = {"batch_size": size, "gradient_accumulation": whole // size}
            yield change, f"Set batch_size {size} with gradient_accumulation {whole // size} (the same weights)"
    length = spec.max_length or LONGEST_DEFAULT
    while length // 2 >= SHORTEST:
        length //= 2
        yield {"max_length": length}, f"Set max_length {length} (longer rows are cut)"
    if spec.method in ("lora", "full"):
        yield {"method": "qlora"}, "Use method qlora, which holds the base in 4 bits"
    if spec.method == "full":
        yield {"method": "lora"}, "Use method lora"
    for base in smaller_bases:
        yield {"base": base}, f"Use the smaller base {base}"


def _tried(again: Again, spec: RunSpec, change: dict[str, Any]) -> Estimate | None:
    from trainer.errors import TunesmithError

    try:
        return again(spec.model_copy(update=change))
    except TunesmithError:
        return None


def revised(made: Estimate, *, seconds_per_step: float, on_gpu: bool, gpu_hour_usd: float) -> Estimate:
    """The estimate with the time that a real step took: steps × measured, a tenth more for validation, and what
    loading and saving take."""
    from trainer.methods.estimate import START_SECONDS

    seconds = START_SECONDS["gpu" if on_gpu else "cpu"] + 1.1 * made.steps * seconds_per_step
    return replace(made, seconds=round(seconds, 1), cost_usd=round(seconds / 3600 * gpu_hour_usd, 4))


def _gib(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB"
