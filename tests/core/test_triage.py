"""Triage: who hears of an alert, under which guide and severity, in which incident, and why nobody does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tocsin.core.alert import Verdict, fingerprint_of
from tocsin.core.correlation import KEY_MAX, key_of, labels_of, prefix
from tocsin.core.matchers import compile_texts
from tocsin.core.policy import Deadline, Escalation, Flapping, Inhibition, Level, Policy, Route, Severity, Threshold
from tocsin.core.routing import compile_policies
from tocsin.core.triage import (
    Context,
    Mute,
    changed,
    compile_mutes,
    counted,
    forget,
    source_cleared,
    source_fired,
    verdict,
)

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SEVERITIES = tuple(Severity(id=f"P{rank + 1}", rank=rank) for rank in range(4))


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def policy(*routes: Route, title: str = "Guide", **more: Any) -> Policy:
    return Policy(title=title, severities=SEVERITIES, routes=routes, **more)


def context(*routes: Route, **more: Any) -> Context:
    return Context(compiled=compile_policies([("Guide", policy(*routes, **more))]))


def ask(of: Context, labels: dict[str, str], *, at: datetime = T0, **more: Any) -> Verdict:
    return verdict(of, labels, fingerprint_of(labels), T0, at, **more)


def fire(of: Context, labels: dict[str, str], at: datetime) -> Verdict:
    """A new episode that starts at `at`, told to triage as the digest does."""
    said = verdict(of, labels, fingerprint_of(labels), at, at)
    counted(of, said, fingerprint_of(labels), at, at)
    return said


# --- routes -----------------------------------------------------------------------------------------------------------


def test_the_first_route_that_matches_decides() -> None:
    of = context(
        Route(name="database", matchers=('team="db"', 'severity=~"critical|error"'), service="orders", severity="P2"),
        Route(name="db rest", matchers=('team="db"',)),
    )

    said = ask(of, {"alertname": "Slow", "team": "db", "severity": "critical"})

    assert (said.outcome, said.route, said.service, said.severity) == ("page", "database", "orders", "P2")
    assert said.because == ('route \'database\' matched team="db",severity=~"critical|error"', "the route says P2")
    assert ask(of, {"alertname": "Slow", "team": "db"}).route == "db rest"


def test_an_alert_that_no_route_matches_goes_to_the_first_guide() -> None:
    said = ask(context(Route(matchers=('team="db"',))), {"alertname": "Slow", "service": "web", "severity": "warning"})

    assert (said.outcome, said.guide, said.route, said.service, said.severity) == ("page", "Guide", "", "web", "P3")
    assert said.because == ("no route matched: guide 'Guide' takes what no other claims", "severity 'warning' means P3")


def test_a_route_gives_its_ladder_and_how_long_it_reopens() -> None:
    of = Context(
        compiled=compile_policies(
            [
                (
                    "Guide",
                    policy(
                        Route(name="r", escalation="database", reopen_within=Deadline(seconds=1800)),
                        escalations={"database": Escalation(levels=(Level(level=1, who=("dba",)),))},
                    ),
                )
            ]
        )
    )

    said = ask(of, {"alertname": "Slow"})

    assert (said.escalation, said.reopen_seconds) == ("database", 1800)


def test_a_route_that_pages_nobody_says_so() -> None:
    said = ask(context(Route(name="noise", matchers=('alertname="Watchdog"',), page=False)), {"alertname": "Watchdog"})

    assert (said.outcome, said.by) == ("not_paged", ("noise",))
    assert said.because[-1] == "route 'noise' pages nobody"


def test_a_route_without_a_name_is_called_by_its_matchers() -> None:
    said = ask(context(Route(), Route(matchers=('a="b"',))), {"a": "b"})
    later = ask(context(Route(matchers=('c="d"',)), Route(matchers=('a="b"',))), {"a": "b"})

    assert said.route == "routes[0]"
    assert later.route == 'a="b"'


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("critical", "P1"),
        ("CRITICAL", "P1"),
        ("error", "P2"),
        ("warning", "P3"),
        ("info", "P4"),
        ("p4", "P4"),
        ("P1", "P1"),
        ("page", "P1"),
        ("sev2", "P2"),
        ("Major", "P2"),
        ("nobody knows", "P2"),
        ("", "P2"),
    ],
)
def test_the_severity_label_is_read_with_the_policys_words_first(label: str, severity: str) -> None:
    of = context(severity_mapping={"page": "P1", "SEV2": "p2", "major": "P2"})

    assert ask(of, {"alertname": "x", "severity": label}).severity == severity


def test_a_mapping_wins_over_the_common_words() -> None:
    assert ask(context(severity_mapping={"critical": "P3"}), {"severity": "critical"}).severity == "P3"


def test_ranks_are_clamped_to_the_severities_there_are() -> None:
    two = Policy(title="g", severities=(Severity(id="Bad", rank=0), Severity(id="Meh", rank=1)))
    one = Policy(title="g", severities=(Severity(id="Bad", rank=0),))

    assert ask(Context(compiled=compile_policies([("g", two)])), {"severity": "info"}).severity == "Meh"
    assert ask(Context(compiled=compile_policies([("g", one)])), {}).severity == "Bad"


# --- guides side by side ----------------------------------------------------------------------------------------------


def guides() -> Context:
    general = policy(Route(name="everything critical", matchers=('severity="critical"',)))
    shop = policy(
        Route(name="by team", matchers=('team="shop"',), service="shop"),
        Route(name="cart", matchers=('alertname="CartBroken"',)),
        services=("shop", "cart"),
    )
    return Context(compiled=compile_policies([("General", general), ("Shop", shop)]))


def test_a_guide_governs_its_services_alone() -> None:
    said = ask(guides(), {"alertname": "Slow", "service": "cart", "severity": "critical"})

    assert (said.guide, said.route) == ("Shop", "")
    assert said.because[0] == "no route matched: guide 'Shop' governs service 'cart'"
    assert ask(guides(), {"alertname": "CartBroken", "service": "cart"}).route == "cart"


def test_what_no_guide_governs_goes_to_the_first_one_that_takes_everything() -> None:
    assert ask(guides(), {"alertname": "Slow", "service": "search"}).guide == "General"
    assert ask(guides(), {"alertname": "CartBroken"}).guide == "General"  # this route is for the Shop's services only


def test_a_route_can_bring_an_alert_without_service_to_the_guide_of_its_service() -> None:
    said = ask(guides(), {"alertname": "Slow", "team": "shop"})

    assert (said.guide, said.route, said.service) == ("Shop", "by team", "shop")


@pytest.mark.parametrize(
    ("policies", "error"),
    [
        ([], "guides: expected at least one, got none"),
        ([("g", Policy(title="g", severities=()))], "severities: expected at least one, got none in 'g'"),
        ([("g", policy(Route(severity="P9")))], r"g: routes\[0\].severity: expected one of P1, P2, P3, P4, got 'P9'"),
        ([("g", policy(Route(escalation="x")))], r"g: routes\[0\].escalation: expected one of a ladder"),
        ([("g", policy(Route(matchers=("team==",))))], r"g: routes\[0\].matchers: expected a value"),
        (
            [("g", policy(inhibitions=(Inhibition(source_matchers=('a=~"("',), target_matchers=()),)))],
            r"g: inhibitions\[0\].source_matchers: expected a regex",
        ),
    ],
)
def test_guides_that_cannot_work_are_refused_by_field(policies: list[tuple[str, Policy]], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        compile_policies(policies)


# --- correlation ------------------------------------------------------------------------------------------------------


def test_alerts_of_one_name_and_service_are_one_incident() -> None:
    of = context()
    keys = {ask(of, {"alertname": "Slow", "service": "web", "instance": f"web-{n}"}).key for n in range(100)}

    assert keys == {'Guide//web{alertname="Slow"}'}


def test_different_names_services_and_places_are_different_incidents() -> None:
    base = {"alertname": "Slow", "service": "web"}
    others: list[dict[str, str]] = [
        {},
        {"alertname": "Down"},
        {"service": "api"},
        {"cluster": "eu"},
        {"namespace": "b"},
    ]

    assert len({ask(context(), {**base, **other}).key for other in others}) == len(others)


def test_without_a_service_the_job_divides() -> None:
    of = context()

    assert ask(of, {"alertname": "Slow", "job": "a"}).key != ask(of, {"alertname": "Slow", "job": "b"}).key


def test_the_labels_a_route_names_are_the_only_ones_that_count() -> None:
    of = context(Route(name="r", correlate_by=("cluster",)))
    one = ask(of, {"alertname": "Slow", "cluster": "eu", "service": "web"})
    two = ask(of, {"alertname": "Down", "cluster": "eu", "service": "web"}, group="g1")

    assert one.key == two.key == 'Guide/r/web{cluster="eu"}'


def test_a_route_that_names_no_labels_makes_one_incident_per_service() -> None:
    of = context(Route(name="r", correlate_by=(), service="web"))

    assert ask(of, {"alertname": "Slow"}).key == ask(of, {"alertname": "Down", "cluster": "eu"}).key == "Guide/r/web{}"


def test_the_senders_group_counts_where_the_route_does_not_correlate() -> None:
    of = context()
    one = ask(of, {"alertname": "Slow", "cluster": "a"}, group="{}:{job=x}")
    two = ask(of, {"alertname": "Slow", "cluster": "b"}, group="{}:{job=x}")
    other = ask(of, {"alertname": "Slow", "cluster": "a"}, group="{}:{job=y}")

    assert one.key == two.key
    assert one.key != other.key


def test_a_new_kind_of_problem_is_never_hidden_in_the_senders_group() -> None:
    of = context()

    assert ask(of, {"alertname": "Slow"}, group="{}:{}").key != ask(of, {"alertname": "DataLost"}, group="{}:{}").key


def test_alerts_with_neither_name_nor_group_stay_apart() -> None:
    assert ask(context(), {"host": "a"}).key != ask(context(), {"host": "b"}).key


TEXT = st.text(max_size=12)
NAMED = st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=12), max_size=6)
PARTS = st.tuples(TEXT, TEXT, TEXT, NAMED)  # short enough to be told in full


def key(parts: tuple[str, str, str, dict[str, str]]) -> str:
    guide, route, service, labels = parts
    return key_of(prefix(guide, route), service, labels, tuple(sorted(labels)), group=None, fingerprint="")


@given(PARTS, PARTS)
def test_different_parts_never_make_the_same_key(one: Any, other: Any) -> None:
    assert (key(one) == key(other)) == (one == other)


@given(PARTS)
def test_the_labels_of_a_key_can_be_read_from_it(parts: Any) -> None:
    text = key(parts)

    assert labels_of(text) == (parts[3] if text.endswith("}") else {})


def test_a_long_key_is_shortened_and_still_its_own() -> None:
    long = [key(("g", "r", "s", {"a": "x" * 2_000 + end})) for end in "ab"]

    assert all(len(each) <= KEY_MAX for each in long)
    assert long[0] != long[1]
    assert labels_of(long[0]) == {}


# --- silences and maintenance -----------------------------------------------------------------------------------------


def mute(name: str, *texts: str, until: float = 60, **more: Any) -> Mute:
    return Mute(id=name, matchers=compile_texts(texts), starts_at=T0, ends_at=T0 + minutes(until), **more)


def test_a_silenced_alert_names_every_silence_and_who_wanted_the_first() -> None:
    of = context()
    of.silences = compile_mutes([
        mute("3f00", 'alertname="Slow"', by="ana", comment="deploy"),
        mute("77aa", 'instance=~"web.*"', until=30),
        mute("9999", 'alertname="Down"'),
    ])  # fmt: skip

    said = ask(of, {"alertname": "Slow", "instance": "web-1"})

    assert (said.outcome, said.by) == ("silenced", ("3f00", "77aa"))
    assert said.because[-1] == "silenced by 3f00 until 2026-11-23 04:00 UTC (ana: deploy)"
    assert said.key  # it belongs somewhere all the same


def test_a_silence_holds_from_its_start_up_to_but_not_including_its_end() -> None:
    of = context()
    of.silences = compile_mutes([mute("s", 'a="b"', until=10)])

    outcomes = [ask(of, {"a": "b"}, at=T0 + minutes(n)).outcome for n in (-1, 0, 9.99, 10)]

    assert outcomes == ["page", "silenced", "silenced", "page"]


def test_maintenance_covers_a_service_whatever_label_or_route_named_it() -> None:
    of = context(Route(matchers=('team="shop"',), service="cart"))
    of.maintenance = compile_mutes([mute("m1", service="cart", by="ben")])

    assert ask(of, {"team": "shop"}).outcome == "maintenance"
    assert ask(of, {"service": "cart"}).because[-1] == "in maintenance m1 until 2026-11-23 04:00 UTC (ben)"
    assert ask(of, {"service": "search"}).outcome == "page"


def test_maintenance_goes_before_silences() -> None:
    of = context()
    of.maintenance = compile_mutes([mute("m1", 'a="b"')])
    of.silences = compile_mutes([mute("s1", 'a="b"')])

    assert ask(of, {"a": "b"}).by == ("m1",)


# --- inhibition -------------------------------------------------------------------------------------------------------

NODE_DOWN = Inhibition(
    name="node", source_matchers=('alertname="NodeDown"',), target_matchers=('severity="warning"',), equal=("node",)
)


def test_a_firing_source_inhibits_its_targets_until_it_clears() -> None:
    of = context(inhibitions=(NODE_DOWN,))
    source = {"alertname": "NodeDown", "node": "a"}
    target = {"alertname": "Slow", "node": "a", "severity": "warning"}
    source_fired(of, source, "f1")

    said = ask(of, target)

    assert (said.outcome, said.by) == ("inhibited", ("f1",))
    assert said.because[-1] == "inhibited by alert f1, which fires ('node')"
    assert ask(of, {**target, "node": "b"}).outcome == "page"
    assert ask(of, {**target, "severity": "error"}).outcome == "page"
    assert source_cleared(of, source, "f1")
    assert ask(of, target).outcome == "page"
    assert not of.firing_sources


def test_another_source_goes_on_inhibiting() -> None:
    of = context(inhibitions=(NODE_DOWN,))
    for name in ("f1", "f2", "f1"):
        source_fired(of, {"alertname": "NodeDown", "node": "a"}, name)
    source_cleared(of, {"alertname": "NodeDown", "node": "a"}, "f1")

    assert ask(of, {"severity": "warning", "node": "a"}).by == ("f2",)


def test_labels_that_both_sides_lack_are_equal() -> None:
    of = context(inhibitions=(NODE_DOWN,))
    source_fired(of, {"alertname": "NodeDown"}, "f1")

    assert ask(of, {"severity": "warning"}).outcome == "inhibited"
    assert ask(of, {"severity": "warning", "node": ""}).outcome == "inhibited"


def test_an_alert_that_matches_both_sides_is_not_inhibited_by_itself_or_its_like() -> None:
    of = context(inhibitions=(NODE_DOWN,))
    both = {"alertname": "NodeDown", "node": "a", "severity": "warning"}
    source_fired(of, both, "f1")

    assert ask(of, both).outcome == "page"
    assert ask(of, {"alertname": "Slow", "node": "a", "severity": "warning"}).by == ("f1",)
    source_fired(of, {"alertname": "NodeDown", "node": "a", "severity": "critical"}, "f2")
    assert ask(of, both).by == ("f2",)  # that one is a source only


def test_a_guide_inhibits_its_own_alerts_only() -> None:
    of = Context(
        compiled=compile_policies(
            [("General", policy()), ("Shop", policy(services=("shop",), inhibitions=(NODE_DOWN,)))]
        )
    )
    source_fired(of, {"alertname": "NodeDown", "node": "a"}, "f1")

    assert ask(of, {"severity": "warning", "node": "a", "service": "shop"}).outcome == "inhibited"
    assert ask(of, {"severity": "warning", "node": "a", "service": "search"}).outcome == "page"


SMALL = st.dictionaries(st.sampled_from(["s", "t", "e"]), st.sampled_from(["0", "1", ""]), max_size=3)


@given(SMALL, st.lists(SMALL, max_size=5))
def test_inhibition_is_alertmanagers_rule(target: dict[str, str], sources: list[dict[str, str]]) -> None:
    of = context(inhibitions=(Inhibition(source_matchers=('s="1"',), target_matchers=('t="1"',), equal=("e",)),))
    for n, source in enumerate(sources):
        source_fired(of, source, str(n))
    inhibiting = [
        str(n)
        for n, source in enumerate(sources)
        if source.get("s") == "1"
        and source.get("e", "") == target.get("e", "")
        and not (target.get("s") == "1" and source.get("t") == "1")
    ]

    said = ask(of, target)

    assert (said.outcome == "inhibited") == (target.get("t") == "1" and bool(inhibiting))
    assert said.outcome != "inhibited" or said.by[0] in inhibiting


# --- thresholds -------------------------------------------------------------------------------------------------------

FEW = Route(name="few", matchers=('alertname="ErrorLogged"',), threshold=Threshold(count=3, seconds=600))


def error(host: str) -> dict[str, str]:
    return {"alertname": "ErrorLogged", "instance": host}


def test_nobody_is_paged_before_the_threshold() -> None:
    of = context(FEW)
    said = [fire(of, error(host), T0 + minutes(n)) for n, host in enumerate("abc")]

    assert [each.outcome for each in said] == ["threshold", "threshold", "page"]
    assert said[1].because[-1] == "2 of 3 alerts within 10 min: route 'few' waits for more"
    assert said[1].by == ("few",)


def test_the_one_that_reaches_the_threshold_says_that_the_held_ones_are_out_of_date() -> None:
    of = context(FEW)
    told = []
    for n, host in enumerate("abcd"):
        at = T0 + minutes(n)
        said = verdict(of, error(host), host, at, at)
        told.append(counted(of, said, host, at, at))

    assert told == [False, False, True, False]
    assert verdict(of, error("a"), "a", T0, T0 + minutes(3)).outcome == "page"


def test_alerts_that_are_too_far_apart_do_not_count_together() -> None:
    of = context(FEW)

    assert [fire(of, error("a"), T0 + minutes(n)).outcome for n in (0, 5, 10, 12, 13)] == [
        "threshold",
        "threshold",
        "threshold",
        "page",
        "page",
    ]


def test_asking_twice_about_one_firing_counts_it_once() -> None:
    of = context(FEW)
    for _ in range(5):
        fire(of, error("a"), T0)

    assert ask(of, error("b")).because[-1].startswith("2 of 3 alerts")


def test_a_firing_that_is_counted_again_later_counts_once() -> None:
    of = context(FEW)
    for n in range(5):
        said = verdict(of, error("a"), "a", T0, T0 + minutes(n))
        assert not counted(of, said, "a", T0, T0 + minutes(n))

    assert ask(of, error("b"), at=T0 + minutes(5)).because[-1].startswith("2 of 3 alerts")


def test_each_key_counts_for_itself() -> None:
    of = context(FEW)
    outcomes = [fire(of, {**error("a"), "service": service}, T0).outcome for service in "xyz"]

    assert outcomes == ["threshold"] * 3


def test_an_alert_joins_the_open_incident_of_its_key_without_waiting() -> None:
    of = context(FEW)
    of.open_keys = {ask(of, error("a")).key}

    assert ask(of, error("a")).outcome == "page"


def test_a_silenced_alert_does_not_count_towards_the_threshold() -> None:
    of = context(FEW)
    of.silences = compile_mutes([mute("s", 'instance="a"')])
    for n in range(3):
        fire(of, error("a"), T0 + minutes(n))

    assert fire(of, error("b"), T0 + minutes(3)).because[-1].startswith("1 of 3 alerts")


# --- flapping ---------------------------------------------------------------------------------------------------------


def test_a_key_that_keeps_changing_flaps_until_it_was_quiet() -> None:
    of = context(Route(name="r", flapping=Flapping(transitions=4, seconds=600)))
    said = ask(of, {"alertname": "Slow"})
    told = [changed(of, said, n % 2, (n + 1) % 2, T0 + minutes(n)) for n in range(5)]

    assert told[:3] == [None, None, None]
    assert told[3] is not None
    assert (told[3].transitions, told[3].quiet_until) == (4, T0 + minutes(13))
    assert told[4] is not None
    assert told[4].quiet_until == T0 + minutes(14)


def test_many_alerts_of_one_key_that_fire_and_clear_once_do_not_flap() -> None:
    of = context()
    said = ask(of, {"alertname": "Slow"})
    for n in range(1_000):
        assert changed(of, said, n, n + 1, T0 + timedelta(seconds=n / 10)) is None
    for n in range(1_000):
        assert changed(of, said, 1_000 - n, 999 - n, T0 + timedelta(seconds=200 + n / 10)) is None


def test_slow_changes_are_no_flapping() -> None:
    of = context(Route(flapping=Flapping(transitions=3, seconds=600)))
    said = ask(of, {"alertname": "Slow"})

    assert all(changed(of, said, n % 2, (n + 1) % 2, T0 + minutes(n * 6)) is None for n in range(20))


def test_by_default_three_times_fired_and_cleared_is_flapping() -> None:
    of = context()
    said = ask(of, {"alertname": "Slow"})
    told = [changed(of, said, n % 2, (n + 1) % 2, T0 + minutes(n)) for n in range(6)]

    assert [each is not None for each in told] == [False] * 5 + [True]


def test_what_can_matter_no_more_is_forgotten() -> None:
    of = context(FEW)
    said = fire(of, error("a"), T0)
    changed(of, said, 0, 1, T0)
    forget(of, T0 + minutes(9))
    assert (len(of.windows), len(of.changes)) == (1, 1)

    forget(of, T0 + minutes(15))

    assert (of.windows, of.changes) == ({}, {})


# --- every alert has a fate -------------------------------------------------------------------------------------------

ANY_LABELS = st.dictionaries(
    st.sampled_from(["alertname", "service", "severity", "team", "job", "cluster", "s", "t"]), st.text(max_size=6)
)


@given(ANY_LABELS, st.one_of(st.none(), st.text(max_size=10)))
def test_every_alert_gets_a_guide_a_severity_a_key_and_a_reason(labels: dict[str, str], group: str | None) -> None:
    of = guides()

    said = ask(of, labels, group=group)

    assert said.outcome == "page"
    assert said.guide in ("General", "Shop")
    assert said.severity in ("P1", "P2", "P3", "P4")
    assert said.key
    assert all(said.because)
    assert said == ask(guides(), labels, group=group)
