"""`tocsin alert` and `tocsin silence`: amtool's commands, flags and output, against Tocsin or any Alertmanager.

What differs: `silence query` and `alert query` end with 3 when nothing matched, an unusable argument with 2, a refusal
by the server with 1; `silence update --quiet` prints ids.
"""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from tocsin.cli import amformat
from tocsin.cli.amclient import Client, Failed, client, segment
from tocsin.cli.output import harmless, note, plain, safe_json, say
from tocsin.clock import SystemClock
from tocsin.core.matchers import parse_matcher
from tocsin.core.policy import Matcher
from tocsin.unreadable import because

FAILED, USAGE, NO_MATCH = 1, 2, 3
OUTPUTS = ("simple", "extended", "json")
UNSET = "0001-01-01T00:00:00.000Z"  # what amtool sends for a time that was not given
DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
MILLISECONDS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)

alert_app = typer.Typer(help="Query, add and explain alerts.", no_args_is_help=False)
silence_app = typer.Typer(help="Query, add, update, import and expire silences.", no_args_is_help=True)

Url = Annotated[
    str | None, typer.Option("--url", "--alertmanager.url", help="The server. [default: TOCSIN_URL or local]")
]
Output = Annotated[str, typer.Option("--output", "--format", "-o", help="simple, extended or json")]
Timeout = Annotated[str, typer.Option("--timeout", help="How long to wait for the server")]
Groups = Annotated[list[str] | None, typer.Argument(metavar="[MATCHER]...", help="service=checkout 'team=~db.*' ...")]
Start = Annotated[str | None, typer.Option("--start", help="When it starts: RFC 3339, 2006-01-02T15:04:05-07:00")]
End = Annotated[str | None, typer.Option("--end", help="When it ends: RFC 3339, 2006-01-02T15:04:05-07:00")]


# --- alert ------------------------------------------------------------------------------------------------------------


@alert_app.command("query")
def query_alerts(
    groups: Groups = None,
    inhibited: Annotated[bool, typer.Option("--inhibited", "-i", help="Show inhibited alerts")] = False,
    silenced: Annotated[bool, typer.Option("--silenced", "-s", help="Show silenced alerts")] = False,
    active: Annotated[bool, typer.Option("--active", "-a", help="Show active alerts")] = False,
    unprocessed: Annotated[bool, typer.Option("--unprocessed", "-u", help="Show unprocessed alerts")] = False,
    receiver: Annotated[str, typer.Option("--receiver", "-r", help="Show alerts that go to it (a regex)")] = "",
    url: Url = None,
    output: Output = "simple",
    timeout: Timeout = "30s",
) -> None:
    """Show alerts. Without a state, the active ones. A first word without an operator is the alert's name."""
    _check_output(output)
    if not (inhibited or silenced or active or unprocessed):
        active = True
    flags = (("active", active), ("inhibited", inhibited), ("silenced", silenced), ("unprocessed", unprocessed))
    query = [(name, "true" if wanted else "false") for name, wanted in flags]
    query += [("filter", text) for text in _filters(groups)]
    if receiver:
        query.append(("receiver", receiver))
    found = _answered(lambda: _client(url, timeout).get("/api/v2/alerts", query))
    _print(amformat.alerts(found, output), found)


@alert_app.command("add")
def add_alert(
    labels: Annotated[
        list[str] | None, typer.Argument(metavar="[LABEL]...", help="HighErrorRate service=checkout")
    ] = None,
    annotation: Annotated[list[str] | None, typer.Option("--annotation", help="summary='5xx above 10 %'")] = None,
    generator_url: Annotated[str, typer.Option("--generator-url", help="What raised the alert")] = "",
    start: Start = None,
    end: End = None,
    url: Url = None,
    timeout: Timeout = "30s",
) -> None:
    """Hand in an alert. A first word without an operator is its name."""
    given = _labels(_named(labels), "label")
    alert: dict[str, Any] = {
        "labels": given,
        "annotations": _labels(list(annotation or ()), "annotation"),
        "startsAt": _wire(_instant("start", start)) if start else UNSET,
        "endsAt": _wire(_instant("end", end)) if end else UNSET,
    }
    if generator_url:
        alert["generatorURL"] = generator_url
    _answered(lambda: _client(url, timeout).post("/api/v2/alerts", [alert]))


@alert_app.command("explain")
def explain_alert(
    fingerprint: Annotated[str, typer.Argument(help="As `alert query -o json` shows it")],
    url: Url = None,
    output: Output = "simple",
    timeout: Timeout = "30s",
) -> None:
    """Say why an alert did what it did: which route, which incident, or why nobody was paged."""
    _check_output(output)
    path = f"/api/alerts/{segment(fingerprint)}/explain"
    try:
        told = _client(url, timeout).get(path)
    except Failed as error:
        _fail(str(error), NO_MATCH if error.status == 404 else FAILED)
    if output == "json":
        say(safe_json(told))
        return
    say(f"{told['fingerprint']} is {told['state']}")
    for sentence in told.get("because", ()):
        say(f"  {plain(sentence)}")
    if output == "extended":
        for name, value in told.get("details", {}).items():
            say(f"  {name}: {plain(value) if isinstance(value, str) else safe_json(value)}")


@alert_app.callback(invoke_without_command=True)
def alerts(context: typer.Context, url: Url = None, output: Output = "simple", timeout: Timeout = "30s") -> None:
    """Without a command: `alert query`."""
    if context.invoked_subcommand is None:
        query_alerts(url=url, output=output, timeout=timeout, receiver="")


# --- silence ----------------------------------------------------------------------------------------------------------


@silence_app.command("query")
def query_silences(
    groups: Groups = None,
    expired: Annotated[bool, typer.Option("--expired", help="Show expired silences instead")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show ids only")] = False,
    created_by: Annotated[str, typer.Option("--created-by", help="Show those of this author")] = "",
    within: Annotated[str, typer.Option("--within", help="Show those that end, or ended, within a duration")] = "",
    url: Url = None,
    output: Output = "simple",
    timeout: Timeout = "30s",
) -> None:
    """Show silences that stand or will stand; with --expired, those that are over."""
    _check_output(output)
    span = _duration("within", within) if within else None
    query = [("filter", text) for text in _filters(groups)]
    stored = _answered(lambda: _client(url, timeout).get("/api/v2/silences", query))
    now = SystemClock().now()
    found = []
    for silence in stored:
        ends = amformat.read_date(silence["endsAt"])
        if (ends < now) is not expired or (created_by and silence["createdBy"] != created_by):
            continue
        if span is not None and abs(ends - now) > span:
            continue
        found.append(silence)
    _print("".join(f"{each['id']}\n" for each in found) if quiet else amformat.silences(found, output), found)


@silence_app.command("add")
def add_silence(
    groups: Groups = None,
    author: Annotated[str, typer.Option("--author", "-a", help="[default: your user name]")] = "",
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why")] = "",
    duration: Annotated[str, typer.Option("--duration", "-d", help="How long")] = "1h",
    require_comment: Annotated[bool, typer.Option(help="Refuse a silence without a comment")] = True,
    start: Start = None,
    end: End = None,
    url: Url = None,
    timeout: Timeout = "30s",
) -> None:
    """Silence the alerts that all matchers match; prints the silence's id."""
    matchers = [_matcher(text) for text in _named(groups)]
    if not matchers:
        _fail("no matchers specified", USAGE)
    if require_comment and not comment:
        _fail("a comment is required: say why with --comment", USAGE)
    starts = _instant("start", start) if start else SystemClock().now()
    ends = _instant("end", end) if end else _after(starts, "duration", duration)
    if starts > ends:
        _fail("silence cannot start after it ends", USAGE)
    silence = {
        "matchers": [_matcher_json(each) for each in matchers],
        "startsAt": _wire(starts),
        "endsAt": _wire(ends),
        "createdBy": author or getpass.getuser(),
        "comment": comment,
    }
    say(_answered(lambda: _client(url, timeout).post("/api/v2/silences", silence))["silenceID"])


@silence_app.command("expire")
def expire_silences(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...")] = None, url: Url = None, timeout: Timeout = "30s"
) -> None:
    """End silences now."""
    if not ids:
        _fail("no silence IDs specified", USAGE)
    server = _client(url, timeout)
    for name in ids:
        _answered(partial(server.delete, f"/api/v2/silence/{segment(name)}"), f"silence {name}: ")


@silence_app.command("update")
def update_silences(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...")] = None,
    duration: Annotated[str, typer.Option("--duration", "-d", help="How long, from its start")] = "",
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show ids only")] = False,
    start: Start = None,
    end: End = None,
    url: Url = None,
    output: Output = "simple",
    timeout: Timeout = "30s",
) -> None:
    """Change silences; one whose start or matchers change is ended, and another takes over."""
    _check_output(output)
    if not ids:
        _fail("no silence IDs specified", USAGE)
    server = _client(url, timeout)
    updated = []
    for name in ids:
        place = f"silence {name}: "
        silence = _answered(partial(server.get, f"/api/v2/silence/{segment(name)}"), place)
        if start:
            silence["startsAt"] = _wire(_instant("start", start))
        starts = amformat.read_date(silence["startsAt"])
        if end:
            silence["endsAt"] = _wire(_instant("end", end))
        elif duration:
            silence["endsAt"] = _wire(_after(starts, "duration", duration))
        if starts > amformat.read_date(silence["endsAt"]):
            _fail(f"{place}it cannot start after it ends", USAGE)
        if comment:
            silence["comment"] = comment
        silence["id"] = _answered(partial(server.post, "/api/v2/silences", silence), place)["silenceID"]
        updated.append(silence)
    _write("".join(f"{each['id']}\n" for each in updated) if quiet else amformat.silences(updated, output))


@silence_app.command("import")
def import_silences(
    file: Annotated[Path | None, typer.Argument(help="JSON as `silence query -o json` writes it; none: stdin")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Add them even if they exist")] = False,
    url: Url = None,
    timeout: Timeout = "30s",
) -> None:
    """Add silences from a file; those that are stored already are updated. Prints their ids."""
    try:
        silences = json.loads(file.read_text("utf-8") if file else sys.stdin.read())
    except (OSError, UnicodeDecodeError) as error:
        _fail(because(file or "stdin", "a JSON array of silences", error), USAGE)
    except ValueError as error:
        _fail(f"{file or 'stdin'}: expected a JSON array of silences: {error}", USAGE)
    if not isinstance(silences, list) or not all(isinstance(each, dict) for each in silences):
        _fail(f"{file or 'stdin'}: expected a JSON array of silences", USAGE)
    server = _client(url, timeout)
    failed = 0
    for silence in silences:
        try:
            say(_imported(server, silence, force)["silenceID"])
        except Failed as error:
            failed += 1
            note(f"error adding silence id={silence.get('id', '')!r}: {error}")
    if failed:
        _fail(f"could not import {failed} of {len(silences)} silences", FAILED)


def _imported(server: Client, silence: dict[str, Any], force: bool) -> Any:
    nameless = {name: value for name, value in silence.items() if name != "id"}
    if force or not silence.get("id"):
        return server.post("/api/v2/silences", nameless)
    try:
        return server.post("/api/v2/silences", silence)
    except Failed as error:
        if error.status != 404:
            raise
        return server.post("/api/v2/silences", nameless)


# --- what the commands share ------------------------------------------------------------------------------------------


def _client(url: str | None, timeout: str) -> Client:
    return client(url, _duration("timeout", timeout).total_seconds())


def _answered(ask: Callable[[], Any], place: str = "") -> Any:
    try:
        return ask()
    except Failed as error:
        _fail(f"{place}{error}", FAILED)


def _print(text: str, found: list[Any]) -> None:
    _write(text)
    if not found:
        raise typer.Exit(NO_MATCH)


def _write(text: str) -> None:
    sys.stdout.write(harmless(text))


def _fail(message: str, code: int) -> NoReturn:
    note(f"error: {message}")
    raise typer.Exit(code)


def _check_output(output: str) -> None:
    if output not in OUTPUTS:
        _fail(f"output: expected one of {', '.join(OUTPUTS)}, got {output!r}", USAGE)


def _named(groups: list[str] | None) -> list[str]:
    """The words; a first one that is no matcher is the alert's name, as amtool reads it."""
    words = list(groups or ())
    if words and not _is_matcher(words[0]):
        words[0] = f"alertname={words[0]}"
    return words


def _filters(groups: list[str] | None) -> list[str]:
    words = _named(groups)
    for word in words:
        _matcher(word)
    return words


def _is_matcher(text: str) -> bool:
    try:
        parse_matcher(text)
    except ValueError:
        return False
    return True


def _matcher(text: str) -> Matcher:
    try:
        return parse_matcher(text)
    except ValueError as error:
        _fail(f"{text!r}: {error}", USAGE)


def _matcher_json(matcher: Matcher) -> dict[str, Any]:
    return {
        "isEqual": matcher.is_equal, "isRegex": matcher.is_regex, "name": matcher.name, "value": matcher.value,
    }  # fmt: skip


def _labels(words: list[str], what: str) -> dict[str, str]:
    found = {}
    for word in words:
        matcher = _matcher(word)
        if matcher.is_regex or not matcher.is_equal:
            _fail(f"{what}: expected name=value, got {word!r}", USAGE)
        found[matcher.name] = matcher.value
    return found


def _instant(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        _fail(f"{name}: expected a time such as 2026-11-23T08:00:00+01:00, got {text!r}", USAGE)
    return at.astimezone(UTC)


def _duration(name: str, text: str) -> timedelta:
    found = DURATION.fullmatch(text)
    if not found or not text:
        _fail(f"{name}: expected a duration such as 30m, 1h30m or 2d, got {text!r}", USAGE)
    try:
        return timedelta(
            milliseconds=sum(int(n or 0) * unit for n, unit in zip(found.groups(), MILLISECONDS, strict=True))
        )
    except OverflowError:
        _fail(f"{name}: expected a duration of less than 2,000 years, got {text!r}", USAGE)


def _after(starts: datetime, name: str, text: str) -> datetime:
    span = _duration(name, text)
    if not span:
        _fail(f"{name}: expected a duration greater than 0, got {text!r}", USAGE)
    try:
        return starts + span
    except OverflowError:
        _fail(f"{name}: expected an end before the year 10000, got {text!r}", USAGE)


def _wire(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
