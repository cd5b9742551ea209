"""From accepted bodies to incidents: what changes is told once, what repeats is quiet, and a crash changes nothing."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings, strategies as st

from tests.digesting import T0, TENANT, World, alert, policy
from tocsin.clock import ManualClock
from tocsin.core import commands as c, facts as f
from tocsin.core.facts import Acknowledged, AlertsAttached, AlertsCleared, NoteAdded, Opened
from tocsin.core.policy import Flapping, Inhibition, Matcher, Route, Threshold
from tocsin.core.silence import SILENCE, Silence
from tocsin.core.texts import TITLE_MAX
from tocsin.digest.pace import PACE_SECONDS, PAUSE_SECONDS, QUIET_ALERTS
from tocsin.digest.quarantine import Quarantined
from tocsin.digest.recalling import recall_sources
from tocsin.ports import Store
from tocsin.store.memory import MemoryStore
from tocsin.store.sqlite import SqliteStore

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    return World()


# --- firing and clearing ----------------------------------------------------------------------------------------------


def test_a_new_alert_opens_an_incident(world: World) -> None:
    world.post(alert("DiskFull", severity="critical", service="shop"))

    incident = world.incident
    assert incident.open
    assert incident.severity == "P0"
    assert incident.service == "shop"
    assert incident.title == "DiskFull happened"
    assert incident.firing == 1


@pytest.mark.parametrize("where", ["summary", "alertname", "service", "instance", "job", "severity", "team"])
@pytest.mark.parametrize("text", ["x" * 70_000, "\U0001f6a8" * 20_000, '"\\' * 40_000, "\x1b\n" * 40_000])
def test_an_alert_that_says_too_much_opens_an_incident_all_the_same(world: World, where: str, text: str) -> None:
    """A fact has a bound; what a monitor says has none that could keep people from being paged."""
    labels = {"alertname": "DiskFull", "instance": "db-1", "severity": "critical"}
    labels |= {} if where == "summary" else {where: text}
    world.post({"labels": labels, "annotations": {"summary": text} if where == "summary" else {}})

    assert world.incident.firing == 1
    assert 0 < len(world.incident.title) <= TITLE_MAX


def test_a_group_whose_every_alert_says_too_much_opens_an_incident(world: World) -> None:
    labels = {"alertname": "DiskFull", "service": "shop"}
    said = [{"labels": labels | {"instance": str(n)}, "annotations": {"summary": "é" * 60_000}} for n in range(20)]
    world.post(*said)

    assert world.incident.firing == 20


def test_services_that_differ_far_behind_are_two(world: World) -> None:
    for last in "ab":
        world.post({"labels": {"alertname": "DiskFull", "service": "s" * 5_000 + last}})

    assert len(world.incidents()) == 2


def test_alerts_of_one_kind_join_one_incident(world: World) -> None:
    world.post(*[alert("DiskFull", service="shop", instance=f"host-{n}") for n in range(5)])
    world.post(alert("DiskFull", service="shop", instance="host-9"))

    assert world.incident.firing == 6


def test_the_worst_severity_of_a_bite_speaks_for_the_incident(world: World) -> None:
    world.post(
        alert(service="shop", instance="a", severity="info"), alert(service="shop", instance="b", severity="critical")
    )

    assert world.incident.severity == "P0"


def storm(world: World, name: str, alerts: int = QUIET_ALERTS + 50) -> None:
    """Accepted, and as much as the writer does by itself."""
    world.accept(json.dumps([alert(name, instance=str(n)) for n in range(alerts)]).encode())
    while world.tasks:
        world.tasks.pop(0)()


def firing(world: World) -> int:
    return len(world.digest.table.slots(TENANT))


def test_after_a_large_bite_the_next_waits_while_more_comes_and_not_once_nothing_does(world: World) -> None:
    storm(world, "First")
    taken = firing(world)
    assert taken == QUIET_ALERTS + 50

    for n in range(5):  # a body every 40 ms: nothing is taken before its time
        storm(world, f"More{n}")
        world.elapsed += PAUSE_SECONDS * 0.8
        world.digest.tick(world.now)
        assert firing(world) == taken

    world.elapsed += PAUSE_SECONDS * 0.3
    world.digest.tick(world.now)
    assert firing(world) == taken * 6


def test_a_storm_without_a_pause_is_bitten_at_its_pace(world: World) -> None:
    storm(world, "First")
    taken, began = firing(world), world.elapsed
    while firing(world) == taken:
        storm(world, f"At{world.elapsed:.3f}")
        world.elapsed += PAUSE_SECONDS * 0.8
        world.digest.tick(world.now)
        assert world.elapsed - began < PACE_SECONDS * 1.2, "it waits for ever"

    assert world.elapsed - began >= PACE_SECONDS


def test_a_new_alert_twice_in_a_bite_is_one_episode_however_it_is_spelled(world: World) -> None:
    one = b'{"labels":{"alertname":"Disk","service":"shop"},"annotations":{"summary":"first"}}'
    two = b'{"labels":{"service":"shop","alertname":"Disk"},"annotations":{"summary":"second"}}'
    world.accept(b"[%b,%b]" % (one, two))
    world.accept(b"[%b]" % two)
    world.accept(b"[%b]" % one)
    world.run()

    table = world.digest.table
    (slot,) = table.slots(TENANT)
    assert (len(table), table.count[slot], world.incident.firing) == (1, 3, 1)
    assert [b"first" in body for body in world.store.alert_bodies([slot]).values()] == [True]


def test_new_alerts_of_many_bodies_and_sources_are_each_their_own(world: World) -> None:
    for n in range(30):
        world.accept(json.dumps([alert(service="shop", instance=f"i{n}")]).encode(), source=f"p{n % 2}")
    world.run()

    table = world.digest.table
    assert world.incident.firing == len(table) == 30
    assert {table.source_of(slot) for slot in table.slots(TENANT)} == {"p0", "p1"}
    before = world.state()
    world.crash()
    assert world.state() == before


def test_a_refresh_is_no_fact(world: World) -> None:
    world.post(alert())
    version = world.incident.version
    for _ in range(5):
        world.after(seconds=30)
        world.post(alert())

    assert world.incident.version == version
    slot = world.digest.table.slots(TENANT)[0]
    assert world.digest.table.count[slot] == 6


def test_a_resolve_clears_and_ends_the_incident(world: World) -> None:
    world.post(alert(starts=T0))
    world.after(minutes=3)
    world.post(alert(starts=T0, ends=T0 + 2 * MINUTE))

    assert world.incident.status == "resolved"
    assert world.digest.table.firing == 0


def test_an_alert_that_is_not_repeated_ends_by_silence(world: World) -> None:
    world.post(alert())
    world.after(minutes=4, seconds=58)
    world.run()
    assert world.incident.open

    world.after(seconds=4)
    world.run()

    assert world.incident.status == "resolved"
    cleared = [fact for fact in world.store.facts(TENANT, world.incident.id) if isinstance(fact, AlertsCleared)]
    assert [fact.because for fact in cleared] == ["silence"]


def test_a_heartbeat_deadline_is_no_end_until_it_passes(world: World) -> None:
    world.post(alert(starts=T0, ends=T0 + 4 * MINUTE))
    for _ in range(6):
        world.after(minutes=1)
        world.post(alert(starts=T0, ends=world.now + 4 * MINUTE))
    assert world.incident.open

    world.after(minutes=4, seconds=2)
    world.run()

    assert not world.incident.open


def test_a_refire_after_the_end_is_a_new_episode(world: World) -> None:
    world.post(alert(starts=T0))
    world.after(minutes=2)
    world.post(alert(starts=T0, ends=world.now))
    world.after(minutes=30)
    world.post(alert(starts=world.now))

    (fingerprint,) = {world.digest.table.name(slot) for slot in world.digest.table.slots(TENANT)}
    episodes = world.digest.table.episodes(TENANT, fingerprint)
    assert len(episodes) == 2
    assert world.incidents()[-1].open


def test_firing_and_clearing_in_one_body_is_told_twice(world: World) -> None:
    world.after(minutes=5)
    world.post(alert(starts=T0), alert(starts=T0, ends=T0 + MINUTE))

    facts = [type(fact) for fact in world.store.facts(TENANT, world.incident.id)]
    assert AlertsAttached in facts
    assert AlertsCleared in facts
    assert not world.incident.open


def test_an_alert_that_comes_resolved_opens_nothing(world: World) -> None:
    world.after(minutes=5)
    world.post(alert(starts=T0, ends=T0 + MINUTE))

    assert world.incidents() == []


def test_a_repeated_resolve_of_the_episode_before_does_not_end_this_one(world: World) -> None:
    world.post(alert(starts=T0))
    world.after(minutes=1)
    world.post(alert(starts=T0, ends=world.now))
    world.after(minutes=5)
    again = world.now
    world.post(alert(starts=again))
    world.after(minutes=1)
    world.post(alert(starts=T0, ends=T0 + MINUTE))

    assert world.digest.table.firing == 1


def test_a_clock_that_is_set_back_does_not_hide_a_resolve(world: World) -> None:
    world.post(alert(starts=T0))
    world.clock.set(T0 - 60 * MINUTE)
    world.post(alert(starts=T0, ends=world.now))

    assert world.digest.table.firing == 0


def test_changed_annotations_are_kept(world: World) -> None:
    world.post(alert())
    changed = alert() | {"annotations": {"summary": "95 % full"}}
    world.post(changed)
    world.digest.flush()

    (body,) = world.store.alert_bodies(world.digest.table.slots(TENANT)).values()
    assert json.loads(body)["annotations"] == {"summary": "95 % full"}


def test_what_two_orders_of_labels_name_is_one_alert(world: World) -> None:
    world.post({"labels": {"alertname": "A", "b": "c"}})
    world.post({"labels": {"b": "c", "alertname": "A", "empty": ""}})

    assert world.incident.firing == 1


def test_an_alert_racing_a_resolve_is_not_dropped(world: World) -> None:
    world.post(alert(instance="a"))
    world.engine.handle(TENANT, world.incident.id, c.Resolve(by="ana"))
    world.post(alert(instance="b"))

    assert world.incidents()[-1].open


# --- why nobody is paged ----------------------------------------------------------------------------------------------


def silence(world: World, minutes: int, **labels: str) -> None:
    matchers = tuple(Matcher(name=name, value=value) for name, value in labels.items())
    ends = world.now + minutes * MINUTE
    value = Silence(id="s1", matchers=matchers, starts_at=world.now, ends_at=ends, updated_at=world.now)
    world.store.put(TENANT, SILENCE, "s1", msgspec.json.encode(value))
    world.digest.settler.changed(TENANT)


def test_a_silenced_alert_pages_nobody_and_says_so(world: World) -> None:
    silence(world, 30, service="shop")
    world.post(alert(service="shop"))

    assert world.incidents() == []
    (slot,) = world.digest.table.slots(TENANT)
    verdict = world.digest.table.verdict_of(slot)
    assert verdict is not None
    assert verdict.outcome == "silenced"


def test_a_silence_holds_back_one_of_many_that_are_alike(world: World) -> None:
    world.post(alert(service="shop", instance="a"))
    silence(world, 30, instance="c")
    world.post(alert(service="shop", instance="b"), alert(service="shop", instance="c"))

    verdicts = {
        slot: verdict.outcome
        for slot in world.digest.table.slots(TENANT)
        if (verdict := world.digest.table.verdict_of(slot))
    }
    assert sorted(verdicts.values()) == ["page", "page", "silenced"]
    assert world.incident.firing == 2


def test_a_silence_that_ends_while_its_alert_fires_pages(world: World) -> None:
    silence(world, 10, service="shop")
    for _ in range(11):
        world.post(alert(service="shop"))
        world.after(minutes=1)
    world.run()

    assert world.incident.open
    assert world.incident.firing == 1


def test_a_silence_on_an_open_incident_does_not_attach_its_alert_twice(world: World) -> None:
    world.post(alert(service="shop"))
    silence(world, 2, service="shop")
    for _ in range(4):
        world.post(alert(service="shop"))
        world.after(minutes=1)
    world.run()
    assert world.incident.firing == 1

    world.post(alert(service="shop", starts=T0, ends=world.now))

    assert not world.incident.open


def test_an_alert_that_fires_again_under_a_silence_is_counted_when_the_silence_ends(world: World) -> None:
    world.post(alert(service="shop", instance="a", starts=T0), alert(service="shop", instance="b", starts=T0))
    world.after(minutes=1)
    world.post(alert(service="shop", instance="a", starts=T0, ends=world.now))
    silence(world, 2, service="shop")
    world.post(alert(service="shop", instance="a", starts=T0, ends=T0 + 60 * MINUTE))
    assert world.incident.firing == 1

    world.after(minutes=3)
    world.run()

    assert world.incident.firing == 2


def test_an_alert_that_came_and_went_under_a_silence_does_not_end_the_incident_of_another(world: World) -> None:
    world.post(alert(service="shop", instance="a", starts=T0), alert(service="shop", instance="b", starts=T0))
    world.after(minutes=1)
    world.post(alert(service="shop", instance="a", starts=T0, ends=world.now))
    silence(world, 30, service="shop")
    world.post(alert(service="shop", instance="a", starts=T0, ends=T0 + 60 * MINUTE))
    world.after(minutes=1)
    world.post(alert(service="shop", instance="a", starts=T0, ends=world.now))

    assert world.incident.open
    assert world.incident.firing == 1


def test_an_alert_that_fires_on_after_its_silence_counts_in_the_new_incident_only(world: World) -> None:
    world.post(alert(service="shop"))
    silence(world, 2, service="shop")
    world.post(alert(service="shop"))
    world.engine.handle(TENANT, world.incident.id, c.Resolve(by="ana"))
    for _ in range(3):
        world.after(minutes=1)
        world.post(alert(service="shop"))

    assert [(incident.status, incident.firing) for incident in world.incidents()] == [
        ("resolved", 0),
        ("investigating", 1),
    ]


def test_an_alert_of_a_merged_incident_is_not_counted_again_when_its_silence_ends(world: World) -> None:
    world.post(alert("A", service="shop"), alert("B", service="stock"))
    first, second = world.incidents()
    silence(world, 2, service=first.service or "")
    world.post(alert("A", service="shop"), alert("B", service="stock"))
    world.engine.handle(TENANT, first.id, c.Merge(by="ana", into=second.id))
    for _ in range(3):
        world.after(minutes=1)
        world.post(alert("A", service="shop"), alert("B", service="stock"))

    assert [incident.firing for incident in world.incidents() if incident.open] == [2]
    assert isinstance(world.store.facts(TENANT, second.id)[-1], f.Absorbed)  # and nothing is said about it


def test_a_silence_about_something_else_reopens_nothing_that_a_person_resolved(world: World) -> None:
    world.post(alert(service="shop"))
    world.engine.handle(TENANT, world.incident.id, c.Resolve(by="ana"))
    silence(world, 2, service="stock")
    for _ in range(4):
        world.post(alert(service="shop"))
        world.after(minutes=1)

    assert world.incident.status == "resolved"


def test_a_silence_that_ended_while_the_server_was_down_pages(world: World) -> None:
    silence(world, 10, service="shop")
    world.post(alert(service="shop", ends=T0 + timedelta(hours=3)))
    assert world.incidents() == []

    world.after(minutes=11)
    world.crash()
    world.run()

    assert world.incident.open
    assert world.incident.firing == 1


def test_an_inhibited_alert_pages_once_its_source_clears() -> None:
    rule = Inhibition(
        source_matchers=('severity="critical"',), target_matchers=('severity="warning"',), equal=("cluster",)
    )
    world = World(rules=policy(inhibitions=(rule,)))
    world.post(alert("Slow", severity="warning", cluster="eu"), alert("Down", severity="critical", cluster="eu"))
    assert [incident.title for incident in world.incidents()] == ["Down happened"]

    world.after(minutes=1)
    world.post(alert("Down", severity="critical", cluster="eu", starts=T0, ends=world.now))

    assert [incident.title for incident in world.incidents() if incident.open] == ["Slow happened"]


def test_an_inhibition_still_holds_after_a_restart() -> None:
    rule = Inhibition(source_matchers=('severity="critical"',), target_matchers=('severity="warning"',))
    world = World(rules=policy(inhibitions=(rule,)))
    world.post(alert("Down", severity="critical"))
    world.crash()
    world.post(alert("Slow", severity="warning"))

    assert [incident.title for incident in world.incidents()] == ["Down happened"]


@pytest.mark.parametrize("before", [(), (Inhibition(source_matchers=('a="b"',), target_matchers=('c="d"',)),)])
def test_what_fires_already_inhibits_by_a_guide_that_is_new(before: tuple[Inhibition, ...]) -> None:
    rule = Inhibition(source_matchers=('severity="critical"',), target_matchers=('severity="warning"',))
    world = World(rules=policy(inhibitions=before))
    world.post(alert("Down", severity="critical"))
    world.engine.guides.activate(TENANT, "Guide", policy(inhibitions=(rule,)))
    world.digest.settler.changed(TENANT)
    world.run()

    world.post(alert("Slow", severity="warning"))

    assert [incident.title for incident in world.incidents()] == ["Down happened"]


def test_a_restart_reads_the_bodies_of_neighbours_together() -> None:
    rule = Inhibition(source_matchers=('severity="critical"',), target_matchers=('severity="warning"',))
    world = World(rules=policy(inhibitions=(rule,)))
    world.post(*(alert("Down", severity="critical", instance=str(n)) for n in range(200)))
    asked: list[int] = []
    judge = world.digest.settler.judge_of(TENANT)

    recall_sources(world.digest.table, judge, TENANT, lambda slots: asked.extend(slots) or {})  # type: ignore[func-returns-value]

    assert len(asked) == 200
    assert asked == sorted(asked)  # one blob holds several: in another order each is read many times


def test_a_threshold_holds_back_until_enough_fire_and_then_takes_them_all() -> None:
    route = Route(name="noisy", matchers=('alertname="Retry"',), threshold=Threshold(count=3, seconds=600))
    world = World(rules=policy(routes=(route,)))
    for n in range(2):
        world.post(alert("Retry", instance=str(n)))
    assert world.incidents() == []

    world.post(alert("Retry", instance="2"))
    world.run()

    assert world.incident.firing == 3


def test_a_route_that_pages_nobody_is_told_by_the_verdict() -> None:
    world = World(rules=policy(routes=(Route(name="dev", matchers=('env="dev"',), page=False),)))
    world.post(alert(env="dev"))

    assert world.incidents() == []
    verdict = world.digest.table.verdict_of(world.digest.table.slots(TENANT)[0])
    assert verdict is not None
    assert verdict.outcome == "not_paged"


def test_a_key_that_flaps_keeps_its_incident_open(world: World) -> None:
    for _ in range(4):
        world.post(alert(starts=world.now))
        world.after(seconds=30)
        world.post(alert(ends=world.now))
        world.after(seconds=30)

    assert world.incidents()[-1].quiet_until is not None


def test_flapping_is_told_across_a_restart(world: World) -> None:
    for _ in range(4):
        world.post(alert(starts=world.now))
        world.after(seconds=30)
        world.post(alert(ends=world.now))
        world.after(seconds=30)
        world.crash()

    assert world.incidents()[-1].quiet_until is not None


# --- other sources ----------------------------------------------------------------------------------------------------


def pagerduty(action: str, key: str = "db-1", **payload: Any) -> bytes:
    body = {"routing_key": "k" * 32, "event_action": action, "dedup_key": key}
    if action == "trigger":
        body |= {"payload": {"summary": "database down", "source": "db-1", "severity": "critical", **payload}}
    return json.dumps(body).encode()


def test_a_vendor_event_opens_acknowledges_and_resolves(world: World) -> None:
    world.accept(pagerduty("trigger"), "pagerduty", "checks")
    world.run()
    assert world.incident.title == "database down"

    world.accept(pagerduty("acknowledge"), "pagerduty", "checks")
    world.run()
    assert world.incident.acknowledged_at == T0
    acknowledged = [fact for fact in world.store.facts(TENANT, world.incident.id) if isinstance(fact, Acknowledged)]
    assert [fact.by for fact in acknowledged] == ["source:checks"]

    world.accept(pagerduty("resolve"), "pagerduty", "checks")
    world.run()
    assert not world.incident.open


def test_trigger_and_acknowledge_in_one_bite_are_both_heard(world: World) -> None:
    world.accept(pagerduty("trigger"), "pagerduty", "checks")
    world.accept(pagerduty("acknowledge"), "pagerduty", "checks")
    world.run()

    assert world.incident.acknowledged_at == T0


def test_an_alert_without_a_deadline_stays_until_its_source_ends_it(world: World) -> None:
    world.accept(pagerduty("trigger"), "pagerduty", "checks")
    world.run()
    world.after(days=3)
    world.run()

    assert world.incident.open


def test_a_note_goes_to_the_timeline(world: World) -> None:
    body = json.dumps({"alias": "a1", "message": "Broken"}).encode()
    world.accept(body, "opsgenie", "og", suffix="v2/alerts")
    note = json.dumps({"note": "looking into it", "user": "bo"}).encode()
    world.accept(note, "opsgenie", "og", suffix="v2/alerts/a1/notes")
    world.run()

    notes = [fact for fact in world.store.facts(TENANT, world.incident.id) if isinstance(fact, NoteAdded)]
    assert len(notes) == 1
    assert "looking into it" in notes[0].text


def test_a_change_event_is_kept_and_opens_nothing(world: World) -> None:
    body = {"routing_key": "k" * 32, "payload": {"summary": "deployed shop 1.2", "source": "ci"}}
    world.accept(json.dumps(body).encode(), "pagerduty_change", "ci")
    world.run()

    assert world.incidents() == []
    assert [json.loads(value)["text"] for _, value in world.store.items(TENANT, "change")] == ["deployed shop 1.2"]


# --- what cannot be read ----------------------------------------------------------------------------------------------


def test_a_poisoned_body_among_a_thousand_good_ones_costs_only_itself(world: World) -> None:
    for n in range(1_000):
        body = b'{"alerts": "\xff not even' if n == 500 else json.dumps([alert(f"A{n % 7}", instance=str(n))]).encode()
        world.accept(body, "alertmanager" if n == 500 else "postable")
    world.run()

    assert sum(incident.firing for incident in world.incidents()) == 999
    (document,) = world.store.items(TENANT, "quarantine")
    found = msgspec.json.decode(document[1], type=Quarantined)
    assert found.kind == "alertmanager"
    assert found.reason


def test_an_unknown_format_goes_to_quarantine(world: World) -> None:
    world.accept(b"{}", "no-such-format")
    world.run()

    ((_, body),) = world.store.items(TENANT, "quarantine")
    assert "no-such-format" in msgspec.json.decode(body, type=Quarantined).reason


# --- crashes ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[ManualClock], Store]]:
    opened: list[Store] = []

    def make(clock: ManualClock) -> Store:
        opened.append(MemoryStore(clock) if request.param == "memory" else SqliteStore(tmp_path / "t.db", clock))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_what_was_accepted_and_not_digested_is_digested_after_a_crash(world: World) -> None:
    world.accept(json.dumps([alert()]).encode())
    world.crash()

    assert world.incident.firing == 1


def test_nothing_is_told_twice_after_a_crash(world: World) -> None:
    world.post(alert())
    version = world.incident.version
    world.crash()
    world.post(alert())

    assert world.incident.version == version


def test_refreshes_that_were_not_flushed_are_read_again(world: World) -> None:
    world.post(alert())
    for _ in range(3):
        world.after(seconds=2)
        world.post(alert(), alert("Other"))
    before = world.state()
    world.crash()

    assert world.state() == before


def test_an_expired_deadline_is_noticed_after_a_long_stop(world: World) -> None:
    world.post(alert())
    world.after(hours=2)
    world.crash()
    world.run()

    assert not world.incident.open


def test_a_store_that_refuses_is_asked_again_and_nothing_is_lost(world: World) -> None:
    refusing = _Refusing(world)
    world.accept(json.dumps([alert()]).encode())
    refusing.times = 2
    for _ in range(2):
        with pytest.raises(OSError):
            world.run()
    world.run()

    assert world.incident.firing == 1
    opened = [fact for fact in world.store.facts(TENANT, world.incident.id) if isinstance(fact, Opened)]
    assert len(opened) == 1


@pytest.mark.parametrize("commits", range(4))
def test_whichever_commit_is_the_last_before_a_crash_the_same_alerts_are_told_once(commits: int) -> None:
    calm, hit = World(), World()
    for world in (calm, hit):
        world.post(alert("A", instance="1"), alert("B"))
        world.after(minutes=1)
        body = [alert("A", instance="2"), alert("B", starts=T0, ends=world.now), alert("C")]
        world.accept(json.dumps(body).encode())
    calm.run()
    _Dying(hit, commits)
    with contextlib.suppress(_Dead):
        hit.run()
    hit.crash()
    hit.run()

    assert [(*each[:6], bool(each[6])) for each in hit.state()] == [(*each[:6], bool(each[6])) for each in calm.state()]
    told = [[(row.status, row.firing, row.title) for row in world.rows()] for world in (calm, hit)]
    assert told[0] == told[1]


class _Dead(BaseException):
    """The process is gone."""


class _Dying:
    """The process dies at the commit after `commits` more, until the store is asked again after the crash."""

    def __init__(self, world: World, commits: int) -> None:
        commit = world.store.commit

        def counted(*args: Any, **named: Any) -> None:
            nonlocal commits
            if commits == 0:
                world.store.commit = commit  # type: ignore[method-assign]
                raise _Dead
            commits -= 1
            commit(*args, **named)

        world.store.commit = counted  # type: ignore[method-assign]


class _Refusing:
    """The store's disk is full for a while."""

    def __init__(self, world: World) -> None:
        self.times = 0
        commit = world.store.commit

        def refuse(*args: Any, **named: Any) -> None:
            if self.times:
                self.times -= 1
                raise OSError(28, "no space left on device")
            commit(*args, **named)

        world.store.commit = refuse  # type: ignore[method-assign]


def test_an_alert_whose_end_and_whose_silence_passed_unseen_opens_nothing():
    world = World()
    silence(world, 1, alertname="A1")
    world.post(alert("A1", starts=T0, ends=T0 + 4 * MINUTE))

    world.after(minutes=5)
    world.post(alert("A2", starts=world.now))  # settled before the deadlines are looked at

    assert [row.title for row in world.rows()] == ["A2 happened"]
    assert world.digest.table.firing == 1


def test_an_alert_that_is_refreshed_past_its_deadline_is_judged_again():
    world = World()
    silence(world, 1, alertname="A1")
    world.post(alert("A1", starts=T0, ends=T0 + 4 * MINUTE))

    world.after(minutes=5)
    world.post(alert("A1", starts=T0, ends=world.now + 4 * MINUTE))
    world.run()

    assert [row.status for row in world.rows()] == ["investigating"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fire", "fire", "fire", "end", "timeout", "wait", "flush", "silence", "unsilence"]),
        st.integers(0, 3),
        st.integers(1, 400),
    ),
    min_size=1,
    max_size=25,
)


def play(world: World, steps: list[tuple[str, int, int]], crashes: set[int], order: random.Random) -> None:
    began: dict[int, Any] = {}
    for number, (what, who, seconds) in enumerate(steps):
        world.after(seconds=seconds)
        said = None
        match what:
            case "fire":
                began.setdefault(who, world.now)
                said = alert(f"A{who}", starts=began[who], ends=world.now + 4 * MINUTE)
            case "timeout":
                began.setdefault(who, world.now)
                said = alert(f"A{who}", starts=began[who])
            case "end":
                said = alert(f"A{who}", starts=began.pop(who, world.now - MINUTE), ends=world.now)
            case "flush":
                world.digest.flush()
            case "silence":
                silence(world, 1 + seconds // 40, alertname=f"A{who}")
            case "unsilence":
                world.store.delete(TENANT, SILENCE, "s1")
                world.digest.settler.changed(TENANT)
        if said:
            world.accept(json.dumps([said]).encode())
        if number in crashes and order.random() < 0.5:
            world.crash()  # before anything of it was digested
        world.run()
        if number in crashes:
            world.crash()
    world.run()


@given(STEPS, st.sets(st.integers(0, 24)), st.randoms())
@example(  # the second alert's silence and its end are noticed at one look
    [("fire", 0, 1), ("fire", 0, 1), ("silence", 1, 1), ("fire", 1, 8), ("wait", 0, 240)], {1}, random.Random(1)
)
@settings(max_examples=150, deadline=None)
def test_crashes_at_any_step_lead_to_the_same_alerts_and_incidents(
    steps: list[tuple[str, int, int]], crashes: set[int], order: random.Random
) -> None:
    steady = Route(name="steady", flapping=Flapping(transitions=1_000))
    calm, hit = World(rules=policy(routes=(steady,))), World(rules=policy(routes=(steady,)))

    play(calm, steps, set(), order)
    play(hit, steps, crashes, order)

    assert hit.state() == calm.state()
    told = [[(row.status, row.firing, row.title) for row in world.rows()] for world in (calm, hit)]
    assert told[0] == told[1]


@given(STEPS, st.sets(st.integers(0, 24)))
@settings(max_examples=200, deadline=None)
def test_every_firing_alert_counts_once_in_an_open_incident_or_says_why_not(
    steps: list[tuple[str, int, int]], crashes: set[int]
) -> None:
    world = World()

    play(world, steps, crashes, random.Random(1))

    table = world.digest.table
    firing = table.slots(TENANT)
    assert len(firing) == table.firing
    standing = Counter(table.incident_of(slot) for slot in firing if table.incident_of(slot))
    assert standing == Counter({incident.id: incident.firing for incident in world.incidents() if incident.open})
    outcomes = {
        verdict.outcome for slot in firing if not table.incident_of(slot) and (verdict := table.verdict_of(slot))
    }
    assert outcomes <= {"silenced"}


@given(
    st.lists(st.tuples(st.sampled_from(["explicit", "timeout", "short"]), st.integers(1, 200)), min_size=1, max_size=12)
)
@settings(max_examples=200, deadline=None)
def test_the_short_cut_for_refreshes_ends_as_merging_does(said: list[tuple[str, int]]) -> None:
    """With the memo forgotten before every post, each report takes the long way through core.merge."""
    quick, slow = World(), World()
    for how, seconds in said:
        for world in (quick, slow):
            world.after(seconds=seconds)
            ends = {"explicit": world.now + 10 * MINUTE, "short": world.now + 7 * MINUTE, "timeout": None}[how]
            if world is slow:
                world.digest.table.memos.clear()
            world.post(alert(starts=T0, ends=ends))

    assert quick.state() == slow.state()


def test_a_table_of_many_alerts_comes_back_from_sqlite(store: Callable[[ManualClock], Store]) -> None:
    clock = ManualClock(T0)
    world = World(store(clock))
    world.clock = clock
    world.post(*[alert(f"A{n % 10}", instance=str(n)) for n in range(500)])
    world.after(seconds=30)
    world.post(*[alert(f"A{n % 10}", instance=str(n)) for n in range(0, 500, 2)])
    before = world.state()

    world.crash()

    assert world.state() == before
    assert sum(incident.firing for incident in world.incidents()) == 500


def test_an_incident_does_not_end_when_another_of_its_alerts_begins_in_the_same_body(world: World) -> None:
    world.post(alert(service="shop", instance="a", starts=T0))
    world.after(minutes=3)

    world.post(
        alert(service="shop", instance="a", starts=T0, ends=T0 + 2 * MINUTE), alert(service="shop", instance="b")
    )

    history = world.store.facts(TENANT, world.incident.id)
    assert world.incident.open
    assert world.incident.firing == 1
    assert [type(fact).__name__ for fact in history].count("Resolved") == 0


def test_an_incident_that_cannot_be_read_keeps_no_other_alert_from_paging(world: World) -> None:
    world.post(alert("Broken", service="shop", instance="a"))
    broken = world.incident.id
    assert isinstance(world.store, MemoryStore)
    world.store._tables.facts[TENANT, broken] = (b'{"fact":"Nonsense"}',)
    world.engine._cache.clear()

    world.post(alert("Broken", service="shop", instance="b"), alert("Fine", service="shop"))

    rows, _ = world.store.listing(TENANT)
    assert [row.title for row in rows if row.incident != broken] == ["Fine happened"]
    assert world.digest.settler.failed == 1
