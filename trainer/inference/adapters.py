"""Adapters of every kind beside one base. The base's weights are in memory once, whatever stands beside them.

A batch is answered in as few parts as give every row the answer it would have alone:

- the base itself and plain LoRA together: PEFT picks the matrices row by row;
- virtual tokens (prompt and p-tuning) together: each row's own embeddings are put before its prompt;
- prefixes, and what PEFT applies to whole batches only (IA3, DoRA, trained biases), one adapter at a time; so is
  plain LoRA on a base whose layers see the batch's rows as one (OPT).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trainer.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.inference.decode import Row

Kind = Literal["mixed", "alone", "embeddings", "cache"]


@dataclass(frozen=True, slots=True)
class Worn:
    """An adapter in memory: the PeftModel that holds it, and its name in there."""

    kind: Kind
    model: Any
    inner: str
    virtual_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that one pass of one model answers, and what `decode` must know of them."""

    model: Any
    rows: list[Row]
    options: dict[str, Any]


def does_not_fit(name: str, base: str, error: Exception, kind: str = "") -> BadInput:
    return BadInput(
        f"The adapter “{name}” does not fit base “{Path(base).name}” ({type(error).__name__}).",
        fix=f"Check that it was trained from this very base{kind} and that its folder is whole.",
        code="adapter_does_not_fit",
    )


class Adapters:
    def __init__(self, base: str, model: Any) -> None:
        self.base, self.model = base, model
        self.worn: dict[str, Worn] = {}
        self._mixed: Any = None  # one PeftModel for all plain LoRA
        self._by_row: bool | None = None  # whether it can pick an adapter for each row; None: not tried yet
        self._made = 0

    def add(self, name: str, path: str) -> None:
        """Put an adapter beside the base. One that does not fit leaves everything as it was."""
        from peft import PeftConfig
        from safetensors import SafetensorError

        self._made += 1
        inner = f"a{self._made}"  # dots are not allowed inside PEFT
        try:
            config = PeftConfig.from_pretrained(path)
            self.worn[name] = self._put(config, path, inner)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            raise does_not_fit(name, self.base, error) from error

    def remove(self, name: str) -> None:
        worn = self.worn.pop(name, None)
        if worn is not None and worn.kind == "mixed":
            self._take_off(worn.inner)

    def parts(self, rows: Sequence[Row]) -> Iterator[Part]:
        """The batch in parts; each must be answered before the next is asked for."""
        asked = [self.worn[row.request.adapter].kind if row.request.adapter else "base" for row in rows]
        apart = {"alone", "cache"} | (set() if "mixed" not in asked or self._mixes() else {"mixed"})
        by_kind: dict[Any, list[Row]] = {}
        for kind, row in zip(asked, rows, strict=True):
            by_kind.setdefault((kind, row.request.adapter) if kind in apart else kind, []).append(row)
        if "mixed" in by_kind:
            yield self._row_by_row(by_kind.pop("mixed") + by_kind.pop("base", []))
        for key, alike in by_kind.items():
            yield self._part(key, alike)

    def _mixes(self) -> bool:
        """Whether this base's layers keep the rows of a batch apart, without which PEFT cannot tell whose is whose."""
        import torch

        if self._by_row is None:
            names = [next(iter(self._mixed.peft_config)), "__base__"]
            probe = torch.zeros((2, 2), dtype=torch.long, device=self.model.device)
            try:
                with torch.inference_mode():  # a copy, as PEFT does not clean up behind a pass that fails
                    shared_copy(self._mixed)(input_ids=probe, attention_mask=probe + 1, adapter_names=names)
                self._by_row = True
            except ValueError:
                self._by_row = False
        return self._by_row

    def _row_by_row(self, rows: list[Row]) -> Part:
        names = [self.worn[row.request.adapter].inner if row.request.adapter else "__base__" for row in rows]
        if len(set(names)) > 1:
            return Part(self._mixed, rows, {"adapter_names": names})
        self._mixed.set_adapter(names[0])  # one for all rows needs no per-row bookkeeping
        return Part(self._mixed, rows, {})

    def _part(self, key: Any, rows: list[Row]) -> Part:
        if key == "base":
            return Part(self.model, rows, {})
        worn = [self.worn[row.request.adapter or ""] for row in rows]
        if key == "embeddings":
            return Part(self.model, rows, {"soft": [one.model.get_prompt(1)[0] for one in worn]})
        if key[0] == "mixed":
            return self._row_by_row(rows)
        if key[0] == "cache":
            return Part(self.model, rows, {"prefix": worn[0].model.get_prompt(len(rows))})
        return Part(worn[0].model, rows, {})

    def _put(self, config: Any, path: str, inner: str) -> Worn:
        kind = kind_of(config)
        if kind == "mixed":
            return Worn(kind, self._put_mixed(config, path, inner), inner)
        if kind == "alone":
            bare = shared_copy(self.model, own_biases=getattr(config, "bias", "none") != "none")
            return Worn(kind, _loaded(bare, config, path, inner), inner)
        return Worn(kind, _loaded(self.model, config, path, inner), inner, config.num_virtual_tokens)

    def _put_mixed(self, config: Any, path: str, inner: str) -> Any:
        if self._mixed is None:
            self._mixed = _loaded(shared_copy(self.model), config, path, inner)
            return self._mixed
        try:
            self._mixed.load_adapter(path, adapter_name=inner)
        except Exception:
            if inner in self._mixed.peft_config:
                self._take_off(inner)
            raise
        return self._mixed.eval()

    def _take_off(self, inner: str) -> None:
        if len(self._mixed.peft_config) > 1:
            self._mixed.delete_adapter(inner)
        else:
            self._mixed = None


def kind_of(config: Any) -> Kind:
    """How an adapter with this PeftConfig may share a batch."""
    if config.is_prompt_learning:
        return "cache" if config.peft_type == "PREFIX_TUNING" else "embeddings"
    plain = config.peft_type == "LORA" and config.bias == "none" and not config.modules_to_save
    special = ("use_dora", "trainable_token_indices", "target_parameters", "alora_invocation_tokens")
    return "mixed" if plain and not any(getattr(config, name, None) for name in special) else "alone"


def shared_copy(model: Any, *, own_biases: bool = False) -> Any:
    """The model's modules anew around the same weights, so that an adapter put into the copy does not touch the
    original. `own_biases` for adapters that bring the base's biases as they trained them."""
    tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    kept = {id(t): t for name, t in tensors if not (own_biases and name.endswith("bias"))}
    return copy.deepcopy(model, kept)


def _loaded(bare: Any, config: Any, path: str, inner: str) -> Any:
    from peft import PeftModelForCausalLM

    wrapped = PeftModelForCausalLM(bare, config, adapter_name=inner)
    wrapped.load_adapter(path, adapter_name=inner)
    return wrapped.eval()
