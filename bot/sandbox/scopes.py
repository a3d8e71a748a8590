"""What the app may do: the scopes of its token."""

from __future__ import annotations

from bot.sandbox.errors import SlackError
from bot.sandbox.workspace import Workspace


def require(workspace: Workspace, *any_of: str) -> None:
    """Raise missing_scope unless the token holds one of the scopes."""
    scopes = workspace.settings.scopes
    if any_of and not scopes.intersection(any_of):
        raise SlackError("missing_scope", needed=any_of[0], provided=",".join(sorted(scopes)))
