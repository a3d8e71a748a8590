"""One tree of errors. Each says what was given, what was expected, and what to do next.

Doors translate once: `kind` picks the HTTP status, the exit code and the tone of the Slack sentence.
All are picklable, so that they cross process borders whole.
"""

from __future__ import annotations


class TunesmithError(Exception):
    """Something a person can act on. `str(error)` is fit to be shown: it holds no secrets."""

    kind = "internal"

    def __init__(self, what: str, *, fix: str = "", code: str = "", param: str | None = None) -> None:
        super().__init__(what, fix, code, param)
        self.what = what
        self.fix = fix
        self.code = code or self.kind
        self.param = param

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.fix, self.code, self.param))

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".strip()


def _rebuild(cls: type[TunesmithError], what: str, fix: str, code: str, param: str | None) -> TunesmithError:
    return cls(what, fix=fix, code=code, param=param)


class BadInput(TunesmithError):
    """What was given cannot be used; nothing was started."""

    kind = "bad_input"


class NotFound(TunesmithError):
    """The name or id means nothing here."""

    kind = "not_found"


class Forbidden(TunesmithError):
    """The caller is known and may not do this."""

    kind = "forbidden"


class Conflict(TunesmithError):
    """The world moved on: already decided, expired, changed since it was asked."""

    kind = "conflict"


class LimitExceeded(TunesmithError):
    """Too large, too many or too often."""

    kind = "limit"


class Unavailable(TunesmithError):
    """A process or service that is needed does not answer; trying again later may help."""

    kind = "unavailable"


class MissingExtra(TunesmithError):
    """A library of an optional extra is not installed; the fix names the install command."""

    kind = "missing_extra"


class LostLease(TunesmithError):
    """This attempt is no longer the one that may write: another took over, or the job ended."""

    kind = "lost_lease"
