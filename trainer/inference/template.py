"""Chat templates beside the base's own: the guides' instruction template; which template a folder was saved with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trainer.errors import BadInput

# Marks in what people say are broken up by an invisible word joiner, as control tokens are: a message must not be able
# to speak as the assistant. The answer's end is inside the marked part, so that the model learns to stop.
INSTRUCTION = r"""
{%- macro said(text) -%}
{{ text | trim | replace('### Response:', '##\u2060# Response:')
   | replace('### Instruction:', '##\u2060# Instruction:') }}
{%- endmacro -%}
{{- BOS -}}
{%- for message in messages -%}
{%- if message['role'] in ['system', 'developer'] -%}
{{ said(message['content']) + '\n\n' }}
{%- elif message['role'] == 'user' -%}
{{ '### Instruction:\n' + said(message['content']) + '\n\n' }}
{%- elif message['role'] == 'assistant' -%}
{{ '### Response:\n' }}
{%- generation -%}
{{ message['content'] | trim + eos_token }}
{%- endgeneration -%}
{%- if not loop.last -%}{{ '\n\n' }}{%- endif -%}
{%- else -%}
{{ raise_exception('the instruction template knows system, user and assistant, not ' + message['role']) }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '### Response:\n' }}{%- endif -%}
""".strip()


def instruct(tokenizer: Any) -> Any:
    """The same tokenizer, now writing conversations as `### Instruction: … ### Response: …`, each answer ended by its
    end-of-sequence token. Raises BadInput where it has none."""
    if not tokenizer.eos_token:
        raise BadInput(
            "This base model's tokenizer has no end-of-sequence token, so a model could never learn to stop.",
            fix="Choose another base, or name an eos_token in its tokenizer_config.json.",
            code="no_end_token",
            param="template",
        )
    begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]  # some bases read one ahead of every text
    tokenizer.chat_template = INSTRUCTION.replace("{{- BOS -}}", "{{- bos_token -}}" if begins else "")
    return tokenizer


def saved_with(folder: str | Path) -> str | None:
    """The chat template that lies in a model's or adapter's folder; None where none does."""
    path = Path(folder)
    if (path / "chat_template.jinja").is_file():
        return (path / "chat_template.jinja").read_text(encoding="utf-8")
    try:
        told = json.loads((path / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template")
    except (OSError, ValueError, AttributeError):
        return None
    return told if isinstance(told, str) else None
