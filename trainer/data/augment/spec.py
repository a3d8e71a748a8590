"""What is asked of the model, and what it may cost at most."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from trainer.data.augment import prompts
from trainer.errors import BadInput
from trainer.settings import Settings

Kind = Literal["augment", "paraphrase", "distill"]
KINDS: dict[str, int] = {"augment": 5, "paraphrase": 2, "distill": 1}  # kind → rows made of one, by default
MOST_ROWS = 20_000
BYTES_A_TOKEN = 4
SLACK = 2.0  # the cap is this many times the estimate: answers vary, and some are asked twice
UNKNOWN_ANSWER = 300  # tokens of an answer nobody has seen yet
_MODEL = re.compile(r"[\w][\w.:/@+-]{0,99}")


class AugmentSpec(BaseModel):
    """One run. Tokens count what goes in and what comes out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    n: Annotated[int, Field(ge=1, le=20)]
    model: str
    endpoint: str  # host that the rows are sent to
    rows: int  # source rows
    max_requests: int
    max_tokens: int  # of all requests together
    max_output: int  # of one answer
    system: str = ""  # for prompts that bring none
    prompts_blob: str | None = None  # a file of prompts instead of a dataset


@dataclass(frozen=True, slots=True)
class AugmentEstimate:
    requests: int
    input_tokens: int
    output_tokens: int
    largest_answer: int  # tokens expected of the longest single answer
    cost_usd: float | None  # None: the model's price is not known
    basis: str


def host_of(settings: Settings) -> str:
    return urlsplit(settings.llm_base_url).netloc if settings.llm_base_url else "api.openai.com"


def kind_of(name: str) -> Kind:
    if name not in KINDS:
        raise BadInput(
            f"There is no way to make rows called {name[:40]!r}.",
            fix=f"Known: {', '.join(KINDS)}.",
            code="bad_kind",
            param="kind",
        )
    return name  # type: ignore[return-value]


def model_of(name: str | None, settings: Settings) -> str:
    if not settings.has_llm:
        raise BadInput(
            "No language model is configured, so there is nobody to write rows.",
            fix="Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, and start again.",
            code="no_llm",
        )
    chosen = name or settings.llm_model
    if not _MODEL.fullmatch(chosen):
        raise BadInput(f"{chosen[:40]!r} is no model's name.", fix="Name one that your server knows.", param="model")
    return chosen


def estimate(kind: Kind, n: int, rows: Iterable[dict[str, Any]], model: str, settings: Settings) -> AugmentEstimate:
    """Four bytes a token, one request a row. The price is what the settings say, or not known."""
    requests = given = made = largest = 0
    for row in rows:
        requests += 1
        given += tokens(prompts.PREAMBLE) + tokens_of(row)
        answer = _answer_tokens(kind, n, row)
        made += answer
        largest = max(largest, answer)
    cost, priced = cost_of(model, given, made, settings)
    basis = f"4 bytes a token, one request a row. {priced}"
    return AugmentEstimate(requests, given, made, largest, cost, basis)


def caps(made: AugmentEstimate) -> dict[str, int]:
    """Bounds that the run keeps whatever the model does."""
    return {
        "max_requests": 2 * made.requests,
        "max_tokens": int(SLACK * (made.input_tokens + made.output_tokens)) + 4000,
        "max_output": min(16_000, max(512, 4 * made.largest_answer)),
    }


def tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


def tokens_of(row: dict[str, Any]) -> int:
    return sum(tokens(prompts.text_of(message)) + 8 for message in row["messages"])


def _answer_tokens(kind: Kind, n: int, row: dict[str, Any]) -> int:
    said = row["messages"]
    answer = tokens(prompts.text_of(said[-1])) if said[-1]["role"] == "assistant" else UNKNOWN_ANSWER
    if kind == "distill":
        return answer + 20
    asked = next((tokens(prompts.text_of(m)) for m in reversed(said) if m["role"] == "user"), 0)
    return int(n * 1.25 * (asked + (answer if kind == "augment" else 0))) + 20


def cost_of(model: str, given: int, made: int, settings: Settings) -> tuple[float | None, str]:
    """US dollars, and a sentence on where the price is from."""
    into, out = settings.llm_input_usd, settings.llm_output_usd
    if model != settings.llm_model or not (into or out):
        return None, f"The price of {model} is not known here: look it up and count the tokens."
    return round((given * into + made * out) / 1e6, 4), f"${into:g} a million tokens in, ${out:g} out, by the settings."
