"""How probes get somewhere: to the hosts of `[server] outgoing_hosts`, or to any where none is named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tocsin.clock import Clock
from tocsin.core.probe import Look, Probe
from tocsin.detect.checking import check
from tocsin.detect.prober import LOOKS_MAX
from tocsin.detect.reaching import Reach
from tocsin.senders.addresses import Forbidden, judged, listed, may_be_called


def allowed_by(hosts: Sequence[str]) -> Callable[[str], bool]:
    """Whether a host may be called: these and no others, or any where none is named; and what the process may call."""
    return lambda host: (not hosts or listed(host, hosts)) and may_be_called(host)


def reach_of(hosts: Sequence[str]) -> Reach:
    """Call it in the event loop that uses it."""
    return Reach(allowed_by(hosts), _fit)


def _fit(host: str, addresses: list[str]) -> list[str]:
    """Private addresses are what probes are for; those of metadata services and the like are nobody's to look at."""
    try:
        return judged(host, addresses, allow_private=True)
    except Forbidden as error:
        raise OSError(str(error)) from error


async def looks(probes: Sequence[Probe], hosts: Sequence[str], clock: Clock) -> list[Look]:
    """One look at each, now; nobody is told."""
    reach, turns = reach_of(hosts), asyncio.Semaphore(LOOKS_MAX)

    async def look(probe: Probe) -> Look:
        async with turns:
            return await check(probe, reach, clock)

    return await asyncio.gather(*(look(each) for each in probes))
