"""Who was told: no channel means nobody, and then no promise to tell them is kept."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.core.lives import T0, Life, minutes, world
from tocsin.core import commands as c, facts as f
from tocsin.core.facts import SaidTo
from tocsin.core.incident import Refused
from tocsin.core.policy import Communication, Deadline
from tocsin.core.promises import promises
from tocsin.core.said_words import said
from tocsin.core.saying import Announce, Prepared, ReleaseOverriding

AUDIENCES = ("customers", "management", "partners", "public", "response-team")
WORLD = world(communications=tuple(Communication(audience=each, within=Deadline(seconds=3600)) for each in AUDIENCES))
LIST = (SaidTo(kind="email", address="all@example.org", name="list"),)


def prepared(audience: str, *, channels: tuple[SaidTo, ...] = (), **more: Any) -> Prepared:
    outside = audience in ("customers", "partners", "public")
    return Prepared(
        audience=audience, subject="s", text="We know.", words=(audience,), channels=channels, outside=outside, **more
    )


def open_duties(life: Life) -> set[str]:
    found = promises(life.now, life.world.rules)
    return {each.audience or "" for each in found if each.rule.startswith("tell:") and each.state == "open"}


def told(life: Life) -> list[str]:
    return [said(fact) for fact in life.facts if isinstance(fact, f.Announced)]


def test_a_draft_for_an_audience_without_a_channel_is_not_released_and_the_refusal_says_what_to_do():
    life = Life(WORLD)
    life.does(Announce(by="ana", prepared=(prepared("customers", draft=True),)), T0 + minutes(5))
    (draft,) = life.now.drafts

    with pytest.raises(Refused, match=r"cannot tell customers: it has no channel; .*audience set customers --channel"):
        life.does(ReleaseOverriding(by="ana", draft=draft), T0 + minutes(6))

    assert (list(life.now.drafts), told(life)) == ([draft], [])
    assert "customers" in open_duties(life)


def test_an_update_that_nobody_would_hear_is_refused():
    life = Life(WORLD)

    with pytest.raises(Refused, match=r"cannot tell management: it has no channel; .*post-update"):
        life.does(Announce(by="ana", prepared=(prepared("management"),)), T0 + minutes(5))


def test_who_has_no_channel_keeps_the_news_from_nobody_else():
    life = Life(WORLD)
    both = (prepared("customers", channels=LIST), prepared("management"))

    life.does(Announce(by="ana", prepared=both), T0 + minutes(5))

    assert told(life) == ["customers told (list): s", "management not told (it has no channel): s"]
    assert [fact.audience for fact in life.facts if isinstance(fact, f.UpdatePosted)] == ["customers"]
    assert "management" in open_duties(life) and "customers" not in open_duties(life)


def test_a_change_of_status_does_not_wait_for_a_channel():
    life = Life(WORLD)

    life.does(Announce(by="ana", prepared=(prepared("management"),), status="identified"), T0 + minutes(5))

    assert (life.now.status, told(life)) == ("identified", ["management not told (it has no channel): s"])


def test_whoever_told_them_otherwise_says_so_and_the_promise_is_kept():
    life = Life(WORLD)

    life.does(c.PostUpdate(by="ana", audience="customers", text="told by phone"), T0 + minutes(5))

    assert "customers" not in open_duties(life)


def test_what_is_private_is_told_to_nobody_and_keeps_no_promise():
    life = Life(WORLD)
    life.does(c.Restrict(by="ana", people=("ana",), because="leak"), T0 + minutes(1))

    with pytest.raises(Refused, match="cannot tell customers: the incident is private; tell them yourself"):
        life.does(Announce(by="ana", prepared=(prepared("customers", channels=LIST),)), T0 + minutes(5))


def test_an_update_for_the_status_page_stands_on_it():
    life = Life(WORLD)

    life.does(Announce(by="ana", prepared=(prepared("public"),)), T0 + minutes(5))

    assert life.now.public is not None
    assert told(life) == ["public told (on the status page): s"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(AUDIENCES), st.booleans(), st.booleans()), max_size=5, unique_by=lambda e: e[0]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "identified", "resolved"]),
)
def test_no_promise_to_tell_is_kept_unless_somebody_was_told(wanted, private, drill, status):
    life = Life(WORLD, drill=drill)
    if private:
        life.does(c.Restrict(by="ana", people=("ana",), because="leak"), T0 + minutes(1))
    each = tuple(prepared(name, channels=LIST if there else (), draft=draft) for name, there, draft in wanted)
    with suppress(Refused):
        life.does(Announce(by="ana", prepared=each, status=status), T0 + minutes(5))
    for draft in list(life.now.drafts):
        with suppress(Refused):
            life.does(ReleaseOverriding(by="ana", draft=draft), T0 + minutes(6))

    reached = {
        fact.audience
        for fact in life.facts
        if isinstance(fact, f.Announced) and fact.withheld in ("", "a drill stays inside")
    }
    silent = [fact for fact in life.facts if isinstance(fact, f.Announced) and not fact.channels and not fact.withheld]
    kept = {p.audience for p in promises(life.now, WORLD.rules) if p.rule.startswith("tell:") and p.state == "kept"}
    assert kept <= reached
    assert {fact.audience for fact in life.facts if isinstance(fact, f.UpdatePosted)} == reached
    assert {fact.audience for fact in silent} <= {"public", "response-team"}
