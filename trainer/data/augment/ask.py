"""The configured language model (any OpenAI-compatible API), asked for JSON of a schema.

What it says of an error is never passed on: it may hold a key. Only the kind and the status are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from trainer.errors import BadInput, TunesmithError, Unavailable
from trainer.settings import Settings

RETRIES = 3  # of the client, after 429, 5xx and time-outs: half a second, then twice as long each time
TOKENS_A_SECOND = 40.0  # a slow server's pace: long answers get the time that they take
REFUSED = {401: "the key", 403: "the key", 404: "the model's name", 400: "the request", 422: "the request"}


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` may be anything. Tokens are what the server counted, or 0 where it did not say."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class Asker:
    """`endpoint` is address and key, where they are not those of the language model."""

    def __init__(
        self,
        settings: Settings,
        model: str,
        max_output: int,
        *,
        endpoint: tuple[str, SecretStr] | None = None,
        temperature: float | None = None,
    ) -> None:
        from langchain_openai import ChatOpenAI

        url, key = endpoint or (settings.llm_base_url, settings.llm_api_key)
        self.model = model
        self.structured = True
        self.worked = self.schema_worked = False  # what is refused after that is refused for what it says
        self._chat = ChatOpenAI(
            model=model,
            base_url=url or None,
            api_key=lambda: key.get_secret_value() or "none",
            temperature=temperature,
            timeout=settings.llm_timeout_s + max_output / TOKENS_A_SECOND,
            max_retries=RETRIES,
            max_completion_tokens=max_output,
        )

    def ask(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> Reply:
        """One answer. Unavailable after the last retry, BadInput where asking again cannot help."""
        began, structured = time.monotonic(), self.structured  # other threads may unset it meanwhile
        try:
            return self._ask(messages, schema if structured else None, began)
        except BadInput as error:
            if error.code != "llm_refused_400" or not structured or self.schema_worked:
                raise
            self.structured = False  # a server that knows no JSON schema: the prompt names the form, too
            return self._ask(messages, None, began)

    def _ask(self, messages: list[dict[str, str]], schema: dict[str, Any] | None, began: float) -> Reply:
        import openai

        more = {"response_format": schema} if schema else {}
        try:
            said = self._chat.invoke(messages, **more)  # type: ignore[arg-type]
        except openai.LengthFinishReasonError as error:
            usage = error.completion.usage
            return Reply("", _count(usage and usage.prompt_tokens), _count(usage and usage.completion_tokens))
        except openai.OpenAIError as error:
            raise said_of(error, self.model) from None
        except (AttributeError, LookupError, TypeError, ValueError):
            raise Unavailable(
                "The language model's server answers, but not in the form of OpenAI's API.",
                fix="Check that its address is that of the API, and ends in /v1 where it should.",
                code="llm_strange",
            ) from None
        self.worked = True
        if schema:
            self.schema_worked = True
        used: Any = said.usage_metadata or {}
        took = time.monotonic() - began
        return Reply(str(said.text), _count(used.get("input_tokens")), _count(used.get("output_tokens")), took)


def _count(tokens: Any) -> int:
    """What a server says that it counted; 0 where that is no count."""
    return tokens if isinstance(tokens, int) and tokens > 0 else 0


def said_of(error: Exception, model: str) -> TunesmithError:
    status = getattr(error, "status_code", None)
    if status in REFUSED:
        return BadInput(
            f"The language model's server refused {REFUSED[status]} (HTTP {status}, model {model}).",
            fix="Check OPENAI_API_KEY, OPENAI_BASE_URL and the model's name, then ask again.",
            code=f"llm_refused_{status}",
        )
    what = f"HTTP {status}" if status else "no answer"
    return Unavailable(f"The language model does not answer ({what}).", fix="Try again later.", code="llm_away")
