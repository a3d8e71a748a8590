"""Which bases and adapters are in memory. The least recently asked for make room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from trainer.inference.model import Generator


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model by where it lies. An adapter has `adapter_dir`; full weights have `artifact_dir` alone; a
    base has neither."""

    id: str
    base_location: str
    adapter_dir: str | None = None
    artifact_dir: str | None = None

    @property
    def weights(self) -> str:
        """What is loaded as the base."""
        if self.adapter_dir is None and self.artifact_dir is not None:
            return self.artifact_dir
        return self.base_location


@dataclass(slots=True)
class Held:
    """One base in memory, with what runs on it; newest use last."""

    generator: Generator
    ids: dict[str, None] = field(default_factory=dict)
    adapters: OrderedDict[str, str] = field(default_factory=OrderedDict)  # folder → model id


class Pool:
    """Used by one thread, the worker's; `names` may be read from any."""

    def __init__(self, load: Callable[[str], Generator], *, bases: int = 2, adapters: int = 16) -> None:
        self.load, self.most_bases, self.most_adapters = load, bases, adapters
        self._held: OrderedDict[str, Held] = OrderedDict()

    def names(self) -> list[str]:
        """Ids of everything in memory."""
        return [name for held in list(self._held.values()) for name in [*held.ids, *held.adapters.values()]]

    def base(self, ref: ModelRef) -> Generator:
        """The generator of this model's base, loaded where it is not."""
        location = ref.weights
        if location not in self._held:
            while len(self._held) >= self.most_bases:
                self._held.popitem(last=False)
            self._held[location] = Held(self.load(location))
        self._held.move_to_end(location)
        held = self._held[location]
        if ref.adapter_dir is None:
            held.ids[ref.id] = None
        return held.generator

    def adapter(self, ref: ModelRef, needed: Iterable[str]) -> str | None:
        """The adapter's name in the generator; evicts others, but none of `needed` (folders of this
        batch)."""
        if ref.adapter_dir is None:
            return None
        held = self._held[ref.weights]
        if ref.adapter_dir not in held.adapters:
            self._make_room(held, set(needed))
            held.generator.add_adapter(ref.adapter_dir, ref.adapter_dir)
        held.adapters[ref.adapter_dir] = ref.id
        held.adapters.move_to_end(ref.adapter_dir)
        return ref.adapter_dir

    def _make_room(self, held: Held, needed: set[str]) -> None:
        spare = [folder for folder in held.adapters if folder not in needed]
        while len(held.adapters) >= self.most_adapters and spare:
            folder = spare.pop(0)
            held.generator.remove_adapter(folder)
            del held.adapters[folder]
