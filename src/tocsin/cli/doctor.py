"""`tocsin doctor`: everything that would keep a page from being sent, looked at before it matters."""

from __future__ import annotations

import asyncio
import os
import shutil
import smtplib
import socket
import sqlite3
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.request import ProxyHandler, build_opener

import msgspec

from tocsin.cleartext import unprotected
from tocsin.cli.output import FAILURE, Stop, show
from tocsin.cli.settings import ConfigFile, DataDir, Listen, of_house
from tocsin.cli.verbs import FORMAT
from tocsin.clock import Clock, SystemClock
from tocsin.core.people import SECRET_ADDRESSES, Directory, reachable, shown_address, who
from tocsin.core.probe import UNABLE, target_of
from tocsin.core.readiness import unheard
from tocsin.detect.answers import Refused, Unanswered
from tocsin.detect.follow import found as followed
from tocsin.devices import VAPID
from tocsin.guides import Guide, Guides, read_directory
from tocsin.intake.formats import FORMATS
from tocsin.saying.composing import stored_audiences
from tocsin.setting.config import Config, Smtp, load
from tocsin.setting.file import ConfigError
from tocsin.setting.prometheus import PrometheusSetting
from tocsin.store.instants import instant
from tocsin.store.migrate import migrations, schema_version
from tocsin.store.snapshot import Snapshot
from tocsin.store.sqlite import connect
from tocsin.watch.channelcheck import looked_at
from tocsin.wiring.detecting import prometheus_of
from tocsin.wiring.reaching import looks

SMTP_SECONDS = 10.0
FREE_MIN = 512 * 1024 * 1024  # journal segments are preallocated, and the write-ahead log grows between checkpoints
BUILT_AFTER = datetime(2026, 11, 1, tzinfo=UTC)  # a clock before this release was made is wrong
BACKWARDS_MAX = timedelta(minutes=1)

State = Literal["ok", "warning", "error"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    check: str
    state: State
    text: str


def doctor(config: ConfigFile = None, data: DataDir = None, listen: Listen = None, form: FORMAT = "table") -> None:
    """Say what would keep a page from being sent. Exits 1 when something would."""
    found = list(examine(config, data, listen, SystemClock()))
    show([msgspec.to_builtins(each) for each in found], ("check", "state", "text"), form)
    if any(each.state == "error" for each in found):
        raise Stop(code=FAILURE)


def examine(file: Path | None, data: str | None, listen: str | None, clock: Clock) -> Iterator[Finding]:
    """Every check that the configuration allows to be made."""
    try:
        told = of_house(load(file, os.environ, {"server.data": data, "server.listen": listen}))
    except ConfigError as error:
        for flaw in error.flaws:
            yield Finding(check="configuration", state="error", text=str(flaw))
        return
    yield from _configuration(told)
    yield from _readable(told)
    yield from _data(told.data)
    yield from _database(told.database, clock)
    yield from _clock(clock)
    yield _port(told)
    yield from _logs(told)
    if told.prometheus is not None:
        yield from asyncio.run(_asked(told.prometheus, told.outgoing_hosts))
    if told.smtp is not None:
        yield _smtp(told.smtp)
    for channel in asyncio.run(looked_at(told)):
        yield Finding(check=channel.channel, state=channel.state, text=channel.text)
    if told.probes:
        yield from _probes(told, clock)
    yield from _people(told)


def _configuration(told: Config) -> Iterator[Finding]:
    where = str(told.file) if told.file else "no tocsin.toml; defaults and the environment"
    yield Finding(check="configuration", state="ok", text=where)
    for warning in told.warnings:
        yield Finding(check="configuration", state="warning", text=warning)
    if unprotected(told):
        yield Finding(check="configuration", state="warning", text=unprotected(told))
    for source in told.sources:
        if source.kind != "any" and source.kind not in FORMATS:
            known = ", ".join(sorted(FORMATS))
            text = f"sources.{source.name}: expected one of {known} or any, got {source.kind!r}"
            yield Finding(check="sources", state="error", text=text)


def _readable(told: Config) -> Iterator[Finding]:
    """Whether others on this machine may read what opens doors."""
    hidden = any(each.kind in SECRET_ADDRESSES for one in told.directory.people.values() for each in one.methods)
    files = [told.secret_file, told.data / "cli.token", told.data / VAPID, told.database, *told.secret_files]
    files.append(told.access.key_file)
    if told.file is not None and told.file not in files and hidden:
        files.append(told.file)
    for file in files:
        if file.is_file() and file.stat().st_mode & 0o077:
            text = f"{file}: holds secrets and others may read it; chmod 600 {file}"
            yield Finding(check="secrets", state="warning", text=text)


def _data(data: Path) -> Iterator[Finding]:
    present = data
    while not present.exists():  # what is missing is made on the first start, if what is above it may be written
        present = present.parent
    try:
        with tempfile.TemporaryFile(dir=present):
            pass
    except OSError as error:
        yield Finding(check="data directory", state="error", text=f"{present}: cannot be written: {error.strerror}")
        return
    free = shutil.disk_usage(present).free
    enough = free >= FREE_MIN
    yield Finding(
        check="data directory",
        state="ok" if enough else "error",
        text=f"{data}: {free // 2**20} MiB free" + ("" if enough else f", expected {FREE_MIN // 2**20} at least"),
    )
    if present == data and data.stat().st_mode & 0o077:
        yield Finding(check="data directory", state="warning", text=f"{data}: others may look into it; chmod 700")


def _database(path: Path, clock: Clock) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(check="database", state="ok", text=f"{path}: is made on the first start")
        return
    newest = migrations()[-1][0]
    try:
        with closing(connect(path, read_only=True)) as db:
            version = schema_version(db)
            verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            last_us = db.execute("SELECT max(at_us) FROM sends").fetchone()[0] if version else None
    except sqlite3.Error as error:
        yield Finding(check="database", state="error", text=f"{path}: {error}")
        return
    if version > newest:
        text = f"{path}: schema {version}, and this release knows {newest}; start the newer release"
        yield Finding(check="database", state="error", text=text)
    elif verdict != "ok":
        yield Finding(check="database", state="error", text=f"{path}: damaged: {verdict}; restore a backup")
    else:
        then = f"{path}: schema {version}" + (f", becomes {newest} on the next start" if version < newest else "")
        yield Finding(check="database", state="ok", text=then)
    if last_us is not None and instant(last_us) - clock.now() > BACKWARDS_MAX:
        text = f"a message was sent at {instant(last_us):%Y-%m-%d %H:%M:%S} UTC, which is yet to come; set the clock"
        yield Finding(check="clock", state="error", text=text)


def _clock(clock: Clock) -> Iterator[Finding]:
    now = clock.now()
    sane = now >= BUILT_AFTER
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC" + ("" if sane else ", before this release was made; set the clock")
    yield Finding(check="clock", state="ok" if sane else "error", text=text)


def _port(told: Config) -> Finding:
    """The port is free, or a Tocsin has it."""
    address = told.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            if _answers(told):
                return Finding(check="port", state="ok", text=f"{address.text}: a Tocsin answers")
            return Finding(check="port", state="error", text=f"{address.text}: {error.strerror}")
    return Finding(check="port", state="ok", text=f"{address.text}: free")


def _answers(told: Config) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(told.listen.host, told.listen.text.rpartition(":")[0])
    try:
        with build_opener(ProxyHandler({})).open(f"http://{host}:{told.listen.port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _logs(told: Config) -> Iterator[Finding]:
    """Whether this user can read the logs that are watched."""
    for watch in told.logs:
        files = followed(watch.files)
        closed = [each for each in files if not os.access(each, os.R_OK)]
        if closed:
            text = f"{watch.name}: this user may not read {closed[0]}"
            yield Finding(check="logs", state="error", text=text)
        elif not files:
            text = f"{watch.name}: no file is called {' or '.join(watch.files)}"
            yield Finding(check="logs", state="warning", text=text)
        else:
            text = f"{watch.name}: {len(files)} file{'s' if len(files) > 1 else ''}, {len(watch.rules)} rules"
            yield Finding(check="logs", state="ok", text=text)


async def _asked(said: PrometheusSetting, hosts: Sequence[str]) -> list[Finding]:
    """Whether Prometheus answers each question."""
    prometheus, now, found = prometheus_of(said, hosts), SystemClock().now(), []
    for each in said.queries:
        state: State = "ok"
        try:
            series = await prometheus.now(each.query, now)
            text = f"{len(series)} series" if series else "an answer without any series"
            state = "ok" if series else "warning"
        except Refused as error:
            text, state = f"is refused: {error}", "error"
        except Unanswered as error:  # nobody answers the others either
            found.append(Finding(check="queries", state="error", text=f"{prometheus.host} does not answer: {error}"))
            break
        found.append(Finding(check="queries", state=state, text=f"{each.name}: {text}"))
    await prometheus.close()
    return found


def _smtp(smtp: Smtp) -> Finding:
    """The mail server takes a connection, encryption and the password; nothing is sent."""
    place = f"{smtp.host}:{smtp.port}"
    secure = ssl.create_default_context()
    try:
        opened: Callable[[], smtplib.SMTP] = (
            (lambda: smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=SMTP_SECONDS, context=secure))
            if smtp.tls == "tls"
            else (lambda: smtplib.SMTP(smtp.host, smtp.port, timeout=SMTP_SECONDS))
        )
        with opened() as server:
            if smtp.tls == "starttls":
                server.starttls(context=secure)
            if smtp.username:
                server.login(smtp.username, smtp.password or "")
            server.ehlo_or_helo_if_needed()
            code, said = server.mail(smtp.sender)
    except (OSError, smtplib.SMTPException) as error:
        return Finding(check="smtp", state="error", text=f"{place}: {error}")
    if code != 250:
        return Finding(check="smtp", state="error", text=f"{place}: refuses mail from {smtp.sender}: {code} {said!r}")
    return Finding(check="smtp", state="ok", text=f"{place}: takes mail from {smtp.sender} (tls: {smtp.tls})")


def _probes(told: Config, clock: Clock) -> Iterator[Finding]:
    """One look at each probe: what it finds now would page, what keeps it from looking never will."""
    for probe, look in zip(told.probes, asyncio.run(looks(told.probes, told.outgoing_hosts, clock)), strict=True):
        found = [f"{probe.name} {each.text}" for each in look.found.values() if each]
        unable = any(each.text.startswith(UNABLE) for each in look.found.values() if each)
        state: State = "error" if unable else "warning" if found else "ok"
        yield Finding(check="probes", state=state, text="; ".join(found) or f"{probe.name}: {target_of(probe)} is fine")
        if probe.secret and (probe.url or "").startswith("http:"):
            text = f"{probe.name}: its secret goes over the network in clear text; use https"
            yield Finding(check="probes", state="warning", text=text)


def _people(told: Config) -> Iterator[Finding]:
    """Of everybody, configured or stored: whether a page to them would go anywhere."""
    known = _everybody(told)
    active = [person for person in known.people.values() if person.active]
    if not active:
        yield Finding(
            check="people", state="error", text="there is nobody to page; add [[people]] or `tocsin person add`"
        )
        return
    for person in active:
        methods = [method for method in person.methods if method.enabled]
        if not reachable(person):
            yield Finding(check="people", state="error", text=f"{person.id}: has no way to be reached")
        elif told.smtp is None and all(method.kind == "email" for method in methods):
            yield Finding(
                check="people", state="error", text=f"{person.id}: is reached by mail only; there is no [smtp]"
            )
        else:
            ways = ", ".join(f"{each.kind} {shown_address(each.kind, each.address)}".rstrip() for each in methods)
            yield Finding(check="people", state="ok", text=f"{person.id}: {ways}")
    yield from _guides(told, known)
    resort = who(known, known.last_resort)
    if known.last_resort and not resort:
        text = f"last_resort: {', '.join(known.last_resort)} means nobody"
        yield Finding(check="people", state="error", text=text)


def _guides(told: Config, known: Directory) -> Iterator[Finding]:
    """Of the guides in force: whether the words of every level mean anybody, and whom they owe news has a channel."""
    if not told.database.is_file():
        return
    try:
        with closing(connect(told.database, read_only=True)) as db:
            snapshot = Snapshot(SystemClock(), db)
            guides = Guides(snapshot).active(told.tenant)
            stored = stored_audiences(snapshot, told.tenant, told.audiences)
    except sqlite3.Error:
        return  # the database check has said so
    for guide in guides:
        yield from _words(guide, known)
    for gap in unheard([(each.name, each.policy) for each in guides], stored):
        yield Finding(check="guides", state="warning", text=f"guide {gap.guide}: {gap.text}")


def _words(guide: Guide, known: Directory) -> Iterator[Finding]:
    for ladder in (guide.policy.escalation, *guide.policy.escalations.values()):
        for level in ladder.levels:
            words = tuple(word for word in level.who if word.casefold() != "owner")  # depends on the alert's service
            if words and not any(reachable(person) for person in who(known, words)):
                said = ", ".join(repr(word) for word in words)
                text = f"guide {guide.name}, level {level.level}: {said} means nobody; add it to [bindings]"
                yield Finding(check="guides", state="warning", text=text)


def _everybody(told: Config) -> Directory:
    """What is stored, and what the file says, which wins."""
    mine = told.directory
    if not told.database.is_file():
        return mine
    try:
        with closing(connect(told.database, read_only=True)) as db:
            stored = read_directory(Snapshot(SystemClock(), db), told.tenant)
    except sqlite3.Error:
        return mine  # the database check has said so
    return Directory(
        people={**stored.people, **mine.people},
        teams={**stored.teams, **mine.teams},
        services={**stored.services, **mine.services},
        bindings={**stored.bindings, **mine.bindings},
        last_resort=mine.last_resort or stored.last_resort,
    )
