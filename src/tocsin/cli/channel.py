"""`tocsin channel`: whether chats and trackers work, a test message, and who is who in a chat."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import FAILURE, USAGE, Stop, fail, say, show, show_json
from tocsin.cli.settings import ConfigFile
from tocsin.cli.verbs import FORMAT
from tocsin.clock import SystemClock
from tocsin.core.paging_text import trial
from tocsin.core.people import Method, Person
from tocsin.ports import Message, Receipt
from tocsin.setting.config import Config, load
from tocsin.setting.file import ConfigError
from tocsin.setting.kinds import Wrong
from tocsin.setting.methods import method
from tocsin.watch.channelcheck import looked_at
from tocsin.wiring.sending import senders

LINKS = "/api/chat-users"
app = typer.Typer(no_args_is_help=True)


@app.command("check")
def check(config: ConfigFile = None, form: FORMAT = "table") -> None:
    """Try the credentials of every configured chat and tracker; nothing is posted. Exits 1 when one fails."""
    found = asyncio.run(looked_at(_told(config)))
    show([msgspec.to_builtins(each) for each in found], ("channel", "state", "text"), form)
    if any(each.state == "error" for each in found):
        raise Stop(code=FAILURE)


@app.command("test")
def test(
    address: Annotated[str, typer.Argument(help="such as slack:C0123, telegram:42, teams:URL or ana@example.org")],
    config: ConfigFile = None,
    form: FORMAT = "table",
) -> None:
    """Send one test message, from here, and say what became of it. Exits 1 when it was not taken."""
    try:
        reach = method(address)
    except Wrong as wrong:
        fail(f"address: expected {wrong}, got {address!r}", USAGE)
    receipt = asyncio.run(_sent(_told(config), reach, SystemClock().now()))
    if form == "json":
        show_json(msgspec.to_builtins(receipt))
    else:
        say(f"{receipt.code}  {receipt.detail}".rstrip())
    if receipt.code != "sent":
        raise Stop(code=FAILURE)


@app.command("link")
def link(
    kind: Annotated[str, typer.Argument(help="slack or telegram")],
    user: Annotated[str, typer.Argument(help="the person's id there, such as U012AB3CD")],
    person: Annotated[str, typer.Argument(help="the person's id here")],
    form: FORMAT = "table",
) -> None:
    """Say who a user of a chat is here: they may respond as that person."""
    kept = connect().call("PUT", f"{LINKS}/{part(kind)}/{part(user)}", {"person": person})
    if form == "json":
        show_json(kept)
    else:
        say(f"{kept['kind']} {kept['user']} is {kept['person']}")


@app.command("unlink")
def unlink(kind: str, user: str) -> None:
    """Forget who a user of a chat is."""
    connect().call("DELETE", f"{LINKS}/{part(kind)}/{part(user)}")
    say(f"{kind} {user} is nobody here any more")


@app.command("links")
def links(form: FORMAT = "table") -> None:
    """List who is who in the chats."""
    found: list[dict[str, Any]] = connect().get(LINKS)["items"]
    show(found, ("kind", "user", "person"), form)


def _told(config: ConfigFile) -> Config:
    try:
        return load(config, os.environ)
    except ConfigError as error:
        fail(str(error), USAGE)


async def _sent(config: Config, reach: Method, now: datetime) -> Receipt:
    made = senders(config, SystemClock(), lambda _: None)  # a status page is no channel to try from here
    sender = made.get(reach.kind)
    if sender is None:
        return Receipt(code="misconfigured", permanent=True, detail=f"no sender for {reach.kind} is configured")
    said = trial("this channel", now, "UTC")
    message = Message(
        id=f"test-{int(now.timestamp())}",
        attempt=1,
        person=Person(id="test"),
        method=reach,
        subject=said.subject,
        text=said.text,
        acknowledge_url=None,
        incident_url=f"{config.public_url}/",
        reference="",
        incident="",
        severity="",
        rank=0,
        event=said.event,
        at=now,
        data={},
    )
    try:
        return await sender.send(message)
    finally:
        for each in made.values():
            await each.close()
