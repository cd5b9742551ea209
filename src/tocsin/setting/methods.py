"""Ways to reach somebody, as people write them: a short text, or a table."""

from __future__ import annotations

import re
from typing import Any, get_args

from tocsin.core.audiences import Channel
from tocsin.core.people import Method, MethodKind, NotificationRule, NotificationRules
from tocsin.core.push import EXPECTED, address_of, subscription_of
from tocsin.setting.kinds import Wrong, flag, one_of, span, text

METHOD_WORDS = (
    "a mail address, ntfy://HOST/TOPIC, https://..., slack:ID, telegram:ID, sms:+1..., voice:+1..., teams:URL, "
    "console, apprise:URL, or a table {kind, address}"
)
BY_ID = ("slack", "telegram")  # addressed by what the service calls a person or a channel
BY_HOOK = ("teams", "mattermost", "discord", "rocketchat")  # addressed by the URL of an incoming webhook


def channels(value: Any) -> tuple[Channel, ...]:
    """Where an audience is told: `NAME=KIND:ADDRESS`, a way to reach somebody, or tables of kind, address and name."""
    if not isinstance(value, list):
        raise Wrong('a list of channels, such as ["#incidents=slack:C0123", "all@example.org"]')
    return tuple(_channel(each) for each in value)


def _channel(value: Any) -> Channel:
    given = ""
    if isinstance(value, str):
        head, equals, rest = value.partition("=")
        given, value = (head.strip(), rest) if equals and ":" not in head and "@" not in head else ("", value)
    elif isinstance(value, dict) and "name" in value:
        given = text(value["name"])
        value = {key: each for key, each in value.items() if key != "name"}
    found = method(value)
    return Channel(kind=found.kind, address=found.address, name=given)


def method(value: Any) -> Method:
    """A way to reach somebody, as a short text or as a table."""
    if isinstance(value, str):
        return _short_method(value.strip())
    if not isinstance(value, dict):
        raise Wrong(METHOD_WORDS)
    known = {"kind", "address", "after", "after_seconds", "enabled"}
    unknown = sorted(set(value) - known)
    if unknown or "kind" not in value:
        raise Wrong("a table with kind, address, after and enabled" + (f", not {unknown[0]}" if unknown else ""))
    kind = one_of(*get_args(MethodKind))(value["kind"])
    where = text(value["address"]) if value.get("address") else ""
    if kind != "console" and not where:
        raise Wrong(f"an address for {kind}")
    if kind == "ntfy" and "://" in where:
        where = _ntfy(where)
    if kind in BY_HOOK and not where.startswith(("https://", "http://")):
        raise Wrong(f"the webhook's URL for {kind}")
    if kind == "webpush":
        where = _device(where)
    after = span(0, 7 * 86_400)(value.get("after", value.get("after_seconds", 0)))
    enabled = flag(value.get("enabled", True))
    return Method(kind=kind, address=where, after_seconds=after, enabled=enabled)  # type: ignore[arg-type]


def _short_method(said: str) -> Method:
    scheme, _, rest = said.partition(":")
    match scheme.casefold():
        case "console":
            return Method(kind="console", address=rest)
        case "apprise" if rest:
            return Method(kind="apprise", address=rest)
        case "mailto" | "email" if "@" in rest:
            return Method(kind="email", address=rest)
        case "http" | "https" if rest.startswith("//"):
            return Method(kind="webhook", address=said)
        case "ntfy" if rest.startswith(("http://", "https://")):
            return Method(kind="ntfy", address=_ntfy(rest))
        case "webhook" if rest.startswith(("http://", "https://")):
            return Method(kind="webhook", address=rest)
        case "slack" | "telegram" as kind if rest and "/" not in rest:
            return Method(kind=kind, address=rest)
        case "sms" | "voice" as kind if rest.startswith("+"):
            return Method(kind=kind, address=rest)
        case "teams" | "mattermost" | "discord" | "rocketchat" as kind if rest.startswith(("http://", "https://")):
            return Method(kind=kind, address=rest)
        case "ntfy" | "ntfys" | "ntfy+http" | "ntfy+https" if rest.startswith("//"):
            return Method(kind="ntfy", address=_ntfy(said))
    if re.fullmatch(r"[^\s@:/]+@[^\s@/]+", said):
        return Method(kind="email", address=said)
    raise Wrong(METHOD_WORDS)


def _device(said: str) -> str:
    """A browser's subscription; the page "This device" of the browser adds it without anybody writing it."""
    try:
        return address_of(subscription_of(said))
    except ValueError as error:
        raise Wrong(EXPECTED, "another address for webpush") from error


def _ntfy(said: str) -> str:
    """The topic's URL. ntfy:// is https, as on ntfy.sh; a server without TLS is ntfy+http://."""
    scheme, _, rest = said.partition("://")
    if "/" not in rest.rstrip("/"):
        raise Wrong("ntfy://HOST/TOPIC")
    return f"{'http' if scheme.casefold() in ('http', 'ntfy+http') else 'https'}://{rest}"


def methods(value: Any) -> tuple[Method, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise Wrong(f"a list of {METHOD_WORDS}")
    found = []
    for n, each in enumerate(value):
        try:
            found.append(method(each))
        except Wrong as wrong:
            got = wrong.got or (repr(each) if isinstance(each, str) else "a table")
            raise Wrong(f"{wrong} as [{n}]", got) from None
    return tuple(found)


RULE_WORDS = 'a method such as "email", "sms:+4912345" or, after five minutes, "5m=voice"'


def rules(value: Any) -> NotificationRules:
    """`{high = ["sms", "5m=voice"], low = ["email"]}`: by what and when a person is told, by urgency of the page."""
    if not isinstance(value, dict):
        raise Wrong('a table such as {high = ["sms", "5m=voice"], low = ["email"]}')
    unknown = sorted(set(value) - {"high", "low"})
    if unknown:
        raise Wrong(f"the lists high and low, not {unknown[0]}")
    found = {}
    for urgency, said in value.items():
        if not isinstance(said, list) or not all(isinstance(each, str) and each for each in said):
            raise Wrong(f"a list of methods as {urgency}: {RULE_WORDS}")
        found[urgency] = tuple(_rule(each) for each in said)
    return NotificationRules(**found)


def _rule(said: str) -> NotificationRule:
    head, equals, rest = said.partition("=")
    late = bool(equals) and head[:1].isdigit()
    named = rest if late else said
    if named.partition(":")[0].casefold() not in get_args(MethodKind):
        raise Wrong(RULE_WORDS, repr(said))
    return NotificationRule(after_seconds=span(0, 7 * 86_400)(head) if late else 0, method=named)
