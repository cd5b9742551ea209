"""What alerts tell people themselves: links that are web addresses, text that is bounded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from tocsin.core.annotated import DESCRIPTION_MAX, LINKS_MAX, URL_MAX, said, together, web_address


def test_runbook_dashboard_and_panel_are_links_whatever_their_keys_look_like():
    found = said(
        {
            "summary": "It is slow",
            "description": "p99 is 4 s",
            "panelURL": "https://grafana.example/d/1?viewPanel=2",
            "grafana_link": "https://grafana.example/explore",
            "dashboard_url": "https://grafana.example/d/1",
            "runbook_url": "https://wiki.example/slow",
        }
    )

    assert found.description == "p99 is 4 s"
    assert [name for name, _ in found.links] == ["Runbook", "Dashboard", "Panel", "Grafana"]
    assert found.links[0] == ("Runbook", "https://wiki.example/slow")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "data:text/html,x", "ftp://host/x", "//host/x", "https://", "http:///x", "https://u:p@host/",
        "https://host@evil/", "https://host/a b", "https://host/\nAcknowledge: https://evil", 'https://host/"><script>',
        "https://host/\u202egnp", "https://[::1", "see https://host", "https://host/" + "x" * URL_MAX, "", None, 7,
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_no_link(address: object):
    assert web_address(address) == ""


def test_an_address_stands_once_among_all_alerts():
    one = said({"runbook_url": "https://wiki.example/a", "dashboard_url": "https://g.example/1"})
    two = said({"runbook_url": "https://wiki.example/a", "description": "second"})

    assert together([one, two]).links == one.links
    assert together([one, two]).description == "second"


@given(
    st.dictionaries(
        st.text(max_size=60), st.text(max_size=700) | st.from_regex(r"https?://[a-z]{1,9}/\S{0,40}"), max_size=20
    )
)
def test_whatever_a_sender_writes_is_bounded_and_on_one_line(annotations: dict[str, str]):
    found = said(annotations)

    assert len(found.description) <= DESCRIPTION_MAX
    assert len(found.links) <= LINKS_MAX
    for name, address in found.links:
        assert name
        assert len(name) <= 41
        assert name.splitlines() == [name]
        assert re.fullmatch(r"https?://[^\s\"'<>]+", address, re.IGNORECASE)
        assert len(address) <= URL_MAX
