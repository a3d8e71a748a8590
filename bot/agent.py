"""The LangChain agent: a model (or the grammar), the toolbox, limits, and a memory per Slack thread."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import structlog
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ModelCallLimitMiddleware,
    ModelRequest,
    ModelResponse,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    before_agent,
    dynamic_prompt,
    wrap_tool_call,
)
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
)
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.errors import GraphBubbleUp
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from bot.grammar import GrammarChatModel, spoke
from tools.context import Context
from tools.toolbox import TOOLBOX
from trainer.errors import TunesmithError
from trainer.services import Services
from trainer.settings import Settings

log = structlog.get_logger()
PROMPT = Path(__file__).with_name("prompt.md")
REST_S = 30.0  # how long a model that did not answer is left alone
LONGEST_ARGUMENT = 20_000  # characters
LONGEST_ERROR = 2_000
REMEMBERED = 60  # messages of a thread that the model sees
OUR_FAULT = {400, 413, 422}  # the request was bad: the next one may be fine
LIMIT_WORDS = ("Model call limits exceeded", "Tool call limit")
LIMIT_TEXT = "I stopped here: that took more steps than I may take for one message. Please ask for less at once."
NO_LLM = "No language model is configured, so I understand commands only: say `help` to see them."
LLM_DOWN = "The language model does not answer, so I understand commands only for now: say `help` to see them."


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent said, and the cards that its tools asked for: {"card": kind, "id": …}."""

    text: str
    cards: list[dict[str, str]] = field(default_factory=list)
    by_grammar: bool = False
    notice: str = ""


class Agent:
    def __init__(self, services: Services) -> None:
        settings = services.settings
        settings.home.mkdir(parents=True, exist_ok=True)
        self.has_llm = settings.has_llm
        self._memory = sqlite3.connect(settings.home / "agent.sqlite", check_same_thread=False, timeout=30)
        self.stand_in = StandIn()
        self._graph = _graph(settings, SqliteSaver(self._memory), chat_model(settings), self.stand_in)
        self._commands = _graph(settings, None, GrammarChatModel(), StandIn())
        self._locks = [threading.Lock() for _ in range(64)]

    def reply(self, context: Context, said: str, *, message_id: str, again: bool = False) -> Reply:
        """Answer one message of a thread. `again`: it was begun before a crash, so look for what is there."""
        origin = context.caller.origin
        thread_id = f"{context.caller.team}:{origin.get('channel')}:{origin.get('thread_ts')}"
        config: Any = {"configurable": {"thread_id": thread_id}, "recursion_limit": 60}
        with self._locks[hash(thread_id) % len(self._locks)]:
            if again and (found := self._unfinished(config, message_id)) is not None:
                return self._told(found, message_id)
            asked: Any = {"messages": [HumanMessage(said, id=message_id)]}
            out = self._graph.invoke(asked, config, context=context)
        return self._told(out["messages"], message_id)

    def command(self, context: Context, said: str) -> Reply:
        """A slash command: by the grammar, without memory."""
        asked: Any = {"messages": [HumanMessage(said, id="command")]}
        out = self._commands.invoke(asked, context=context)
        return self._told(out["messages"], "command")

    def _unfinished(self, config: Any, message_id: str) -> list[AnyMessage] | None:
        """The answer of an earlier start, if it came to one; else that start is forgotten."""
        known: list[AnyMessage] = self._graph.get_state(config).values.get("messages", [])
        since = _since(known, message_id)
        if since and isinstance(since[-1], AIMessage) and not since[-1].tool_calls:
            return known
        gone = [RemoveMessage(id=str(m.id)) for m in known if m.id == message_id or m in since]
        if gone:
            self._graph.update_state(config, {"messages": gone})
        return None

    def _told(self, messages: Sequence[BaseMessage], message_id: str) -> Reply:
        new = _since(messages, message_id)
        cards = [m.artifact for m in new if isinstance(m, ToolMessage) and (m.artifact or {}).get("card")]
        last = new[-1] if new else AIMessage("")
        by_grammar = any(spoke(m) for m in new)
        text = str(last.text) if isinstance(last, AIMessage) else ""
        if text.startswith(LIMIT_WORDS):
            text = LIMIT_TEXT
        notice = (LLM_DOWN if self.has_llm else NO_LLM) if by_grammar else ""
        return Reply(text, cards, by_grammar and spoke(last), notice)

    def close(self) -> None:
        self._memory.close()


def chat_model(settings: Settings) -> BaseChatModel:
    """Any OpenAI-compatible model by settings, else the grammar."""
    if not settings.has_llm:
        return GrammarChatModel()
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        model=settings.llm_model,
        base_url=settings.llm_base_url or None,
        api_key=lambda: settings.llm_api_key.get_secret_value() or "none",
        timeout=settings.llm_timeout_s,
        max_retries=1,
    )


def _graph(settings: Settings, memory: SqliteSaver | None, model: BaseChatModel, stand_in: StandIn) -> Any:
    middleware: list[Any] = [
        close_dangling_calls,
        topic_prompt,
        ModelCallLimitMiddleware(run_limit=settings.agent_model_calls, exit_behavior="end"),
        ToolCallLimitMiddleware(run_limit=settings.agent_tool_calls, exit_behavior="end"),
        stand_in,
        short_errors,
        ToolErrorMiddleware(tool_error),
    ]
    return create_agent(model, TOOLBOX, middleware=middleware, context_schema=Context, checkpointer=memory)


class StandIn(AgentMiddleware):
    """Lets the grammar answer when the model does not, and leaves that model alone for a while."""

    def __init__(self) -> None:
        super().__init__()
        self._grammar = GrammarChatModel()
        self.down_until = 0.0

    def wrap_model_call(self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> ModelResponse:
        return _storable(self._answer(request.override(messages=_recent(request.messages)), handler))

    def _answer(self, recent: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> ModelResponse:
        if time.monotonic() < self.down_until:
            return handler(recent.override(model=self._grammar))
        try:
            made = handler(recent)
            if not _silent(made, recent.messages):
                return made
            log.warning("model_silent")
            return handler(recent.override(model=self._grammar))
        except GraphBubbleUp:
            raise
        except Exception as error:
            status = getattr(error, "status_code", None)
            log.warning("model_failed", kind=type(error).__name__, status=status)
            if status not in OUR_FAULT:
                self.down_until = time.monotonic() + REST_S
            return handler(recent.override(model=self._grammar))


def _silent(made: ModelResponse, asked: Sequence[BaseMessage]) -> bool:
    """No words and no tool that could be called; nothing to add below a card is no silence."""
    last = made.result[-1] if made.result else None
    if isinstance(last, AIMessage) and (last.tool_calls or str(last.text).strip()):
        return False
    before = asked[-1] if asked else None
    return not (isinstance(before, ToolMessage) and (before.artifact or {}).get("card"))


def _storable(response: ModelResponse) -> ModelResponse:
    """Whole numbers past 64 bits become texts, and endless texts are cut: the thread's memory cannot or should not hold
    them, and no tool wants them."""
    for message in response.result:
        for call in getattr(message, "tool_calls", None) or []:
            call["args"] = _bounded(call["args"])
    return response


def _bounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key)[:LONGEST_ARGUMENT]: _bounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bounded(inner) for inner in value]
    if isinstance(value, str):
        return value[:LONGEST_ARGUMENT]
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value


@wrap_tool_call
def short_errors(request: Any, handler: Callable[[Any], Any]) -> Any:
    """LangChain repeats all arguments when they do not fit a tool: only the ends of that are worth reading."""
    told = handler(request)
    if isinstance(told, ToolMessage) and told.status == "error" and len(str(told.content)) > LONGEST_ERROR:
        words = str(told.content)
        told.content = f"{words[: LONGEST_ERROR // 4]} … {words[-LONGEST_ERROR // 2 :]}"
    return told


@dynamic_prompt
def topic_prompt(request: ModelRequest) -> str:
    """The prompt, and what this thread is about: ids only, no words of people or data."""
    context = cast(Context, request.runtime.context)
    topic = context.services.threads.topic(context.caller.origin)
    known = {"dataset": topic.dataset_id, "job": topic.job_id, "model": topic.model_id}
    about = ", ".join(f"{name} {value}" for name, value in known.items() if value) or "nothing yet"
    return f"{PROMPT.read_text(encoding='utf-8')}\nThis thread is about: {about}."


@before_agent
def close_dangling_calls(state: Any, runtime: Any) -> dict[str, Any] | None:
    """Answer tool calls that a crash left open: providers refuse a history with unanswered calls."""
    messages: list[AnyMessage] = state["messages"]
    closed = list(_closed(messages))
    if len(closed) == len(messages):
        return None
    return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *closed]}


def _closed(messages: Sequence[AnyMessage]) -> Any:
    answered = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    for message in messages:
        yield message
        for call in getattr(message, "tool_calls", None) or []:
            if call["id"] not in answered:
                text = "Interrupted before it was done; nothing is known of its result."
                yield ToolMessage(text, tool_call_id=call["id"], name=call["name"], status="error")


def tool_error(error: Exception, request: Any) -> str:
    """An error as one sentence for the model and for Slack. Unexpected ones are told by number only."""
    if isinstance(error, TunesmithError):
        return str(error)
    error_id = secrets.token_hex(4)
    log.error("tool_failed", error_id=error_id, tool=request.tool_call["name"], exc_info=error)
    return f"That failed on my side; it is in the log as {error_id}."


def _recent(messages: list[AnyMessage]) -> list[AnyMessage]:
    """The newest messages, from a person's on, so that no tool result stands without its call."""
    if len(messages) <= REMEMBERED:
        return messages
    for index in range(len(messages) - REMEMBERED, len(messages)):
        if isinstance(messages[index], HumanMessage):
            return messages[index:]
    return messages


def _since(messages: Sequence[BaseMessage], message_id: str) -> list[Any]:
    """What came after the message with this id."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].id == message_id:
            return list(messages[index + 1 :])
    return []
