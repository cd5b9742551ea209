"""Whose word counts for a client's address: nobody's but a proxy's that the operator has named."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.path.harness import World

SAID = "203.0.113.9"


@pytest.mark.slow
@pytest.mark.parametrize(("named", "believed"), [(None, SAID), ("10.0.0.5", "127.0.0.1")])
def test_a_clients_address_is_what_a_named_proxy_says(
    shop: World, monkeypatch: pytest.MonkeyPatch, named: str | None, believed: str
) -> None:
    """Without a name, this machine's own proxies are believed; once one is named, only that one."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    if named:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", named)
    tocsin = shop.tocsin()
    (link,) = re.findall(r"http\S+/sign-in/\S+", tocsin.wait_for("sign in: "))

    with httpx2.Client(base_url=tocsin.url, headers={"X-Forwarded-For": SAID}) as browser:
        assert browser.post(urlsplit(link).path).status_code == 303
        (session,) = browser.get("/api/me/sessions").json()["items"]

    assert session["address"] == believed
