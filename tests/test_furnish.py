"""What tocsin.toml and --guide say is in the store after a start, and a changed guide waits."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tocsin.clock import ManualClock
from tocsin.core.monitor import Monitor
from tocsin.core.people import Method, Person
from tocsin.core.policy import BusinessHours, Deadline, Policy, Severity, canonical
from tocsin.guidefile import GuideFile, read_guide
from tocsin.guides import Guides, UnknownGuide, read_directory
from tocsin.http.sources import stored_sources, token_digest
from tocsin.saying.composing import stored_audiences
from tocsin.setting import config
from tocsin.store.memory import MemoryStore
from tocsin.wiring.furnish import furnish, put_guides

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TENANT = "default"
TOML = """
[[people]]
id = "ana"
methods = ["ana@example.org"]

[[sources]]
name = "prometheus"
kind = "alertmanager"
token = "0123456789abcdef0123456789abcdef"

[bindings]
on-call = ["ana"]

[paging]
last_resort = ["ana"]

[[monitors]]
id = "nightly-backup"
every = "1d"
"""


def told(tmp_path: Path, text: str) -> config.Config:
    file = tmp_path / "tocsin.toml"
    file.write_text(text)
    return config.load(file, {}, {"server.data": str(tmp_path / "data")})


def policy(minutes: int = 15) -> Policy:
    return Policy(title="G", severities=(Severity(id="P1", rank=0, respond_within=Deadline(seconds=minutes * 60)),))


def given(minutes: int = 15, **more: str) -> GuideFile:
    return GuideFile(name="g", file="g.md", policy=policy(minutes), **more)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(ManualClock(T0))


def test_what_the_file_says_is_in_the_store(store: MemoryStore, tmp_path: Path):
    furnish(store, told(tmp_path, TOML))

    directory = read_directory(store, TENANT)
    assert directory.people["ana"].methods == (Method(kind="email", address="ana@example.org"),)
    assert directory.bindings == {"on-call": ("ana",)}
    assert directory.last_resort == ("ana",)
    assert [(each.name, each.token_sha256) for each in stored_sources(store, TENANT)] == [
        ("prometheus", token_digest("0123456789abcdef0123456789abcdef"))
    ]
    assert store.get(TENANT, "monitor", "nightly-backup") is not None


def test_audiences_of_the_file_are_those_that_are_told(store: MemoryStore, tmp_path: Path):
    furnish(store, told(tmp_path, "[[audiences]]\nid = 'customers'\nchannels = ['all@example.org']\n"))
    known = stored_audiences(store, TENANT)["customers"]

    assert [each.address for each in known.channels] == ["all@example.org"]
    assert (known.outside, known.approval, known.approvers) == (True, True, ("Communications Lead",))


def test_no_token_is_stored_in_the_clear(store: MemoryStore, tmp_path: Path):
    furnish(store, told(tmp_path, TOML))

    stored = [body for kind in ("source", "setting") for _, body in store.items(TENANT, kind)]
    assert not any(b"0123456789abcdef0123456789abcdef" in body for body in stored)


def test_who_is_no_longer_in_the_file_is_removed_and_who_came_otherwise_stays(store: MemoryStore, tmp_path: Path):
    furnish(store, told(tmp_path, TOML))
    store.put(TENANT, "person", "ben", msgspec.json.encode(Person(id="ben")))

    furnish(store, told(tmp_path, TOML.replace('"ana"', '"cleo"').replace("ana@", "cleo@")))

    assert sorted(read_directory(store, TENANT).people) == ["ben", "cleo"]


def test_a_second_start_with_the_same_file_changes_nothing(store: MemoryStore, tmp_path: Path):
    furnish(store, told(tmp_path, TOML))
    before = [(kind, store.items(TENANT, kind)) for kind in ("person", "source", "binding", "monitor")]

    furnish(store, told(tmp_path, TOML))

    assert before == [(kind, store.items(TENANT, kind)) for kind in ("person", "source", "binding", "monitor")]


def test_a_guide_activates_at_once_on_an_empty_store(store: MemoryStore):
    guides = Guides(store)

    assert put_guides(guides, store, [given()], TENANT) == ["guide g: activated, 1 severities"]
    assert guides.named(TENANT, "g").policy == policy()


def test_a_new_release_that_knows_more_fields_offers_no_guide_that_nobody_changed(store: MemoryStore):
    put_guides(Guides(store), store, [given()], TENANT)
    older = {name: value for name, value in json.loads(canonical(policy())).items() if name != "staffing"}
    body = json.dumps(older, separators=(",", ":")).encode()
    name = hashlib.sha256(body).hexdigest()
    store.put(TENANT, "policy", name, body)
    pointer = json.loads(store.get(TENANT, "guide", "g") or b"")
    store.put(TENANT, "guide", "g", json.dumps(pointer | {"digest": name}).encode())
    guides = Guides(store)

    said = put_guides(guides, store, [given()], TENANT)

    assert (said, guides.offered(TENANT)) == (["guide g: in force, unchanged"], [])
    assert [each.digest for each in guides.active(TENANT)] == [name]


def test_a_changed_guide_waits_and_says_what_it_would_change(store: MemoryStore):
    guides = Guides(store)
    put_guides(guides, store, [given(15)], TENANT)

    said = put_guides(guides, store, [given(10)], TENANT)

    assert said[0] == "guide g: changed and waits: tocsin guide activate g"
    assert "10 minutes instead of within 15 minutes" in said[1]
    assert guides.named(TENANT, "g").policy == policy(15)


def test_what_was_offered_governs_after_somebody_activates_it(store: MemoryStore):
    guides = Guides(store)
    put_guides(guides, store, [given(15)], TENANT)
    put_guides(guides, store, [given(10)], TENANT)

    guides.activate_offered(TENANT, "g")

    assert guides.named(TENANT, "g").policy == policy(10)
    assert guides.offered(TENANT) == []
    with pytest.raises(UnknownGuide, match="nothing is offered"):
        guides.activate_offered(TENANT, "g")


def test_going_back_to_what_is_in_force_withdraws_the_offer(store: MemoryStore):
    guides = Guides(store)
    put_guides(guides, store, [given(15)], TENANT)
    put_guides(guides, store, [given(10)], TENANT)

    assert put_guides(guides, store, [given(15)], TENANT) == ["guide g: in force, unchanged"]
    assert guides.offered(TENANT) == []


def test_a_draft_is_never_put_in_force_by_itself(store: MemoryStore):
    guides = Guides(store)

    said = put_guides(guides, store, [given(status="draft")], TENANT)

    assert said == ["guide g: is new (draft) and waits: tocsin guide activate g"]
    assert guides.active(TENANT) == ()


def test_a_text_that_is_no_policy_is_not_even_offered(store: MemoryStore):
    guides = Guides(store)
    stub = GuideFile(name="g", file="g.md", policy=Policy(title="G", severities=()), status="no policy")

    assert put_guides(guides, store, [stub], TENANT) == ["guide g: not offered, it is no policy (no policy)"]
    assert guides.offered(TENANT) == []


def test_a_markdown_guide_is_compiled_and_names_its_bytes(tmp_path: Path):
    file = tmp_path / "incidents.md"
    file.write_text(
        "# Incident response\n\n| Severity | Description | Response time |\n|---|---|---|\n"
        "| SEV-1 | Everything is down | 15 minutes |\n| SEV-2 | Something is slow | 1 hour |\n"
    )

    guide = read_guide(file)

    assert [(each.id, each.respond_within.seconds) for each in guide.policy.severities if each.respond_within] == [
        ("SEV-1", 900),
        ("SEV-2", 3600),
    ]
    assert len(guide.policy.metadata["guide_sha256"]) == 64


def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path):
    file = tmp_path / "guide.docx"
    file.write_bytes(b"PK")

    with pytest.raises(ValueError, match=r"guide\.docx: expected a .*got \.docx"):
        read_guide(file)


def test_a_configured_monitor_counts_from_its_first_start(store: MemoryStore, tmp_path: Path):
    furnish(store, told(tmp_path, TOML))
    first = msgspec.json.decode(store.get(TENANT, "monitor", "nightly-backup") or b"", type=Monitor)
    store._clock.advance(timedelta(hours=5))

    furnish(store, told(tmp_path, TOML))

    again = msgspec.json.decode(store.get(TENANT, "monitor", "nightly-backup") or b"", type=Monitor)
    assert first.created_at == again.created_at == T0


def test_a_guide_that_states_no_business_hours_has_those_of_the_file_and_a_change_of_them_is_offered(
    store: MemoryStore,
):
    guides, tokyo, berlin = Guides(store), BusinessHours(zone="Asia/Tokyo"), BusinessHours(zone="Europe/Berlin")
    own = msgspec.structs.replace(given(), policy=msgspec.structs.replace(policy(), business_hours=berlin))

    put_guides(guides, store, [given(), msgspec.structs.replace(own, name="own")], TENANT, tokyo)
    said = put_guides(guides, store, [given()], TENANT, BusinessHours(zone="Asia/Tokyo", closes="18:00"))

    assert guides.named(TENANT, "g").calendar.zone == "Asia/Tokyo"
    assert guides.named(TENANT, "own").calendar.zone == "Europe/Berlin"
    assert said[0] == "guide g: changed and waits: tocsin guide activate g"
