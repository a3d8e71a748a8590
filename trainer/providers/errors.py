"""What can go wrong at a provider, in words that say what to do. Only this file reads the openai library's errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from trainer.advice.hosted import hosted
from trainer.errors import BadInput, Conflict, Forbidden, LimitExceeded, NotFound, TunesmithError, Unavailable
from trainer.providers.endpoint import Endpoint
from trainer.providers.remote import garbled, plain

LOCALLY = "Train locally instead (leave --provider out and name a base that is here), or use another provider."
OUT_OF_MONEY = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
# asking again later may help with these; nothing else is asked twice
PASSING = (
    "provider_timeout",
    "provider_unreachable",
    "provider_error",
    "provider_garbled",
    "provider_rate_limit",
)


def passes(error: TunesmithError) -> bool:
    """Whether asking again later may help."""
    return error.code in PASSING


def unclear(error: TunesmithError) -> bool:
    """Whether the provider may have done what was asked, although no answer came."""
    return error.code in PASSING and error.code != "provider_rate_limit"


def retry_after(error: TunesmithError) -> float:
    """Seconds that the provider asked to wait; 0 where it said nothing."""
    return float(getattr(error, "retry_after_s", 0.0))


def said_of(error: Exception, endpoint: Endpoint, *, about: str = "") -> TunesmithError:
    """An error of the openai library (or of reading its answer) as ours. `about` is the model or id asked for."""
    import openai

    title = endpoint.title
    if isinstance(error, openai.APITimeoutError):
        text = f"{title} gave no answer within {endpoint.timeout_s:g} s."
        return Unavailable(text, fix="Try again later.", code="provider_timeout")
    if isinstance(error, openai.APIConnectionError):
        return Unavailable(
            f"{title} cannot be reached at {endpoint.host} ({_cause(error)}).",
            fix="Check TUNESMITH_TUNING_BASE_URL and the network, then try again.",
            code="provider_unreachable",
        )
    if isinstance(error, openai.APIStatusError):
        return _refused(error, endpoint, about)
    return garbled(title)


def _cause(error: Exception) -> str:
    """The kind of trouble below, without addresses or anything else a library may put into its text."""
    below: BaseException = error
    while below.__cause__ is not None or below.__context__ is not None:
        below = below.__cause__ or below.__context__  # type: ignore[assignment]
    named = {
        "ConnectionRefusedError": "connection refused",
        "gaierror": "no such host",
        "ReadError": "connection broken",
    }
    return named.get(type(below).__name__, type(below).__name__)


def _refused(error: Any, endpoint: Endpoint, about: str) -> TunesmithError:
    status, title = error.status_code, endpoint.title
    code = str(error.code or "")
    said = plain(_message(error), endpoint.key.get_secret_value())
    if code == "training_not_available":
        return not_available(endpoint)
    if status == HTTPStatus.UNAUTHORIZED:
        return Forbidden(
            f"{title} refused the API key.",
            fix="Set TUNESMITH_TUNING_API_KEY to a valid key of this provider.",
            code="provider_key",
        )
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden(
            f"{title} does not allow this: {said}", fix="Ask an owner of the account there.", code="provider_forbidden"
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(
            f"{title} knows no {about or 'such thing'}: {said}",
            fix="Check the name, and that TUNESMITH_TUNING_BASE_URL is this provider's.",
            code="provider_not_found",
            param="base" if code == "model_not_found" else None,
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _too_many(error, code, title)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        failed = Unavailable(f"{title} failed (HTTP {status}).", fix="Try again later.", code="provider_error")
        failed.retry_after_s = _header(error)  # type: ignore[attr-defined]
        return failed
    if status == HTTPStatus.CONFLICT:
        return Conflict(f"{title} refused: {said}", fix="Look at the job there.", code="provider_conflict")
    return BadInput(
        f"{title} refused the request: {said}",
        fix="Correct what it names and ask again.",
        code=plain(code)[:60] or "provider_refused",
        param=plain(error.param)[:60] if getattr(error, "param", None) else None,
    )


def _too_many(error: Any, code: str, title: str) -> LimitExceeded:
    if code in OUT_OF_MONEY:
        return LimitExceeded(
            f"The account at {title} has no credit left or met its spending limit ({code}).",
            fix="Raise the limit or pay there, then ask again; waiting alone does not help.",
            code="provider_quota",
        )
    made = LimitExceeded(
        f"{title} asks to slow down (rate limit).", fix="Try again in a minute.", code="provider_rate_limit"
    )
    made.retry_after_s = _header(error)  # type: ignore[attr-defined]
    return made


def _header(error: Any) -> float:
    try:
        return min(max(float(error.response.headers.get("retry-after", 0)), 0.0), 600.0)
    except (AttributeError, TypeError, ValueError):
        return 0.0


def _message(error: Any) -> str:
    body = error.body
    return str(body.get("message") or "no reason given") if isinstance(body, dict) else "no reason given"


def not_available(endpoint: Endpoint) -> Forbidden:
    """403 `training_not_available`, with the dates that we know."""
    dates = [
        f"{entry.what}: {entry.ends}"
        for entry in hosted().entries
        if endpoint.quirks.dates
        and entry.provider == endpoint.quirks.dates
        and entry.ends
        and not entry.models
        and "fine-tuning" in entry.what
    ]
    known = f" It closed or closes: {'; '.join(dates)} (as of {hosted().as_of})." if dates else ""
    return Forbidden(
        f"{endpoint.title} does not offer fine-tuning to this organisation (training_not_available).{known}",
        fix=LOCALLY,
        code="training_not_available",
    )


WHY_FAILED = {
    "invalid_training_file": "the training file was refused",
    "invalid_validation_file": "the validation file was refused",
    "exceeded_quota": "the account ran out of credit",
    "moderation_failed": "the rows or the model did not pass its moderation",
    "model_not_available": "the base model is no longer there",
}


def failure(title: str, job_id: str, error: dict[str, str]) -> TunesmithError:
    """A job that ended in `failed`: the provider's reason, and what to do."""
    code = error.get("code", "")[:60]
    why = WHY_FAILED.get(code, "the job failed")
    where = f" ({error['param']})" if error.get("param") else ""
    fix = "Check the dataset: tunesmith data check FILE --for openai." if "file" in code else "Mend it and ask again."
    return TunesmithError(
        f"{title}: {why}{where}: {error.get('message') or 'no reason given'} [{job_id}]",
        fix=fix,
        code=code or "provider_job_failed",
        param=error.get("param"),
    )
