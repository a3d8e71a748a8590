"""One batch of answers in the making: per-row sampling, stop strings, limits, cancellation and text as it
grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainer.types import GenerateRequest, GenerateResult

UNFINISHED_CHARACTER = "\ufffd"  # what a decoder writes for half of a multi-byte character


@dataclass(slots=True)
class Row:
    """One request in a batch. `on_text` gets the answer piece by piece; set `cancelled` from any thread to
    stop it."""

    request: GenerateRequest
    prompt: list[int]
    limit: int
    on_text: Callable[[str], None] | None = None
    on_done: Callable[[Row], None] | None = None
    cancelled: bool = False
    tokens: list[int] = field(default_factory=list)
    text: str = ""  # as decoded so far; only kept where stop strings or a stream need it
    reason: str = ""
    _sent: int = 0
    _from: int = 0
    _read: int = 0

    @property
    def done(self) -> bool:
        return bool(self.reason)

    @property
    def watches_text(self) -> bool:
        return self.on_text is not None or bool(self.request.stop)

    def take(self, token: int, ends: frozenset[int], tokenizer: Any) -> None:
        """The next token of this row."""
        if self.cancelled:
            self.finish("cancelled")
            return
        self.tokens.append(token)
        if token in ends:
            self.reason = "stop"
        elif len(self.tokens) >= self.limit:
            self.reason = "length"
        if self.watches_text:
            self._grow(tokenizer)
        if self.done:
            self.finish(self.reason)

    def finish(self, reason: str) -> None:
        """Nothing more will come; what was held back is sent."""
        self.reason = reason
        self._send(len(self.text))
        if self.on_done is not None:
            self.on_done(self)

    def result(self, tokenizer: Any) -> GenerateResult:
        text = self.text if self.request.stop else tokenizer.decode(self.tokens, skip_special_tokens=True)
        return GenerateResult(text, len(self.prompt), len(self.tokens), "length" if self.reason == "length" else "stop")

    def _grow(self, tokenizer: Any) -> None:
        """Decode only the newest tokens, with the ones before them as context."""
        known = tokenizer.decode(self.tokens[self._from : self._read], skip_special_tokens=True)
        longer = tokenizer.decode(self.tokens[self._from :], skip_special_tokens=True)
        if longer.endswith(UNFINISHED_CHARACTER) and not self.done:
            return
        self.text += longer[len(known) :]
        self._from, self._read = self._read, len(self.tokens)
        cut = self._stop_at()
        if cut >= 0:
            self.text, self.reason = self.text[:cut], "stop"
        elif not self.done:
            self._send(len(self.text) - self._held_back())

    def _stop_at(self) -> int:
        found = [at for at in (self.text.find(stop) for stop in self.request.stop) if at >= 0]
        return min(found, default=-1)

    def _held_back(self) -> int:
        """Characters at the end that may yet turn out to begin a stop string."""
        longest = max((len(stop) for stop in self.request.stop), default=1) - 1
        for size in range(min(longest, len(self.text)), 0, -1):
            if any(stop.startswith(self.text[-size:]) for stop in self.request.stop):
                return size
        return 0

    def _send(self, until: int) -> None:
        if self.on_text is not None and until > self._sent:
            self.on_text(self.text[self._sent : until])
            self._sent = until


def decode(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Row],
    ends: Sequence[int],
    *,
    soft: Sequence[Any] = (),
    prefix: Any = None,
    **options: Any,
) -> None:
    """Fill every row's answer. One call of the model's own `generate`, watched and steered token by token.

    `soft`: embeddings [virtual tokens, hidden] of each row, read before its prompt. `prefix`: a cache of what stands
    before every prompt, one entry for each row; it is used up.
    """
    import torch

    with torch.inference_mode():
        model.generate(
            **(_embedded(model, rows, soft) if soft else _padded(model, tokenizer.pad_token_id, rows, prefix)),
            max_new_tokens=max(row.limit for row in rows),
            do_sample=False,  # the chooser samples, so that rows may differ in temperature and seed
            logits_processor=[Chooser(rows)],
            stopping_criteria=[Watcher(rows, frozenset(ends), tokenizer)],
            **options,
        )
    for row in rows:
        if not row.done:
            row.finish("length")


def _padded(model: Any, pad: int, rows: Sequence[Row], prefix: Any = None) -> dict[str, Any]:
    """Prompts padded on the left. What a prefix holds counts as read: `generate` takes as many tokens as the cache is
    long for known, and positions go on from them."""
    import torch

    width, known = max(len(row.prompt) for row in rows), prefix.get_seq_length() if prefix else 0
    ids = [[pad] * (known + width - len(r.prompt)) + r.prompt for r in rows]
    mask = [[1] * known + [0] * (width - len(r.prompt)) + [1] * len(r.prompt) for r in rows]
    inputs = {
        "input_ids": torch.tensor(ids, device=model.device),
        "attention_mask": torch.tensor(mask, device=model.device),
    }
    return inputs | ({"past_key_values": prefix} if prefix else {})


def _embedded(model: Any, rows: Sequence[Row], soft: Sequence[Any]) -> dict[str, Any]:
    """Virtual tokens and prompts as embeddings, padded before both."""
    import torch

    embed = model.get_input_embeddings()
    read = [embed(torch.tensor(row.prompt, device=model.device)) for row in rows]
    whole = [torch.cat([own.to(words), words]) for own, words in zip(soft, read, strict=True)]
    width = max(len(one) for one in whole)
    mask = [[0] * (width - len(one)) + [1] * len(one) for one in whole]
    padded = [torch.nn.functional.pad(one, (0, 0, width - len(one), 0)) for one in whole]
    return {"inputs_embeds": torch.stack(padded), "attention_mask": torch.tensor(mask, device=model.device)}


class Watcher:
    """A stopping criterion that hands each new token to its row and ends the batch when every row is done."""

    def __init__(self, rows: Sequence[Row], ends: frozenset[int], tokenizer: Any) -> None:
        self.rows, self.ends, self.tokenizer = rows, ends, tokenizer

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        for row, token in zip(self.rows, input_ids[:, -1].tolist(), strict=True):
            if not row.done:
                row.take(token, self.ends, self.tokenizer)
        return torch.tensor([row.done for row in self.rows], device=input_ids.device)


class Chooser:
    """A logits processor that samples for the rows with a temperature and leaves the greedy ones alone."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.generators = [_generator(row.request) for row in rows]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        for at, row in enumerate(self.rows):
            if row.request.temperature > 0 and not row.done:
                chosen = sample(scores[at], row.request, self.generators[at])
                scores[at] = float("-inf")
                scores[at, chosen] = 0.0
        return scores


def sample(logits: Any, request: GenerateRequest, generator: Any) -> int:
    """One token from the smallest set whose probability reaches top_p, at the request's temperature."""
    import torch

    shares = torch.softmax(logits.float().cpu() / request.temperature, dim=-1)
    ordered, tokens = torch.sort(shares, descending=True)
    before = torch.cumsum(ordered, dim=-1) - ordered
    ordered[before >= request.top_p] = 0.0
    ordered[0] = torch.clamp(ordered[0], min=1e-12)
    return int(tokens[torch.multinomial(ordered, 1, generator=generator)])


def _generator(request: GenerateRequest) -> Any:
    import torch

    generator = torch.Generator()
    if request.seed is None:
        generator.seed()
    else:
        generator.manual_seed(request.seed)
    return generator
