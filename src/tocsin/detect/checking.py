"""One look at a probe, of any kind, within its time. What goes wrong is a finding, never an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from tocsin.clock import Clock, monotonic
from tocsin.core.probe import REACH, Kind, Look, Probe, Problem
from tocsin.detect.asking import http
from tocsin.detect.names import dns
from tocsin.detect.reaching import Reach, Seen, Unreachable
from tocsin.detect.sockets import tcp, tls
from tocsin.detect.statuspages import status_page

CHECKS: Mapping[Kind, Callable[[Probe, Reach, datetime], Awaitable[Seen]]] = {
    "http": http,
    "tcp": tcp,
    "tls": tls,
    "dns": dns,
    "status-page": status_page,
}


async def check(probe: Probe, reach: Reach, clock: Clock) -> Look:
    """What is found now."""
    at, begun = clock.now(), monotonic()
    try:
        async with asyncio.timeout(probe.timeout_seconds):
            seen = await CHECKS[probe.kind](probe, reach, at)
    except TimeoutError:
        seen = Seen(found={REACH: Problem(text=f"did not answer within {probe.timeout_seconds} s")})
    except Unreachable as error:
        seen = Seen(found={REACH: Problem(text=str(error))})
    seconds = monotonic() - begun
    found = dict(seen.found)
    most = probe.latency_max_seconds
    if most is not None and REACH in found and found[REACH] is None and seconds > most:
        found[REACH] = Problem(text=f"answers after {seconds:.2f} s, expected within {most:g} s")
    return Look(at=at, seconds=seconds, found=found, evidence=seen.evidence, expires_at=seen.expires_at)
