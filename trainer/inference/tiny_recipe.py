"""What decides the tiny base's weights, known without torch: its name in the cache comes from here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from trainer.inference import tiny_tasks

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'assistant' %}<|assistant|>"
    "{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}"
    "{% elif m['role'] in ('system', 'developer') %}<|system|>{{ m['content'] }}<|end|>"
    "{% elif m['role'] in ('user', 'tool') %}<|user|>{{ m['content'] }}<|end|>"
    "{% else %}{{ raise_exception('unknown role') }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights. Change a value and the base gets another name."""

    version: int = 1
    layers: int = 4
    width: int = 192
    heads: int = 6
    mlp: int = 512
    vocab: int = 1536
    context: int = 512
    steps: int = 500
    batch: int = 64
    learning_rate: float = 2e-3
    warmup: int = 50
    init: float = 0.05  # a narrow model learns to copy much sooner than from the usual 0.02
    seed: int = 7
    threads: int = 2
    suite_rows: int = 300
    replay_rows: int = 480
    tasks: tuple[str, ...] = tuple(tiny_tasks.TASKS)

    def digest(self) -> str:
        """Names the cache folder. Library versions stay out: a door without them must find the same
        folder."""
        items = tiny_tasks.stream(self.seed)
        told = [asdict(self), CHAT_TEMPLATE, [next(items).row() for _ in range(200)], tiny_tasks.OFFICE]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def llama_config(self) -> dict[str, Any]:
        """What config.json will say of its shape; known before the base is built."""
        return {
            "vocab_size": self.vocab,
            "hidden_size": self.width,
            "intermediate_size": self.mlp,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "max_position_embeddings": self.context,
            "tie_word_embeddings": True,
        }


RECIPE = Recipe()
