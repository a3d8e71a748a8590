"""Chat templates: prompts for generating, and which tokens of a conversation the assistant said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trainer.errors import BadInput
from trainer.inference.template import instruct

Message = Mapping[str, Any]
WORD_JOINER = "\u2060"
PROBE = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A conversation as tokens. `turns[i]` says which assistant turn (from 0) token i belongs to; -1 is
    none."""

    ids: list[int]
    turns: list[int]


def load_tokenizer(base: str, *, padding_side: str = "right", template: str = "base") -> Any:
    """The base's tokenizer, with a padding token. Padding never carries loss, so the end token may serve.

    `template`: "base" for the base's own (refused where it has none), "instruction" for the guides', or "any": its own
    where it has one, else the guides'.
    """
    from pathlib import Path

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        base, local_files_only=Path(base).is_dir(), padding_side=padding_side, trust_remote_code=False
    )
    if template == "instruction" or (template == "any" and not tokenizer.chat_template):
        instruct(tokenizer)
    if not tokenizer.chat_template:
        raise no_chat_template()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer


def no_chat_template() -> BadInput:
    return BadInput(
        "This base model's tokenizer has no chat template, so a conversation cannot be written for it.",
        fix="Train it with template instruction, choose an instruct (chat) variant of the model, or add a "
        "chat_template.jinja to its folder.",
        code="no_chat_template",
        param="template",
    )


def plain(tokenizer: Any, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as templates expect them: text parts joined, keys that are ours (weight) left out."""
    out: list[dict[str, Any]] = []
    for message in messages:
        kept = {k: v for k, v in message.items() if k not in ("weight", "metadata") and v is not None}
        content = kept.get("content", "")
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content)
        if kept.get("tool_calls"):
            kept["tool_calls"] = [_opened(call) for call in kept["tool_calls"]]
        out.append({**kept, "content": defused(tokenizer, content)})
    return out


def defused(tokenizer: Any, text: str) -> str:
    """Text that spells out a control token (`<|end|>`) stays text: an invisible word joiner breaks the spelling.
    Otherwise whoever writes a message, or a row of a dataset, could end a turn and speak as the assistant."""
    for token in control_tokens(tokenizer):
        if token in text:
            text = text.replace(token, token[0] + WORD_JOINER + token[1:])
    return text


@lru_cache(maxsize=16)
def control_tokens(tokenizer: Any) -> tuple[str, ...]:
    """What the tokenizer reads as special, longest first; single characters cannot be broken and are left."""
    added = tokenizer.added_tokens_decoder.values()
    told = {*tokenizer.all_special_tokens, *(str(token) for token in added if token.special)}
    return tuple(sorted((token for token in told if len(token) > 1), key=len, reverse=True))


def _opened(call: Any) -> Any:
    """A tool call with its arguments as an object: OpenAI writes a string of JSON, which templates that end
    in `| tojson` would write as JSON twice over."""
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        return call
    return {**call, "function": {**function, "arguments": arguments}} if isinstance(arguments, dict) else call


def writes_tool_calls(tokenizer: Any, messages: Sequence[Message], *, tools: Any = None) -> bool:
    """Whether the template says what an assistant called. Plain chat templates leave it out without a word."""
    mark = "called_by_tunesmith"
    marked = [
        {**m, "tool_calls": [{**c, "function": {**c["function"], "name": mark}} for c in m["tool_calls"]]}
        if m.get("tool_calls")
        else m
        for m in messages
    ]
    return mark in render(tokenizer, marked, tools=tools)


def render(tokenizer: Any, messages: Sequence[Message], *, tools: Any = None, answer: bool = False) -> str:
    """The conversation as text; `answer` adds the opening of the assistant's turn."""
    try:
        said = plain(tokenizer, messages)
        return tokenizer.apply_chat_template(said, tools=tools, tokenize=False, add_generation_prompt=answer)
    except Exception as error:  # jinja2 errors, and whatever a template's own code raises
        raise BadInput(
            f"The base model's chat template refuses this conversation ({type(error).__name__}: {error}).",
            fix="Check the order of roles: many templates want user and assistant in turn, system first.",
            code="template_refused",
        ) from error


def prompt_ids(tokenizer: Any, messages: Sequence[Message], *, tools: Any = None) -> list[int]:
    """What the model reads before it answers."""
    text = render(tokenizer, messages, tools=tools, answer=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def end_of_turn_ids(tokenizer: Any, model: Any = None) -> list[int]:
    """Every token that ends an answer: the one the template writes, the tokenizer's and the model's own."""
    found: dict[int, None] = {}
    text = render(tokenizer, PROBE)
    tail = text[text.rindex("b") + 1 :]
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    for token in tokenizer(tail, add_special_tokens=False)["input_ids"]:
        if token in special:
            found[token] = None
            break
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    for token in [tokenizer.eos_token_id, *(configured if isinstance(configured, list) else [configured])]:
        if token is not None:
            found[int(token)] = None
    return list(found)


def spoken(tokenizer: Any, messages: Sequence[Message], *, tools: Any = None) -> Spoken:
    """Tokens of a whole conversation with the assistant's turns marked, each up to its end-of-turn token.

    Templates with `{% generation %}` mark the turns themselves. For others a turn is what the text gains
    between "conversation so far, the assistant to speak" and "conversation with the answer"; where the
    template does not write a conversation as a growing text (some drop earlier reasoning), this refuses
    rather than guesses.
    """
    if "{% generation" in _template(tokenizer) or "{%- generation" in _template(tokenizer):
        marked = _by_marks(tokenizer, messages, tools)
        if marked is not None:
            return marked
    return _by_growth(tokenizer, messages, tools)


def _template(tokenizer: Any) -> str:
    template = tokenizer.chat_template
    return template.get("default", "") if isinstance(template, dict) else template


def _by_marks(tokenizer: Any, messages: Sequence[Message], tools: Any) -> Spoken | None:
    render(tokenizer, messages, tools=tools)  # a refusal is told in our words
    told = tokenizer.apply_chat_template(
        plain(tokenizer, messages),
        tools=tools,
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ids, mask = list(told["input_ids"]), list(told["assistant_masks"])
    turns, turn = [], -1
    for at, said in enumerate(mask):
        turn += bool(said and (at == 0 or not mask[at - 1]))
        turns.append(turn if said else -1)
    wanted = sum(1 for m in messages if m["role"] == "assistant")
    ends = set(end_of_turn_ids(tokenizer))
    last = [ids[at] for at, t in enumerate(turns) if t == turn]
    good = turn + 1 == wanted and bool(last) and any(token in ends for token in last[-2:])
    return Spoken(ids, turns) if good else None


def _by_growth(tokenizer: Any, messages: Sequence[Message], tools: Any) -> Spoken:
    whole = render(tokenizer, messages, tools=tools)
    spans: list[tuple[int, int]] = []
    for at, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = render(tokenizer, messages[:at], tools=tools, answer=True)
        after = render(tokenizer, messages[: at + 1], tools=tools)
        if not (whole.startswith(before) and whole.startswith(after) and len(after) > len(before)):
            raise BadInput(
                "The base model's chat template rewrites earlier turns, so its answers cannot be told apart.",
                fix="Use a template with {% generation %} markers, or rows with a single assistant turn.",
                code="no_assistant_mask",
            )
        spans.append((len(before), len(before) + len(after[len(before) :].rstrip())))
    if not tokenizer.is_fast:
        raise BadInput(
            "This base model has a slow tokenizer and a chat template without {% generation %} markers.",
            fix="Use a base whose folder has a tokenizer.json.",
            code="no_assistant_mask",
        )
    told = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    return Spoken(list(told["input_ids"]), [_turn(span, spans) for span in told["offset_mapping"]])


def _turn(token: tuple[int, int], spans: list[tuple[int, int]]) -> int:
    start, stop = token
    for turn, (first, last) in enumerate(spans):
        if start >= first and stop <= last and stop > start:
            return turn
    return -1
