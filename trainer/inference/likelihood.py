"""How likely a model finds an answer that is given: the negative log-likelihood of its tokens after the prompt, as the
validation loss counts it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainer.inference import chat
from trainer.inference.decode import Row
from trainer.types import GenerateRequest

TOKENS_AT_ONCE = 2048  # their logits are held over the whole vocabulary


@dataclass(slots=True)
class Given(Row):
    """A conversation with its answer, and which of its tokens the answer is."""

    said: list[int] = field(default_factory=list)  # places in `prompt`
    place: int = 0


def nats(
    generator: Any, requests: Sequence[GenerateRequest], expected: Sequence[str | None]
) -> list[tuple[float | None, int]]:
    """(nats, tokens) of each expected answer with the end of its turn, natural logarithms summed over its tokens.
    (None, 0) where there is none, where the conversation exceeds the context, and for models that choose labels.
    Adapters may be mixed, as in `Generator.run`."""
    found: list[tuple[float | None, int]] = [(None, 0)] * len(requests)
    if not hasattr(generator, "room"):
        return found
    for batch in _batches(_given(generator, requests, expected)):
        for part in generator._worn.parts(batch):
            for row, sum_of in zip(part.rows, _sums(generator, part), strict=True):
                found[row.place] = sum_of, len(row.said)
    return found


def _given(generator: Any, requests: Sequence[GenerateRequest], expected: Sequence[str | None]) -> Iterator[Given]:
    for place, (request, answer) in enumerate(zip(requests, expected, strict=True)):
        if not answer:
            continue
        own = generator._voices.get(request.adapter or "")
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        whole = chat.spoken(own.tokenizer if own else generator.tokenizer, [*messages, _assistant(answer)])
        last = max(whole.turns)
        said = [at for at, turn in enumerate(whole.turns) if turn == last >= 0]
        if said and len(whole.ids) <= generator.room(request.adapter):
            yield Given(request, whole.ids, 0, said=said, place=place)


def _assistant(answer: str) -> dict[str, str]:
    return {"role": "assistant", "content": answer}


def _batches(rows: Iterator[Given]) -> Iterator[list[Given]]:
    """Rows of like length together, padding included in what may be held at once."""
    batch: list[Given] = []
    for row in sorted(rows, key=lambda row: len(row.prompt)):
        if batch and len(row.prompt) * (len(batch) + 1) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _sums(generator: Any, part: Any) -> list[float]:
    import torch

    with torch.inference_mode():
        soft = part.options.get("soft", ())
        logits = part.model(**(_embedded(part, soft) if soft else _read(generator, part))).logits
        virtual = [len(one) for one in soft] or [0] * len(part.rows)
        return [_sum(logits[at], row, virtual[at]) for at, row in enumerate(part.rows)]


def _read(generator: Any, part: Any) -> dict[str, Any]:
    """Conversations padded on the right, so that positions count from the start; a prefix counts as read."""
    import torch

    options, device = dict(part.options), part.model.device
    prefix = options.pop("prefix", None)
    width, known = max(len(row.prompt) for row in part.rows), prefix.get_seq_length() if prefix else 0
    pad = generator.tokenizer.pad_token_id
    ids = [row.prompt + [pad] * (width - len(row.prompt)) for row in part.rows]
    mask = [[1] * (known + len(row.prompt)) + [0] * (width - len(row.prompt)) for row in part.rows]
    options["input_ids"] = torch.tensor(ids, device=device)
    options["attention_mask"] = torch.tensor(mask, device=device)
    return {**options, "past_key_values": prefix} if prefix else {**options, "use_cache": False}


def _embedded(part: Any, soft: Sequence[Any]) -> dict[str, Any]:
    """Virtual tokens and conversations as embeddings, padded behind both."""
    import torch

    embed, device = part.model.get_input_embeddings(), part.model.device
    read = [embed(torch.tensor(row.prompt, device=device)) for row in part.rows]
    whole = [torch.cat([own.to(words), words]) for own, words in zip(soft, read, strict=True)]
    width = max(map(len, whole))
    mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in whole], device=device)
    padded = [torch.nn.functional.pad(one, (0, 0, 0, width - len(one))) for one in whole]
    return {"inputs_embeds": torch.stack(padded), "attention_mask": mask, "use_cache": False}


def _sum(logits: Any, row: Given, virtual: int) -> float:
    """A token's probability stands where the one before it was read."""
    import torch

    at = torch.tensor(row.said, device=logits.device)
    told = logits[at + virtual - 1].float()
    tokens = torch.tensor(row.prompt, device=logits.device)[at]
    return float((told.logsumexp(dim=-1) - told.gather(1, tokens[:, None])[:, 0]).sum())
