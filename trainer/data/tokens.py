"""How many tokens a row becomes: by the base's own tokenizer where its folder is here, else by a rule of thumb.

A chat row is counted as the base's chat template writes it. Where it cannot be rendered, its texts are counted and
what the template writes around a message is added: measured once, or taken as `OVERHEAD` tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.bases import resolve_base
from trainer.errors import TunesmithError
from trainer.settings import Settings

BYTES_PER_TOKEN = 4
RULE_ERROR = 0.3  # of the rule of thumb: English prose is near 4 bytes a token, code and other languages are not
OVERHEAD = 4.0  # tokens around a message, where the template cannot be rendered
LONGEST_DEFAULT = 2048  # a run's max_length where the spec names none; a shorter context wins
SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts texts. `limit` is how many tokens of a row a run with default settings takes in; None for unknown."""

    base: str  # as it was asked for
    exact: bool
    how: str
    a_message: float = OVERHEAD
    a_row: float = 0.0
    limit: int | None = None
    tokenizer: Any = None
    template: Any = None

    def written(self, chat: dict[str, Any]) -> str | None:
        """A row in OpenAI's chat format as the template writes it; None where there is none, or it refuses."""
        try:
            return _render(self.template, chat) if self.template else None
        except Exception:  # a template is a stranger's program
            return None

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without what a template adds."""
        clean = [text.encode("utf-8", "replace") for text in texts]
        if self.tokenizer is None:
            return [-(-len(text) // BYTES_PER_TOKEN) for text in clean]
        told = [text.decode("utf-8") for text in clean]
        return [len(found.ids) for found in self.tokenizer.encode_batch_fast(told, add_special_tokens=False)]

    def around(self, messages: int) -> float:
        """Tokens that the template writes around so many messages."""
        return self.a_row + self.a_message * messages


def load_counter(base: str | None, settings: Settings) -> Counter:
    """The counter for a base by name or folder; a rule of thumb where its tokenizer is not here. Raises nothing."""
    folder = _folder(base, settings) if base else None
    tokenizer = _tokenizer(folder) if folder else None
    if not folder or tokenizer is None:
        why = f"the tokenizer of {base} is not here" if base else "no base was named"
        how = f"{BYTES_PER_TOKEN} bytes a token, a rule of thumb (± {RULE_ERROR:.0%}): {why}"
        return Counter(base or "", exact=False, how=how, limit=_limit(folder) if folder else None)
    template = _template(folder)
    a_message, a_row, measured = _overhead(template, tokenizer)
    how = f"the tokenizer of {base}, " + (
        "with its chat template" if measured else f"and {a_message:g} tokens a message for its chat template, assumed"
    )
    return Counter(base or "", True, how, a_message, a_row, _limit(folder), tokenizer, template if measured else None)


def _folder(base: str, settings: Settings) -> Path | None:
    try:
        return resolve_base(base, settings).folder
    except TunesmithError:
        path = Path(base)
        return path if "\0" not in base and (path / "tokenizer.json").is_file() else None


def _tokenizer(folder: Path) -> Any:
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # the library raises bare Exception; a broken file means: estimate
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _limit(folder: Path) -> int | None:
    from trainer.methods.spec import RunSpec

    config = _json(folder / "config.json")
    context = (config.get("text_config") or config).get("max_position_embeddings")
    longest = RunSpec().max_length or LONGEST_DEFAULT
    return min(longest, context) if isinstance(context, int) and context > 0 else longest


def _overhead(template: Any, tokenizer: Any) -> tuple[float, float, bool]:
    """(tokens a message, tokens a row besides, whether measured), from conversations of one and of two rounds."""
    said = [{"role": "user", "content": "day"}, {"role": "assistant", "content": "night"}]
    try:
        one, two = (_render(template, {"messages": said * rounds}) for rounds in (1, 2))
        first, second, *texts = (
            len(tokenizer.encode(t, add_special_tokens=False).ids) for t in (one, two, "day", "night")
        )
    except Exception:  # whatever the template does, there is a default
        return OVERHEAD, 0.0, False
    a_message = (second - first - sum(texts)) / 2
    a_row = first - sum(texts) - 2 * a_message
    return (a_message, max(0.0, a_row), True) if 0 <= a_message < 100 else (OVERHEAD, 0.0, False)


def _template(folder: Path) -> Any:
    """The chat template, compiled in a sandbox; None where there is none that can be."""
    try:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        config = _json(folder / "tokenizer_config.json")
        file = folder / "chat_template.jinja"
        text = file.read_text(encoding="utf-8") if file.is_file() else config["chat_template"]
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _tojson
        environment.globals |= {"strftime_now": lambda _: "01 Jan 2026", "raise_exception": _refuse}
        return environment.from_string(_ungenerated(text), {name: _text(config.get(name)) for name in SPECIAL})
    except Exception:  # no jinja2, no template, or one that is broken: texts are counted
        return None


def lacks_template(folder: Path) -> bool:
    """Whether a base's folder certainly holds no chat template, in any of the places where transformers looks."""
    config = _json(folder / "tokenizer_config.json")
    found = any(folder.glob("chat_template.*")) or any(folder.glob("additional_chat_templates/*"))
    return bool(config) and not config.get("chat_template") and not found


def _render(template: Any, chat: dict[str, Any]) -> str:
    return template.render(messages=[_plain(m) for m in chat["messages"]], tools=chat.get("tools"))


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """As the trainer gives it to a template: parts joined, arguments of calls as values."""
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    plain = {key: value for key, value in message.items() if key not in ("weight", "metadata") and value is not None}
    if calls := message.get("tool_calls"):
        plain["tool_calls"] = [_opened(call) for call in calls]
    return plain | {"content": content}


def _opened(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return call | {"function": function | {"arguments": json.loads(function["arguments"])}}


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise ValueError(message)


def _ungenerated(template: str) -> str:
    """Without the marks of what the assistant says, which only the trainer's own renderer knows."""
    return re.sub(r"\{%-?\s*(?:end)?generation\s*-?%\}", "", template)


def _text(token: Any) -> str:
    return token if isinstance(token, str) else token.get("content", "") if isinstance(token, dict) else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
