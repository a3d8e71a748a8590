"""How large a base is: the matrices of a layer, and everything beside them; and what an adapter adds. No torch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LONGEST_DEFAULT = 2048
P_TUNING_WIDTH = 128  # of the network that writes p-tuning's virtual tokens
# What keys and values are called, fused with the queries or not (k_proj, query_key_value, c_attn, Wqkv …).
KEYS_AND_VALUES = re.compile(r"(^|_)(k|v|kv|key|value|values|qkv|c_attn|Wqkv|in_proj|query_key_value)(_|$)")


@dataclass(frozen=True, slots=True)
class Shape:
    """`linears` holds (inputs, outputs) of one layer's matrices by name; `beside` what else a layer has (norms and
    biases), `outside` what stands outside the layers besides the token embeddings and the output layer. `attended`
    is the width of all heads together, `kept` that of the keys, `inner` the feed-forward's."""

    layers: int
    hidden: int
    vocab: int
    context: int
    tied: bool
    linears: dict[str, tuple[int, int]]
    beside: int = 0
    outside: int = 0
    embedded: int = 0  # width of token embeddings where it is not `hidden`
    attended: int = 0
    kept: int = 0
    inner: int = 0
    encoder: bool = False
    back: frozenset[str] = field(default_factory=frozenset)  # the feed-forward's way back to `hidden`

    @property
    def linear_parameters(self) -> int:
        return self.layers * sum(a * b for a, b in self.linears.values())

    @property
    def embedding_parameters(self) -> int:
        width = self.embedded or self.hidden
        return self.vocab * width * (1 if self.tied or self.encoder else 2)

    @property
    def parameters(self) -> int:
        return self.linear_parameters + self.embedding_parameters + self.layers * self.beside + self.outside

    def lora_parameters(self, rank: int, targets: tuple[str, ...] | None, *, dora: bool = False) -> int:
        chosen = [size for name, size in self.linears.items() if targets is None or _named(name, targets)]
        return self.layers * sum(rank * (a + b) + (b if dora else 0) for a, b in chosen)

    def ia3_parameters(self, targets: tuple[str, ...] | None) -> int:
        count = 0
        for name, (inputs, outputs) in self.linears.items():
            if targets is not None and not _named(name, targets):
                continue
            if name in self.back:
                count += inputs
            elif targets is not None or KEYS_AND_VALUES.search(name.rpartition(".")[2]):
                count += outputs
        return self.layers * count

    def virtual_parameters(self, method: str, tokens: int) -> int:
        """Of prefix, prompt and p-tuning."""
        if method == "prefix":
            return tokens * self.layers * 2 * self.kept
        if method == "prompt":
            return tokens * self.hidden
        wide = P_TUNING_WIDTH
        network = self.hidden * wide + wide + wide * wide + wide + wide * self.hidden + self.hidden
        return tokens * self.hidden + network


def _named(name: str, targets: tuple[str, ...]) -> bool:
    return any(name == target or name.endswith("." + target) for target in targets)
