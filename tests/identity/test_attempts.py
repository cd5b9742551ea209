"""Failed tries, counted by name, address and browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.core.lockout import FREE, FREE_ADDRESS
from tocsin.identity import attempts as kept
from tocsin.identity.attempts import Attempts, address_key

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NONE = timedelta(0)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "address:192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "address:2001:db8:1:2::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("", "address:unknown"),
        ("nonsense", "address:unknown"),
    ],
)
def test_an_ipv6_host_has_one_key_for_all_of_its_addresses(host: str, key: str):
    assert address_key(host) == key


def test_a_right_try_forgets_the_name_and_takes_back_its_own_count_of_the_address():
    attempts, keys = Attempts(), ["name:default:ana", "address:192.0.2.7"]
    for _ in range(FREE):
        attempts.failed(keys, T0)
    assert attempts.waits(keys, T0) > NONE

    attempts.passed(keys)

    assert attempts.waits(keys, T0) == NONE
    for _ in range(FREE_ADDRESS - FREE):
        assert attempts.waits(["address:192.0.2.7"], T0) == NONE
        attempts.failed(["address:192.0.2.7"], T0)
    assert attempts.waits(["address:192.0.2.7"], T0) == NONE
    attempts.failed(["address:192.0.2.7"], T0)
    assert attempts.waits(["address:192.0.2.7"], T0) > NONE


def test_a_flood_of_names_pushes_nobodys_failures_out():
    attempts = Attempts()
    for _ in range(FREE + 2):
        attempts.failed(["name:default:ana"], T0)

    for n in range(kept.KEPT_MAX + 10):
        attempts.failed([f"name:default:{n}"], T0)

    assert attempts.waits(["name:default:ana"], T0) > NONE
    assert len(attempts._tallies) <= kept.KEPT_MAX
