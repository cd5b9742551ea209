"""What groups of an identity provider mean here."""

from __future__ import annotations

from hypothesis import given, strategies as st

from tocsin.core.access import RANK, ROLES
from tocsin.core.groups import fresh_id, role_for, teams_after

GROUPS = st.sets(st.sampled_from("abcd"))


def test_the_highest_role_of_several_groups_counts():
    roles = {"sre": ROLES[1], "leads": ROLES[3]}

    assert role_for({"sre", "leads", "gardeners"}, roles, None) == ROLES[3]
    assert role_for({"gardeners"}, roles, ROLES[0]) == ROLES[0]
    assert role_for(set(), roles, None) is None


@given(GROUPS, st.dictionaries(st.sampled_from("abcd"), st.sampled_from(ROLES)))
def test_more_groups_never_give_less(groups: set[str], roles: dict[str, str]):
    for more in "abcd":
        before, after = (role_for(each, roles, "viewer") for each in (groups, groups | {more}))  # type: ignore[arg-type]
        assert before is not None and after is not None and RANK[before] <= RANK[after]


def test_somebody_joins_and_leaves_the_teams_that_groups_stand_for_and_no_others():
    members = {"platform": ("ben",), "payments": ("ana", "ben"), "choir": ("ana",)}
    teams = {"p": "platform", "q": "payments", "r": "gone"}

    changed = teams_after(members, "ana", {"p", "r"}, teams)

    assert changed == {"platform": ("ben", "ana"), "payments": ("ben",)}
    assert teams_after(members | changed, "ana", {"p", "r"}, teams) == {}


def test_two_groups_may_stand_for_one_team():
    assert teams_after({"platform": ("ana",)}, "ana", {"b"}, {"a": "platform", "b": "platform"}) == {}


@given(st.text(max_size=80), st.sets(st.text(max_size=10)))
def test_a_new_id_is_nobody_elses_and_can_stand_in_an_address(wanted: str, taken: set[str]):
    found = fresh_id(wanted, taken)

    assert found and found.isascii() and " " not in found and "/" not in found
    assert found.casefold() not in {each.casefold() for each in taken}
    assert fresh_id(wanted, {*taken, found}) != found


def test_an_id_is_made_of_the_name_elsewhere():
    assert fresh_id("Ana.Ruiz@example.org", ()) == "ana.ruiz"
    assert fresh_id("Ana Ruiz", {"ANA-RUIZ"}) == "ana-ruiz-2"
    assert fresh_id("", ()) == "person"
