"""`tocsin account` and `tocsin session`: who can sign in, and who is signed in."""

from __future__ import annotations

import typer

from tocsin.cli.documents import add_listing, add_removal

account = typer.Typer(no_args_is_help=True)
session = typer.Typer(no_args_is_help=True)

add_listing(
    account,
    "/api/accounts",
    ("person", "role", "role_from", "password", "passkeys", "one_time_codes", "sessions"),
    "List who can sign in, and how.",
)
add_removal(account, "/api/accounts", "Take somebody's way in away: account, passkeys, sessions, own tokens.")
add_listing(
    session,
    "/api/sessions",
    ("id", "person", "role", "via", "address", "agent", "created_at", "used_at"),
    "List who is signed in, and where.",
)
add_removal(session, "/api/sessions", "End a session, at once.")
