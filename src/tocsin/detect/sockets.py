"""Probes of ports and of certificates: somebody answers, and proves who they are for long enough."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module

from tocsin.core.probe import EXPIRY, REACH, VALIDITY, Probe, Problem, expiry_problem
from tocsin.core.probe_fields import host_port
from tocsin.detect.reaching import (
    CERTIFICATE_HAS_EXPIRED,
    Distrusted,
    Reach,
    Seen,
    Unreachable,
    blind,
    expiry_of,
    trust,
)

CERTIFICATES = "tocsin.detect.certificates"


async def tcp(probe: Probe, reach: Reach, now: datetime) -> Seen:
    """Whether the port takes a connection."""
    host, port = host_port(probe.address or "")
    try:
        async with reach.connection(host, port) as opened:
            return Seen(found={REACH: None}, evidence={"address": opened.address})
    except Unreachable as error:
        return Seen(found={REACH: Problem(text=str(error))})


async def tls(probe: Probe, reach: Reach, now: datetime) -> Seen:
    """Whether the certificate is valid for the name, by an authority we believe, and until when."""
    host, port = host_port(probe.address or "")
    try:
        async with reach.connection(host, port, trust(probe.ca_file)) as opened:
            assert opened.tls is not None, "a connection that was asked to be TLS is"
            until = expiry_of(opened.tls)
            evidence = {"address": opened.address, "tls_version": opened.tls.version() or ""}
            return certified(probe, until, now, evidence, {REACH: None})
    except Distrusted as error:
        return await distrusted(probe, reach, host, port, error, now)
    except Unreachable as error:
        return Seen(found={REACH: Problem(text=str(error))})


def certified(
    probe: Probe, until: datetime | None, now: datetime, evidence: dict[str, str], found: dict[str, Problem | None]
) -> Seen:
    """What was seen, with a certificate that is believed until `until`."""
    if until is None:
        return Seen(found=found, evidence=evidence)
    return Seen(
        found={**found, VALIDITY: None, EXPIRY: expiry_problem(probe, until, now)},
        evidence={**evidence, "certificate_expires": f"{until:%Y-%m-%d %H:%M} UTC"},
        expires_at=until,
    )


async def distrusted(probe: Probe, reach: Reach, host: str, port: int, error: Distrusted, now: datetime) -> Seen:
    """What was seen of a certificate that is not believed. One that expired is told once, as its end."""
    problem = Problem(text=f"has a certificate that proves nothing: {error}")
    try:
        async with reach.connection(host, port, blind()) as opened:
            assert opened.tls is not None, "a connection that was asked to be TLS is"
            der = opened.tls.getpeercert(binary_form=True)
            evidence = {"address": opened.address, "certificate_error": str(error)}
    except Unreachable as gone:
        return Seen(found={REACH: Problem(text=str(gone)), VALIDITY: problem})
    if not der:
        return Seen(found={VALIDITY: problem}, evidence=evidence)
    try:
        until, told = import_module(CERTIFICATES).described(der)
    except ValueError:
        return Seen(found={VALIDITY: problem}, evidence=evidence)
    evidence |= told
    if error.code == CERTIFICATE_HAS_EXPIRED and until <= now:
        return Seen(
            found={VALIDITY: None, EXPIRY: expiry_problem(probe, until, now)}, evidence=evidence, expires_at=until
        )
    return Seen(found={VALIDITY: problem}, evidence=evidence, expires_at=until)
