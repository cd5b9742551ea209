"""`tocsin person contacts|verify|confirm|test`: whether somebody is reached the way that the directory says."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import FAILURE, fail, say, show, show_json
from tocsin.cli.verbs import FORMAT

COLUMNS = ("method", "used", "verified", "tested", "result")
PERSON = Annotated[str, typer.Argument(metavar="ID", help="the person")]
METHOD = Annotated[str, typer.Argument(metavar="METHOD", help="email, sms, ...; KIND:ADDRESS where there are several")]


def add_to(app: typer.Typer) -> None:
    """The verbs, beside those that add and remove people."""
    for name, verb in (("contacts", contacts), ("verify", verify), ("confirm", confirm), ("test", test)):
        app.command(name)(verb)


def contacts(person: PERSON, form: FORMAT = "table") -> None:
    """List the ways to reach somebody: whether each is used, was verified, and passed its last test."""
    found = connect().get(f"/api/people/{part(person)}/contacts")["items"]
    show(found if form == "json" else [_row(each) for each in found], COLUMNS, form)


def verify(person: PERSON, method: METHOD, form: FORMAT = "table") -> None:
    """Send a code of six digits there; `confirm` takes it within 15 minutes."""
    _sent(connect().call("POST", _place(person, "verify"), _which(method)), form, f"a code was sent by {method}")


def confirm(person: PERSON, method: METHOD, code: str, form: FORMAT = "table") -> None:
    """Confirm a method with the code that was sent there."""
    found = connect().call("POST", _place(person, "confirm"), _which(method) | {"code": code})
    if form == "json":
        show_json(found["items"])
    else:
        say(f"{method} of {person} is verified")


def test(person: PERSON, method: METHOD, form: FORMAT = "table") -> None:
    """Send a test message there, now. Ends with 1 when no provider took it."""
    _sent(connect().call("POST", _place(person, "test"), _which(method)), form, f"a test was sent by {method}")


def _place(person: str, verb: str) -> str:
    return f"/api/people/{part(person)}/contacts/{verb}"


def _which(said: str) -> dict[str, str]:
    kind, colon, address = said.partition(":")
    return {"kind": kind.casefold(), "address": address} if colon else {"kind": kind.casefold()}


def _sent(found: dict[str, Any], form: str, line: str) -> None:
    if form == "json":
        show_json(found)
    elif found["receipt"] == "sent":
        say(line)
    if found["receipt"] != "sent":
        fail(f"{found['receipt']}: {found['detail']}" if found["detail"] else found["receipt"], FAILURE)


def _row(each: dict[str, Any]) -> dict[str, Any]:
    result = "" if each["tested_ok"] is None else "ok" if each["tested_ok"] else each["tested_detail"] or "failed"
    return {
        "method": f"{each['kind']}:{each['address']}",
        "used": each["used"],
        "verified": each["verified_at"],
        "tested": each["tested_at"],
        "result": result,
    }
