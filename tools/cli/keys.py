"""`tunesmith keys create | list | revoke`: who may call the gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tools.cli.output import Json, answers, finish, opened
from trainer.store.tables import ApiKey

keys = typer.Typer(no_args_is_help=True, help="API keys of the gateway.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")


@keys.command("create")
@answers
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it, e.g. support-app.")],
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once; only its hash is kept."""
    with opened() as context:
        row, secret = context.services.keys.create(name, by=context.caller.user)
    text = f"{secret}\nThis is the only time that key {row.id} (“{row.name}”) is shown: put it away now."
    finish({**_public(row), "key": secret}, text, as_json=as_json)


@keys.command("list")
@answers
def list_keys(as_json: Json = False) -> None:
    """Show the keys there are, without their secrets."""
    with opened() as context:
        rows = context.services.keys.list()
    text = "\n".join(_line(row) for row in rows) or "There is no key yet: tunesmith keys create NAME"
    finish({"keys": [_public(row) for row in rows]}, text, as_json=as_json)


@keys.command("revoke")
@answers
def revoke(
    key_id: Annotated[str, typer.Argument(help="key-…, as `tunesmith keys list` shows it.")],
    as_json: Json = False,
) -> None:
    """End a key. Gateways stop taking it within five seconds."""
    with opened() as context:
        context.services.keys.revoke(key_id)
    finish({"id": key_id, "revoked": True}, f"Key {key_id} is revoked.", as_json=as_json)


def _public(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
    }


def _line(row: ApiKey) -> str:
    state = f"revoked {_day(row.revoked_at)}" if row.revoked_at else "live"
    return f"{row.id}  {row.name}  made {_day(row.created_at)} by {row.created_by}  {state}"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
