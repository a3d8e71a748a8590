"""Where the judge answers, with which key, and what its tokens cost. Address and key go together: a judge elsewhere
never gets the key of the language model."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from trainer.data.augment.ask import Asker, Reply
from trainer.errors import BadInput
from trainer.evals.judges.prompts import MAX_OUTPUT
from trainer.settings import Settings

OPENAI = "api.openai.com"
NANO = 1_000_000_000  # dollars are counted in whole billionths


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Prices are dollars for a million tokens; 0 is not known."""

    model: str
    base_url: str
    key: SecretStr
    input_usd: float
    output_usd: float

    @classmethod
    def of(cls, settings: Settings, model: str) -> Endpoint:
        """The judge's own settings; where they are empty, those of the language model."""
        own = bool(settings.judge_base_url)
        key = settings.judge_api_key if own or settings.judge_api_key.get_secret_value() else settings.llm_api_key
        url = settings.judge_base_url or settings.llm_base_url
        prices = (settings.judge_input_usd, settings.judge_output_usd)
        if not any(prices) and not own and model == settings.llm_model:
            prices = (settings.llm_input_usd, settings.llm_output_usd)
        return cls(model, url, key, *prices)

    @property
    def host(self) -> str:
        """Without user, password or path: part of what a judgement is kept under."""
        where = urlsplit(self.base_url)
        return where.netloc.rpartition("@")[2] or OPENAI

    @property
    def ready(self) -> bool:
        return bool(self.base_url or self.key.get_secret_value())

    @property
    def priced(self) -> bool:
        return bool(self.input_usd or self.output_usd)

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        """In billionths of a dollar, rounded up."""
        return ceil((tokens_in * self.input_usd + tokens_out * self.output_usd) * NANO / 1_000_000)


class Voice:
    """The judge's model: greedy and held to the schema where its server can do that. Threads share it."""

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._settings, self.endpoint = settings, endpoint
        self._greedy = self._with(temperature=0.0)
        self._plain: Asker | None = None
        self._lock = threading.Lock()

    def _with(self, temperature: float | None) -> Asker:
        at = (self.endpoint.base_url, self.endpoint.key)
        return Asker(self._settings, self.endpoint.model, MAX_OUTPUT, endpoint=at, temperature=temperature)

    def ask(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> Reply:
        """One answer. Raises Unavailable after the last retry, BadInput where asking again cannot help."""
        try:
            return self._ask(messages, schema)
        except BadInput as error:
            raise _judge_refused(error) from None

    def _ask(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> Reply:
        if self._plain:
            return self._plain.ask(messages, schema)
        try:
            return self._greedy.ask(messages, schema)
        except BadInput as error:
            if error.code != "llm_refused_400" or self._greedy.worked:
                raise
        with self._lock:  # some models reason, and let nobody set a temperature
            self._plain = self._plain or self._with(None)
        return self._plain.ask(messages, schema)


def _judge_refused(error: BadInput) -> BadInput:
    return BadInput(
        error.what.replace("The language model's", "The judge's"),
        fix="Check TUNESMITH_JUDGE_MODEL, TUNESMITH_JUDGE_BASE_URL and TUNESMITH_JUDGE_API_KEY, then evaluate again.",
        code=error.code.replace("llm_", "judge_"),
    )
