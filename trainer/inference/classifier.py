"""An encoder and its classifiers, ready to answer: the interface of `trainer.inference.model.Generator`, with a label's
text as the whole answer. The encoder by itself has no labels and answers with nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import NotFound
from trainer.inference import encoders
from trainer.inference.adapters import does_not_fit
from trainer.inference.decode import Row
from trainer.types import GenerateRequest, GenerateResult


def serves(base: str) -> bool:
    """Whether this base (a folder or a hub name) is an encoder or a classifier, so that `load` is here."""
    config = encoders.config_of(base)
    if config is None and not Path(base).is_dir():
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(base, trust_remote_code=False).to_dict()
    return config is not None and (encoders.is_encoder(config) or encoders.has_head(config))


def load(base: str, *, adapters: Mapping[str, str] | None = None, device: str, dtype: Any) -> Classifier:
    """As `trainer.inference.model.load`; `dtype` is torch's."""
    made = Classifier(base, device, dtype)
    for name, path in (adapters or {}).items():
        made.add_adapter(name, path)
    return made


@dataclass(slots=True)
class Choice(Row):
    """A row whose answer is one label, said in one piece."""

    def result(self, tokenizer: Any) -> GenerateResult:
        return GenerateResult(self.text, len(self.prompt), int(bool(self.text)), "stop")


@dataclass(frozen=True, slots=True)
class Head:
    """One classifier: a whole model, its tokenizer as it was trained, its labels by number."""

    model: Any
    tokenizer: Any
    labels: list[str]


@dataclass(slots=True)
class Classifier:
    """Not for several threads at once. Every adapter has its own head; all share the encoder's weights."""

    base: str
    device: str
    dtype: Any
    tokenizer: Any = None
    _heads: dict[str | None, Head] = field(default_factory=dict)
    _shared: dict[str, Any] = field(default_factory=dict)  # the encoder's weights by name

    def __post_init__(self) -> None:
        self.tokenizer = encoders.load_tokenizer(self.base)
        config = encoders.config_of(self.base) or {}
        if encoders.has_head(config):
            self._heads[None] = Head(self._whole(None), self.tokenizer, encoders.labels_of(config))

    @property
    def adapters(self) -> tuple[str, ...]:
        return tuple(name for name in self._heads if name is not None)

    @property
    def context(self) -> int:
        """Tokens that are read of a text; what is longer is cut, as in training."""
        return encoders.reach(self.tokenizer)

    def add_adapter(self, name: str, path: str) -> None:
        """Put a classifier beside the others. One that does not fit leaves them as they were."""
        from safetensors import SafetensorError

        if name in self._heads:
            return
        try:
            config = encoders.config_of(path) or {}
            if not _is_classifier(path) or not encoders.has_head(config):
                raise ValueError("no classifier")
            labels = encoders.labels_of(config)
            self._heads[name] = Head(self._whole(path, labels), encoders.load_tokenizer(path), labels)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise does_not_fit(name, self.base, error, " as a classifier") from error

    def remove_adapter(self, name: str) -> None:
        self._heads.pop(name, None)

    def row(self, request: GenerateRequest, on_text: Callable[[str], None] | None = None) -> Choice:
        """A request, tokenized as it was in training."""
        head = self._heads.get(request.adapter)
        if head is None and request.adapter is not None:
            raise NotFound(f"The adapter “{request.adapter}” is not loaded.", fix="Add it first.")
        tokenizer = head.tokenizer if head else self.tokenizer
        text = encoders.text_of([{"role": m.role, "content": m.content} for m in request.messages])
        prompt = tokenizer(text, truncation=True, max_length=encoders.reach(tokenizer))["input_ids"]
        return Choice(request, prompt, 1, on_text)

    def run(self, rows: Sequence[Row]) -> None:
        """Answer one batch; classifiers may be mixed."""
        for name in dict.fromkeys(row.request.adapter for row in rows):
            mine = [row for row in rows if row.request.adapter == name]
            for row, said in zip(mine, self._choose(self._heads.get(name), mine), strict=True):
                row.text = "" if row.cancelled else said
                row.finish("cancelled" if row.cancelled else "stop")

    def generate(
        self,
        requests: Sequence[GenerateRequest],
        *,
        batch_size: int = 32,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[GenerateResult]:
        """Labels in the order of the requests."""
        rows = [self.row(request) for request in requests]
        for start in range(0, len(rows), batch_size):
            self.run(rows[start : start + batch_size])
            if on_progress:
                on_progress(min(start + batch_size, len(rows)), len(rows))
        return [row.result(self.tokenizer) for row in rows]

    def stream(self, request: GenerateRequest) -> Iterator[str]:
        """The label, in one piece."""
        said = self.generate([request])[0].text
        if said:
            yield said

    def _choose(self, head: Head | None, rows: Sequence[Row]) -> list[str]:
        if head is None:
            return [""] * len(rows)
        import torch

        batch = head.tokenizer.pad({"input_ids": [row.prompt for row in rows]}, return_tensors="pt").to(self.device)
        with torch.inference_mode():
            logits = head.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return [head.labels[at] for at in logits.argmax(dim=-1).tolist()]

    def _whole(self, adapter: str | None, labels: Sequence[str] = ()) -> Any:
        """The base as a sequence classifier, with the adapter where one is named."""
        from transformers import AutoModelForSequenceClassification

        options = {"num_labels": len(labels), "ignore_mismatched_sizes": True} if adapter else {}
        model = AutoModelForSequenceClassification.from_pretrained(
            self.base,
            dtype=self.dtype,
            local_files_only=Path(self.base).is_dir(),
            use_safetensors=True,
            trust_remote_code=False,
            **options,
        )
        model.to(self.device)
        fresh = encoders.head_of(model)
        for name, weight in model.named_parameters():
            if not any(part in fresh for part in name.split(".")):
                weight.data = self._shared.setdefault(name, weight.data)
        if adapter:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, adapter)
        return model.eval()


def _is_classifier(adapter: str) -> bool:
    told = json.loads((Path(adapter) / "adapter_config.json").read_text(encoding="utf-8"))
    return told.get("task_type") == "SEQ_CLS"
