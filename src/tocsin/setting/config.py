"""What this installation was told: tocsin.toml, the environment and flags, checked, as values.

A flag beats the environment, the environment beats the file. Everything wrong is reported at once, each with the key,
what was expected, what came, and the line where the file says it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from tocsin.core.audiences import StoredAudience
from tocsin.core.hooks import Hook
from tocsin.core.logwatch import LogWatch
from tocsin.core.people import Directory, Method, Person, Service, Team
from tocsin.core.policy import BusinessHours
from tocsin.core.probe import Probe
from tocsin.core.tenants import Limits, Tenant
from tocsin.core.twoway import URLS, Back
from tocsin.ports import DEFAULT_TENANT
from tocsin.setting.access import AccessSetting, access_setting
from tocsin.setting.evidence import EvidenceSetting, evidence_setting
from tocsin.setting.file import ConfigError, Flaw, read, secrets_in
from tocsin.setting.hours import SECTION, hours_setting
from tocsin.setting.kinds import Address
from tocsin.setting.logs import log_watches
from tocsin.setting.oidc import Oidc, oidc_from
from tocsin.setting.probes import probe_settings
from tocsin.setting.prometheus import PrometheusSetting, prometheus_setting
from tocsin.setting.remedies import Binding, bindings
from tocsin.setting.table import BY_NAME
from tocsin.setting.tenants import tenant_rows

FILE = "tocsin.toml"
TOKEN_MIN = 16  # characters of a source's token: it is all that stands between a stranger and a page at night
_SMTP_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_LOCAL = ("localhost", "127.0.0.1", "::1")


Tls = Literal["none", "starttls", "tls"]


class Smtp(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    sender: str
    username: str | None
    password: str | None
    tls: Tls


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    allow_private: bool
    secret: str | None
    push_private: bool = False


class Slack(msgspec.Struct, frozen=True, kw_only=True):
    """`bot_token` is there whenever this is; the other secrets switch on what Slack sends to us."""

    bot_token: str
    signing_secret: str | None
    app_token: str | None
    channel: str | None
    channel_severities: tuple[str, ...]
    incident_channels: tuple[str, ...]
    archive: bool
    api_url: str


class Telegram(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    api_url: str


class TrackerSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Where tickets are opened; `severities` get one without being asked."""

    id: str
    kind: Literal["github", "gitlab", "jira"]
    project: str
    token: str
    url: str | None
    user: str | None
    issue_type: str
    labels: tuple[str, ...]
    severities: tuple[str, ...]


class Twilio(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    token: str
    sender: str
    api_url: str


class SourceSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A source of alerts as configured; only the digest of `token` may be stored."""

    name: str
    kind: str
    token: str
    service: str | None
    mapping: dict[str, Any] | None
    secret: str | None
    acknowledge: Back | None = None


class MonitorSetting(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    every_seconds: int
    grace_seconds: int
    service: str | None
    severity: str
    labels: dict[str, str]
    armed: bool


class AnchorSetting(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: Literal["directory", "git", "email", "webhook", "timestamp"]
    to: str


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, with defaults filled in. `file` None: there was none. `public_url` has no slash at its end.

    `warnings`: what is probably not meant, in sentences; the server starts all the same.
    """

    file: Path | None
    listen: Address
    public_url: str
    data: Path
    database: Path
    secret_file: Path
    zone: str
    smtp: Smtp | None
    webhook: Webhook
    slack: Slack | None
    telegram: Telegram | None
    trackers: tuple[TrackerSetting, ...]
    twilio: Twilio | None
    directory: Directory
    sources: tuple[SourceSetting, ...]
    monitors: tuple[MonitorSetting, ...]
    logs: tuple[LogWatch, ...] = ()
    prometheus: PrometheusSetting | None = None
    remedies: tuple[Binding, ...] = ()
    status_export: Path | None
    status_export_url: str | None
    status_allow_private: bool
    watchdog_person: str | None
    watchdog_late_seconds: int
    access: AccessSetting
    journal_retained_bytes: int
    porch: bool
    channel_test_seconds: int
    audit_signer: tuple[str, ...] | None = None
    audit_every_seconds: int = 300
    anchors: tuple[AnchorSetting, ...] = ()
    hooks: tuple[Hook, ...] = ()
    audiences: tuple[StoredAudience, ...] = ()
    oidc: Oidc | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secrets: tuple[str, ...] = ()
    secret_files: tuple[Path, ...] = ()
    tenant: str = DEFAULT_TENANT
    limits: Limits = Limits()
    tenants: tuple[Tenant, ...] = ()
    outgoing_hosts: tuple[str, ...] = ()
    evidence: EvidenceSetting
    business_hours: BusinessHours | None = None
    probes: tuple[Probe, ...] = ()
    warnings: tuple[str, ...] = ()


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str | None] | None = None) -> Config:
    """The configuration. `file` None: `TOCSIN_CONFIG`, else tocsin.toml here if there is one; a file that is named
    must exist. `flags`: setting name -> text, None where the flag was not given. Raises configfile.ConfigError."""
    named = file or (Path(environ["TOCSIN_CONFIG"]) if environ.get("TOCSIN_CONFIG") else None)
    said = read(named or (Path(FILE) if Path(FILE).is_file() else None), environ, flags or {})
    return msgspec.structs.replace(_config(said.values, said.file), secret_files=said.secret_files)


def _config(values: dict[str, Any], file: Path | None) -> Config:
    def of(name: str) -> Any:
        return values.get(name, BY_NAME[name].default)

    data, listen, database_url = Path(of("server.data")), of("server.listen"), of("server.database_url")
    tenants = tenant_rows(values["tenants"], file)
    directory = msgspec.structs.replace(
        _directory(values, of("paging.last_resort")),
        low_urgency=of("paging.low_urgency"),
        unverified=of("paging.unverified"),
    )
    sources = _sources(values, file)
    return Config(
        file=file,
        listen=listen,
        public_url=of("server.public_url") or f"http://{visible(listen).text}",
        data=data,
        database=Path(database_url.removeprefix("sqlite:///")) if database_url else data / "tocsin.db",
        secret_file=Path(of("server.secret_file") or data / "secret"),
        zone=of("server.zone"),
        smtp=_smtp(of) if "smtp.host" in values else None,
        webhook=Webhook(**{name: of(f"webhook.{name}") for name in Webhook.__struct_fields__}),
        slack=_slack(of) if of("slack.bot_token") else None,
        twilio=_twilio(of) if of("twilio.account") and of("twilio.token") else None,
        telegram=_telegram(of) if of("telegram.token") else None,
        trackers=tuple(_tracker(n, row, file) for n, row in enumerate(values["trackers"])),
        directory=directory,
        sources=sources,
        monitors=tuple(_monitor(row) for row in values["monitors"]),
        logs=log_watches(values["logs"], file),
        remedies=bindings(values["remedies"]),
        prometheus=prometheus_setting(of, values["queries"], str(file or FILE)),
        channel_test_seconds=of("paging.channel_test"),
        status_export=Path(of("status.export")) if of("status.export") else None,
        status_export_url=of("status.export_url"),
        status_allow_private=of("status.allow_private"),
        watchdog_person=of("watchdog.person"),
        watchdog_late_seconds=of("watchdog.late_seconds"),
        access=access_setting(of, data),
        journal_retained_bytes=of("intake.journal_retained_mb") * 1024 * 1024,
        porch=of("intake.porch"),
        audit_signer=tuple(shlex.split(of("audit.signer"))) if of("audit.signer") else None,
        audit_every_seconds=of("audit.every"),
        anchors=tuple(AnchorSetting(**row) for row in values["anchors"]),
        hooks=tuple(Hook(**row) for row in values["hooks"]),
        audiences=tuple(_audience(row) for row in values["audiences"]),
        oidc=oidc_from(of, str(file or FILE)) if of("oidc.issuer") else None,
        log_level=of("server.log_level"),
        outgoing_hosts=of("server.outgoing_hosts"),
        secrets=tuple(secrets_in(values)),
        limits=tenants[DEFAULT_TENANT].limits if DEFAULT_TENANT in tenants else Limits(),
        tenants=tuple(each for name, each in tenants.items() if name != DEFAULT_TENANT),
        business_hours=hours_setting(of, any(key.startswith(f"{SECTION}.") for key in values), str(file or FILE)),
        evidence=evidence_setting(of, data, values["log_sources"], str(file or FILE)),
        probes=probe_settings(values["probes"], file),
        warnings=tuple(_warnings(directory, sources, of("watchdog.person"), "smtp.host" in values)),
    )


def _sources(values: dict[str, Any], file: Path | None) -> tuple[SourceSetting, ...]:
    return tuple(
        SourceSetting(
            name=row["name"],
            kind=row["kind"],
            token=row["token"],
            service=row["service"],
            mapping=row["mapping"],
            secret=row["secret"],
            acknowledge=_back(n, row, file),
        )
        for n, row in enumerate(values["sources"])
    )


def of_tenant(tenant: Tenant, main: Config) -> Config:
    """The configuration of another organisation: its own file, a directory of its own, and of the installation only
    what is no secret of anybody: where it listens, and the mail server if it names none.

    Webhooks go to no private address unless its file, which the installation's owner writes, says so: the network
    behind this machine is the owner's. Raises configfile.ConfigError.
    """
    file = Path(tenant.config) if tenant.config else None
    data = main.data / "tenants" / tenant.name
    said = read(file, {}, {"server.data": str(data)}, tenant=True)
    told = _config(said.values, said.file)
    retained = told.journal_retained_bytes
    if tenant.limits.stored_mb:
        retained = min(retained, max(16, tenant.limits.stored_mb // 4) * 1024 * 1024)
    private = told.webhook.allow_private and "webhook.allow_private" in said.values
    return msgspec.structs.replace(
        told,
        listen=main.listen,
        public_url=tenant.public_url or address_of(tenant.hosts[0], main.public_url),
        zone=told.zone if "server.zone" in said.values else main.zone,
        smtp=told.smtp or main.smtp,
        webhook=msgspec.structs.replace(told.webhook, allow_private=private),
        journal_retained_bytes=retained,
        tenant=tenant.name,
        limits=tenant.limits,
        secret_files=said.secret_files,
    )


def address_of(host: str, main: str) -> str:
    """The address of a host at the same scheme and port as the installation's own."""
    parts = urlsplit(main)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def visible(listen: Address) -> Address:
    """What a browser on this machine can open: `0.0.0.0` is an address to listen on, not one to go to."""
    return Address(host="127.0.0.1", port=listen.port) if listen.host in ("0.0.0.0", "::") else listen


def _smtp(of: Callable[[str], Any]) -> Smtp:
    tls: Tls = of("smtp.tls") or ("none" if of("smtp.host") in _LOCAL else "starttls")
    return Smtp(
        host=of("smtp.host"),
        port=of("smtp.port") or _SMTP_PORTS[tls],
        sender=of("smtp.from"),
        username=of("smtp.username"),
        password=of("smtp.password"),
        tls=tls,
    )


def _slack(of: Callable[[str], Any]) -> Slack:
    return Slack(**{name: of(f"slack.{name}") for name in Slack.__struct_fields__})


def _telegram(of: Callable[[str], Any]) -> Telegram:
    return Telegram(token=of("telegram.token"), api_url=of("telegram.api_url"))


def _tracker(n: int, row: dict[str, Any], file: Path | None) -> TrackerSetting:
    if row["kind"] == "jira" and not row["url"]:
        flaw = Flaw(
            key=f"trackers[{n}].url",
            expected="an address, because Jira has no common one",
            got="nothing",
            where=str(file or FILE),
        )
        raise ConfigError([flaw])
    return TrackerSetting(**row)


def _back(n: int, row: dict[str, Any], file: Path | None) -> Back | None:
    """Where what people do with this source's alerts is told."""
    service = row["acknowledge"]
    needs = "url" if service == "alertmanager" else "token"
    if service is None:
        told = next((key for key in ("url", "token", "user") if row[f"acknowledge_{key}"]), None)
        missing, expected = ("acknowledge", "the name of a service") if told else ("", "")
    else:
        missing = "" if row[f"acknowledge_{needs}"] else f"acknowledge_{needs}"
        expected = f"a value, because {service} has no common one"
    if missing:
        where = str(file or FILE)
        raise ConfigError([Flaw(key=f"sources[{n}].{missing}", expected=expected, got="nothing", where=where)])
    if service is None:
        return None
    return Back(
        service=service,
        url=row["acknowledge_url"] or URLS.get(service, ""),
        token=row["acknowledge_token"],
        user=row["acknowledge_user"],
        hold_seconds=row["acknowledge_for"],
    )


def _twilio(of: Callable[[str], Any]) -> Twilio:
    return Twilio(
        account=of("twilio.account"),
        token=of("twilio.token"),
        sender=of("twilio.from") or "",
        api_url=of("twilio.api_url"),
    )


def _audience(row: dict[str, Any]) -> StoredAudience:
    rest = {name: value for name, value in row.items() if name != "every"}
    return StoredAudience(every_seconds=row["every"], **rest)


def _monitor(row: dict[str, Any]) -> MonitorSetting:
    rest = {name: row[name] for name in ("id", "name", "service", "severity", "labels", "armed")}
    return MonitorSetting(every_seconds=row["every"], grace_seconds=row["grace"], **rest)


def _directory(values: dict[str, Any], last_resort: tuple[str, ...]) -> Directory:
    return Directory(
        people={row["id"]: Person(**row) for row in values["people"]},
        teams={row["id"]: Team(**row) for row in values["teams"]},
        services={row["id"]: Service(**row) for row in values["services"]},
        bindings=values["bindings"],
        last_resort=last_resort,
    )


def _warnings(
    directory: Directory, sources: tuple[SourceSetting, ...], watchdog: str | None, smtp: bool
) -> Iterable[str]:
    people, teams = directory.people, directory.teams
    for source in sources:
        if len(source.token) < TOKEN_MIN:
            yield f"sources.{source.name}: the token has fewer than {TOKEN_MIN} characters and can be guessed"
    for team in teams.values():
        for member in (*team.members, *([team.lead] if team.lead else [])):
            if member not in people:
                yield f"teams.{team.id}: nobody has the id {member!r} in this file"
    for service in directory.services.values():
        if service.owner and service.owner not in teams and service.owner not in people:
            yield f"services.{service.id}: no team or person has the id {service.owner!r} in this file"
    for person in people.values():
        if not any(method.enabled for method in person.methods):
            yield f"people.{person.id}: has no way to be reached"
        elif not smtp and all(_needs_smtp(method) for method in person.methods):
            yield f"people.{person.id}: is reached by mail only, and there is no [smtp]"
    if watchdog is not None and watchdog not in people:
        yield f"watchdog.person: nobody has the id {watchdog!r} in this file"
    if people and not directory.last_resort:
        yield "paging.last_resort: nobody is named, so everybody is paged when an escalation reached nobody"


def _needs_smtp(method: Method) -> bool:
    return method.kind == "email"
