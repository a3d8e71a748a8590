"""How results leave a terminal command: sentences or one JSON object, and an exit code."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from tools.context import Context, terminal_caller
from trainer.errors import BadInput, NotFound, TunesmithError
from trainer.services import build_services
from trainer.settings import load_settings

GOOD, FINDINGS, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
P = ParamSpec("P")
R = TypeVar("R")

# control characters, and those that turn the direction of writing
_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

people = Console(highlight=False, soft_wrap=True)
progress_console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A sentence for people; its text is never read as markup, nor as orders to the terminal."""
    people.print(escape(_ORDERS.sub("\ufffd", text)))


def emit(value: dict[str, Any]) -> None:
    """The one JSON object of a --json run."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, default=str) + "\n")
    sys.stdout.flush()


def finish(value: dict[str, Any], text: str, *, as_json: bool, code: int = GOOD) -> None:
    """Say the result in the way that was asked for, and end with `code`."""
    emit(value) if as_json else say(text)
    raise typer.Exit(code)


def exit_code(error: TunesmithError) -> int:
    return WRONG_USE if isinstance(error, BadInput | NotFound) else FINDINGS


def answers(command: Callable[P, R]) -> Callable[P, R]:
    """The terminal's one translation of errors: a sentence on stderr (or JSON on stdout) and an exit code."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TunesmithError as error:
            if kwargs.get("as_json"):
                emit({"error": {"code": error.code, "message": str(error), "param": error.param}})
            else:
                progress_console.print(escape(str(error)))
            raise typer.Exit(exit_code(error)) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read us has gone
                raise
            progress_console.print(escape(f"The system refused: {error}. Check the disk's space and rights."))
            if kwargs.get("as_json") and error.filename:  # a file's trouble, not stdout's own
                emit({"error": {"code": "system", "message": str(error), "param": None}})
            raise typer.Exit(FINDINGS) from None

    return wrapper


@contextmanager
def opened() -> Iterator[Context]:
    """Services on this machine's settings, with the person at the terminal as the caller."""
    settings = load_settings()
    with build_services(settings, migrate=True) as services:
        yield Context(terminal_caller(settings), services)
