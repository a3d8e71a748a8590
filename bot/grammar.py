"""A chat model without a model: it reads the command grammar and calls tools, offline.

It stands in when no language model is configured, or when the one there is does not answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from bot.commands import UNKNOWN, Command, parse

NAME = "grammar"


class GrammarChatModel(BaseChatModel):
    """Same messages in, same tool calls out, no network."""

    @property
    def _llm_type(self) -> str:
        return NAME

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=answer_to(messages))])


def answer_to(messages: Sequence[BaseMessage]) -> AIMessage:
    """A tool's result is passed on; a person's words become a tool call or a text."""
    if messages and isinstance(messages[-1], ToolMessage):
        return _say(_tool_texts(messages))
    said = str(messages[-1].text) if messages else ""
    command = parse(said) or Command(text=UNKNOWN)
    if not command.tool:
        return _say(command.text)
    call_id = f"call_{uuid.uuid4().hex[:20]}"
    call = {"name": command.tool, "args": command.arguments, "id": call_id, "type": "tool_call"}
    return AIMessage(content="", tool_calls=[call], response_metadata={"model_name": NAME})


def _tool_texts(messages: Sequence[BaseMessage]) -> str:
    """The results at the end of the history, in order."""
    texts: list[str] = []
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        texts.append(str(message.text))
    return "\n".join(reversed(texts))


def _say(text: str) -> AIMessage:
    return AIMessage(content=text, response_metadata={"model_name": NAME})


def spoke(message: BaseMessage) -> bool:
    """Whether the grammar wrote this message."""
    return isinstance(message, AIMessage) and message.response_metadata.get("model_name") == NAME
