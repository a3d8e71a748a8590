"""A base model and its adapters, ready to answer. One copy of the base's weights serves all adapters."""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import NotFound
from trainer.inference import chat, classifier
from trainer.inference.adapters import Adapters
from trainer.inference.decode import Row, decode
from trainer.inference.extra import quiet_libraries, train_extra
from trainer.inference.voice import Voice, voice
from trainer.types import GenerateRequest, GenerateResult

LONGEST_DEFAULT = 32_768


def load(
    base: str,
    *,
    adapters: Mapping[str, str] | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Generator:
    """A folder or hub name → Generator. `device` defaults to CUDA where there is one, `dtype` to bfloat16
    on CUDA and float32 elsewhere. A fully fine-tuned model is a base of its own."""
    with train_extra("Running a model"):
        import torch
        from transformers import AutoModelForCausalLM, GenerationConfig
    quiet_libraries()
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    kind = getattr(torch, dtype) if dtype else (torch.bfloat16 if where.startswith("cuda") else torch.float32)
    if classifier.serves(base):
        return classifier.load(base, adapters=adapters, device=where, dtype=kind)  # type: ignore[return-value]
    tokenizer = chat.load_tokenizer(base, padding_side="left", template="any")
    model = AutoModelForCausalLM.from_pretrained(
        base,
        dtype=kind,
        local_files_only=Path(base).is_dir(),
        use_safetensors=True,
        trust_remote_code=False,
    )
    model.to(where).eval()  # type: ignore[arg-type]
    ends = chat.end_of_turn_ids(tokenizer, model)
    # The base's own sampling defaults would leak into greedy answers: requests alone decide.
    model.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=tokenizer.pad_token_id)
    generator = Generator(base, model, tokenizer, ends)
    for name, path in (adapters or {}).items():
        generator.add_adapter(name, path)
    return generator


def make_room() -> None:
    """Give back what models held that nobody holds any more, so that another base fits."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass(slots=True)
class Generator:
    """Not for several threads at once: give each base one thread that works through batches."""

    base: str
    model: Any
    tokenizer: Any
    ends: list[int]
    _worn: Adapters
    _voices: dict[str, Voice]

    def __init__(self, base: str, model: Any, tokenizer: Any, ends: list[int]) -> None:
        self.base, self.model, self.tokenizer, self.ends = base, model, tokenizer, ends
        self._worn = Adapters(base, model)
        self._voices = {}  # adapter name → how it is asked, where it was trained with a template of its own

    @property
    def adapters(self) -> tuple[str, ...]:
        return tuple(self._worn.worn)

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may have together."""
        told = [self.tokenizer.model_max_length, getattr(self.model.config, "max_position_embeddings", None)]
        return min([int(n) for n in told if n and n < 10**9] or [LONGEST_DEFAULT])

    def room(self, adapter: str | None) -> int:
        """The context less the adapter's virtual tokens."""
        return self.context - (self._worn.worn[adapter].virtual_tokens if adapter else 0)

    def add_adapter(self, name: str, path: str) -> None:
        """Put an adapter of any kind beside the base. One that does not fit leaves the base as it was."""
        if name in self._worn.worn:
            return
        self._worn.add(name, path)
        if own := voice(self.tokenizer, path):
            self._voices[name] = own

    def remove_adapter(self, name: str) -> None:
        self._voices.pop(name, None)
        self._worn.remove(name)

    def row(self, request: GenerateRequest, on_text: Callable[[str], None] | None = None) -> Row:
        """A request, tokenized and checked. A limit below 1 means that the prompt leaves no room for an
        answer."""
        if request.adapter is not None and request.adapter not in self._worn.worn:
            raise NotFound(f"The adapter “{request.adapter}” is not loaded.", fix="Add it first.")
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        own = self._voices.get(request.adapter or "")
        prompt = chat.prompt_ids(own.tokenizer if own else self.tokenizer, messages)
        return Row(request, prompt, min(request.max_tokens, self.room(request.adapter) - len(prompt)), on_text)

    def run(self, rows: Sequence[Row]) -> None:
        """Answer one batch; adapters may be mixed."""
        for part in self._worn.parts(rows):
            voices = [
                v for name in {row.request.adapter for row in part.rows} if name and (v := self._voices.get(name))
            ]
            ends = [*self.ends, *(end for own in voices for end in own.ends)]
            decode(part.model, self.tokenizer, part.rows, ends, **part.options)

    def generate(
        self,
        requests: Sequence[GenerateRequest],
        *,
        batch_size: int = 32,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[GenerateResult]:
        """Answers in the order of the requests. A prompt that fills the context gets an empty answer,
        "length"."""
        rows = [self.row(request) for request in requests]
        able = [row for row in rows if row.limit >= 1]
        able.sort(key=lambda row: len(row.prompt))
        for start in range(0, len(able), batch_size):
            self.run(able[start : start + batch_size])
            if on_progress:
                on_progress(min(start + batch_size, len(able)), len(rows))
        for row in rows:
            row.reason = row.reason or "length"
        return [row.result(self.tokenizer) for row in rows]

    def stream(self, request: GenerateRequest) -> Iterator[str]:
        """The answer as it grows. Closing the iterator stops the model after its current token."""
        pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        row = self.row(request, on_text=pieces.put)
        if row.limit < 1:
            return
        threading.Thread(target=self._run_into, args=(row, pieces), daemon=True).start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            row.cancelled = True

    def _run_into(self, row: Row, pieces: queue.SimpleQueue[str | BaseException | None]) -> None:
        try:
            self.run([row])
            pieces.put(None)
        except Exception as error:  # handed to the thread that reads
            pieces.put(error)
