"""Which changes stand beside an incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from tocsin.core.people import Service
from tocsin.core.recent import BEFORE, CHANGES_MAX, TEXT_MAX, Told, recent, related

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SHOP = {
    "shop": Service(id="shop", name="The Shop", depends_on=("db", "auth"), components=("cart",)),
    "db": Service(id="db", depends_on=("disk",)),
    "disk": Service(id="disk", depends_on=("db",)),  # people draw circles
    "auth": Service(id="auth"),
    "blog": Service(id="blog"),
}


def told(text: str, minutes: float = -10, url: str = "", **labels: str) -> Told:
    return Told(text=text, at=T0 + timedelta(minutes=minutes), labels=labels, source="ci", url=url)


def texts(*changes: Told, names: tuple[str, ...] = ("shop",)) -> list[str]:
    return [each.text for each in recent(changes, names, SHOP, T0, T0 + timedelta(minutes=30))]


def test_a_services_dependencies_are_followed_through_circles_and_by_any_name():
    assert related(["The Shop"], SHOP) == {"the shop", "shop", "cart", "db", "auth", "disk"}


def test_changes_of_the_service_and_what_it_depends_on_newest_first():
    found = texts(
        told("cart v2", -30, component="Cart"),
        told("disk moved", -5, service="disk"),
        told("blog v9", -1, service="blog"),
        told("shop v7", -20, app="SHOP"),
    )

    assert found == ["disk moved", "shop v7", "cart v2"]


def test_a_change_that_names_no_known_service_may_be_the_cause():
    assert texts(told("feature flag on", source="flags"), told("new firewall rule")) == [
        "feature flag on",
        "new firewall rule",
    ]


def test_a_change_of_a_service_that_nobody_stored_is_somebody_elses():
    assert texts(told("ledger v3", service="ledger")) == []


def test_without_a_service_every_change_counts():
    assert texts(told("blog v9", service="blog"), names=()) == ["blog v9"]


def test_only_from_two_hours_before_until_the_end():
    assert texts(told("early", -121, service="db"), told("edge", -120, service="db"), told("after", 31)) == ["edge"]


def test_only_web_addresses_are_links():
    (change,) = recent([told("x", url="javascript:alert(1)", service="db")], ("db",), SHOP, T0, T0)

    assert change.url == ""
    assert change.what == "db"


words = st.sampled_from(["shop", "db", "disk", "auth", "blog", "ledger", ""])


@given(
    st.lists(
        st.builds(
            Told,
            text=st.text(max_size=300),
            at=st.integers(-300, 300).map(lambda minutes: T0 + timedelta(minutes=minutes)),
            labels=st.dictionaries(st.sampled_from(["service", "component", "env"]), words, max_size=3),
        ),
        max_size=60,
    ),
    st.lists(words.filter(bool), max_size=2),
)
def test_whatever_was_told_the_list_is_bounded_ordered_and_within_its_time(changes: list[Told], names: list[str]):
    found = recent(changes, names, SHOP, T0, T0 + timedelta(hours=1))

    assert len(found) <= CHANGES_MAX
    assert [each.at for each in found] == sorted((each.at for each in found), reverse=True)
    for each in found:
        assert T0 - BEFORE <= each.at <= T0 + timedelta(hours=1)
        assert 0 < len(each.text) <= TEXT_MAX
        assert each.text.splitlines() == [each.text]
        assert not (names and set(names) <= {"auth", "db"} and each.what == "blog")


def test_an_incident_that_is_said_to_have_begun_in_the_year_one_has_changes_all_the_same():
    began = datetime(1, 1, 1, 0, 30, tzinfo=UTC)

    found = recent([told("shop v7", app="shop")], ("shop",), SHOP, began, T0)

    assert [each.text for each in found] == ["shop v7"]
