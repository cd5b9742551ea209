"""Text of strangers in a chat: shown as it is, ringing nobody. And the card: as the incident is, and no more."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from tocsin.core import facts as f
from tocsin.core.chat_text import BROKEN, card, fitting, html, markdown, mrkdwn, unmentioned
from tocsin.core.incident import fold
from tocsin.core.view import IncidentView, view

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NASTY = st.text(st.sampled_from("@<>!&*_~`[]()|#\\ \nabchanel." + "é1-+"), max_size=60)
RINGS = re.compile(r"(?<![A-Za-z0-9_])@(?:everyone|channel|here|all|ana|[A-Za-z0-9_])")


def incident(*more: f.AnyFact, title: str = "Checkout fails", **changes: object) -> IncidentView:
    opened = f.Opened(
        at=T0, incident="i1", reference="INC-1", title=title, guide="g", policy_digest="d", severity="SEV-1",
        service="shop", **changes,
    )  # fmt: skip
    folded = fold([opened, *more])
    assert folded is not None
    return view(folded, ())


@given(NASTY)
def test_no_dialect_lets_a_label_ring_anybody(text):
    assert not re.search(r"<[!@#]", mrkdwn(text))
    assert not RINGS.search(markdown(text))
    assert not RINGS.search(html(text))


@given(NASTY)
def test_slacks_and_telegrams_escapes_lose_nothing(text):
    for escaped in (mrkdwn(text), html(text).replace(BROKEN, "")):
        assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


@given(NASTY)
def test_markdown_has_no_unescaped_mark_left(text):
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_~|<>\[\]#]", markdown(text))


@pytest.mark.parametrize("said", ["@everyone", "x @channel", "(@here)", "-@all", ".@channel", "é@channel", "<@U1>"])
def test_a_mention_looks_the_same_and_is_none(said):
    assert unmentioned(said).replace(BROKEN, "") == said
    assert f"@{BROKEN}" in unmentioned(said)


def test_a_mail_address_stays_one():
    assert unmentioned("ask ana.b@example.org") == "ask ana.b@example.org"


@given(st.text(max_size=300), st.integers(3, 200))
def test_what_is_cut_fits(text, most):
    assert len(fitting(text, most)) <= most
    assert fitting(text, max(most, len(text))) == text


def test_a_card_of_what_waits():
    shown = card(incident(f.Escalated(at=T0, level=1, lap=0, because="opened", who=("ana",), pages=())), "http://t/i")

    assert (shown.mood, shown.state) == ("waiting", "Investigating, nobody has it yet")
    assert shown.heading == "[SEV-1] Checkout fails"
    assert dict(shown.rows) == {"Severity": "SEV-1", "Service": "shop", "Started": T0}


def test_a_card_of_what_somebody_has():
    role = f.RoleAssigned(at=T0, by="ana", role="Incident Commander", person="ben")
    shown = card(incident(f.Acknowledged(at=T0, by="ana"), role), "http://t/i")

    assert (shown.mood, shown.state) == ("taken", "Investigating, ana has it")
    assert dict(shown.rows)["Roles"] == "Incident Commander: ben"


def test_a_card_of_what_is_over():
    shown = card(incident(f.Resolved(at=T0, by="ana", because="rolled back")), "http://t/i")

    assert (shown.mood, shown.state) == ("ended", "Resolved by ana")
    assert dict(shown.rows)["Ended"] == T0


def test_a_drill_says_so():
    assert card(incident(drill=True), "http://t/i").heading == "[DRILL] [SEV-1] Checkout fails"


@given(st.text(max_size=400))
def test_a_title_is_one_bounded_line(title):
    heading = card(incident(title=title), "http://t/i").heading

    assert "\n" not in heading
    assert len(heading) <= 400
