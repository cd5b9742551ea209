"""`tocsin audit`: is the record whole, who did what, an export that proves itself, what must be erased."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.anchors.places import AnchorFailed, home, run
from tocsin.audit import audited, known_keys, opened
from tocsin.cli.client import connect
from tocsin.cli.output import NO_MATCH, USAGE, Stop, fail, note, plain, say, show, show_json
from tocsin.cli.settings import ConfigFile, DataDir, configured
from tocsin.cli.verbs import FORMAT
from tocsin.clock import SystemClock
from tocsin.proof.exporting import export as exported
from tocsin.proof.notary import own_signer
from tocsin.proof.outside import kept_locally
from tocsin.setting.config import Config
from tocsin.unreadable import because
from tocsin.verifier import Report, Signed
from tocsin.verify_export import UNREADABLE, as_json, check, read_held, status, told, unread

app = typer.Typer(help="The audit trail.")

TENANT = Annotated[str | None, typer.Option("--tenant", help="whose log; else that of TOCSIN_TENANT, or the own")]
ANCHORS = Annotated[
    list[Path] | None, typer.Option("--anchor", help="a checkpoint, or a directory of them, that was kept outside")
]
KEYS = Annotated[list[str] | None, typer.Option("--key", help="a verifier key as you wrote it down")]


@app.command()
def verify(
    source: Annotated[
        Path | None, typer.Argument(metavar="[EXPORT]", help="an export; without it, the database")
    ] = None,
    anchor: ANCHORS = None,
    key: KEYS = None,
    tenant: TENANT = None,
    config: ConfigFile = None,
    data: DataDir = None,
    form: FORMAT = "table",
) -> None:
    """Say whether the record is whole. Exits 0 valid, 1 violations, 4 could not verify. The server may run."""
    if source is not None:
        report, notes = _export(source, anchor or [], key or [])
    else:
        report, notes = _database(*_chosen(config, data, tenant), anchor or [], key or [])
    say(as_json(report, notes) if form == "json" else plain_lines(told(report, notes)))
    if status(report):
        raise Stop(code=status(report))


def plain_lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.splitlines())


def _chosen(config: Path | None, data: str | None, tenant: str | None) -> tuple[Config, str]:
    """The configuration of the tenant, and its name. One that nobody knows has no log, which the database says."""
    told = configured(config, data)
    try:
        return configured(config, data, tenant=tenant) if tenant else told, tenant or told.tenant
    except Stop:
        return told, tenant or told.tenant


def _export(source: Path, anchors: Sequence[Path], keys: Sequence[str]) -> tuple[Report, list[str]]:
    try:
        return check(source, keys, anchors)
    except UNREADABLE as error:
        report = unread(error, str(source))
        if isinstance(error, OSError) and str(error.filename) == str(source):
            report = Report(problems=[because(source, "an export of the audit trail", error)])
        return report, []


def _database(said: Config, tenant: str, anchors: Sequence[Path], keys: Sequence[str]) -> tuple[Report, list[str]]:
    try:
        return _audited(said, tenant, anchors, keys)
    except sqlite3.Error as error:
        return Report(problems=[f"{said.database}: expected Tocsin's database, whole: {error}"]), []
    except (OSError, ValueError, AnchorFailed) as error:
        return unread(error, str(said.database)), []


def _audited(said: Config, tenant: str, anchors: Sequence[Path], keys: Sequence[str]) -> tuple[Report, list[str]]:
    if not said.database.is_file():
        raise ValueError(f"{said.database}: expected a database, found none")
    notes = []
    with _configured_anchors(said, tenant) as (found, empty):
        places = [*anchors, *found]
        if not places:
            notes.append("no anchor is configured or given: what somebody with database and key rewrote is not found")
        if not keys:
            keys = _own_keys(said)
            notes.append("no --key was given: the keys of this installation were used")
        report = audited(said.database, tenant, anchors=places, trusted_keys=keys)
        report.problems += empty
        return report, notes


@contextmanager
def _configured_anchors(said: Config, tenant: str) -> Iterator[tuple[list[Path], list[str]]]:
    """Where the configured places hold something of this tenant now, and the names of those that hold nothing, as one
    that somebody emptied. Of a git remote a fresh clone, for the one here may have been edited."""
    with tempfile.TemporaryDirectory() as scratch:
        found: list[Path] = []
        empty: list[str] = []
        for each in said.anchors:
            if each.kind == "git":
                folder = Path(scratch) / each.name
                run(("git", "clone", "-q", "--branch", "anchors", each.to, str(folder)))
            elif each.kind == "directory":
                folder = kept_locally(said, each)
            else:
                continue
            place = home(folder, tenant)
            if any(place.glob("*.note")):
                found.append(place)
            else:
                empty.append(f"anchor {each.name}: expected checkpoints of {tenant} in {each.to}, found none")
        yield found, empty


def _own_keys(said: Config) -> list[str]:
    """The signer's key, asked of the signer, and those that the log names as older ones."""
    if not said.database.is_file():
        return []
    with opened(said.database) as store:
        known = known_keys(store, said.tenant)
    command = said.audit_signer or own_signer(said.data / "signer")
    if said.audit_signer is None and not (said.data / "signer" / "key").exists():
        return known
    own = run((*command, "public", "")).strip()
    return [*(each for each in known if each != own), own]


@app.command()
def key(config: ConfigFile = None, data: DataDir = None) -> None:
    """Print the verifier keys. Write them down somewhere else: they are what `--key` takes."""
    found = _own_keys(configured(config, data))
    for each in found:
        say(each)
    if not found:
        fail("nothing was signed yet", NO_MATCH)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", help="how many", min=1, max=10_000)] = 50,
    form: FORMAT = "table",
) -> None:
    """Who did what, newest first."""
    rows: list[dict[str, Any]] = []
    before = None
    client = connect()
    while len(rows) < limit:
        page = client.get("/api/audit", before=before, limit=min(500, limit - len(rows)))
        rows += page["items"]
        before = page["next"]
        if before is None:
            break
    show(rows, ["seq", "at", "actor", "action", "resource", "detail"], form)


@app.command("status")
def status_(form: FORMAT = "table") -> None:
    """How much of the record nobody here can rewrite unnoticed."""
    found = connect().get("/api/audit/protection")
    if form == "json":
        show_json(found)
        return
    if found["at"] is None:
        say(f"{found['entries']} entries, signed up to {found['signed']}; nothing was anchored outside")
    else:
        say(f"protected up to entry {found['size']} of {found['entries']}, anchored {plain(found['at'])}")
    for name, why in found["failing"].items():
        note(plain(f"{name} fails: {why}"))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="the file to write, such as audit.zip")],
    incident: Annotated[str | None, typer.Option("--incident", help="only this one, with proofs")] = None,
    tenant: TENANT = None,
    config: ConfigFile = None,
    data: DataDir = None,
) -> None:
    """Write the record into one file that proves itself: `python3 FILE` verifies it. The export is recorded too."""
    said, tenant = _chosen(config, data, tenant)
    if not said.database.is_file():
        fail(f"{said.database}: expected a database, found none")
    connect().call("POST", "/api/audit/exports", {"what": f"{file.name}: {incident or 'everything'}"})
    part = file.with_name(f".{file.name}.part")
    try:
        with (
            opened(said.database) as store,
            _configured_anchors(said, tenant) as (places, _),
            os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out,
        ):
            stream = (store.find(tenant, incident) or incident) if incident else None
            if stream is not None and store.index(tenant, stream) is None:
                fail(f"incident: there is none called {incident!r}", NO_MATCH)
            held: list[Signed] = [each for place in places for each in read_held(place)]
            now = SystemClock().now()
            about = {"name": file.name, "version": version("tocsin"), "at": now}
            count = exported(store, tenant, out, anchored=held, incident=stream, **about)  # type: ignore[arg-type]
            out.flush()
            os.fsync(out.fileno())
        shutil.move(part, file)
    except OSError as error:
        fail(because(error.filename or file, "a file that can be used", error), USAGE)
    except (ValueError, AnchorFailed) as error:
        fail(str(error))
    finally:
        part.unlink(missing_ok=True)
    say(f"{file}: {count} entries; verify with: python3 {file}")


@app.command()
def erase(
    because: Annotated[str, typer.Option("--because", help="why; it is recorded")],
    seq: Annotated[list[int] | None, typer.Option("--entry", help="the number of an entry")] = None,
    person: Annotated[str | None, typer.Option("--person", help="how they were to be reached")] = None,
    form: FORMAT = "table",
) -> None:
    """Take contents out of the record for good. The entries, who did what and when, stay and stay provable."""
    body = {"because": because, "seqs": seq or [], "person": person}
    found = connect().call("POST", "/api/audit/erasures", body)
    if form == "json":
        show_json(found)
    else:
        say(f"{len(found['entries'])} contents are gone")
