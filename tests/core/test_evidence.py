"""Evidence: what may be done to it, and that a hold keeps it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from tests.core.lives import T0, Life, minutes
from tocsin.core import commands as c, evidence as e, facts as f
from tocsin.core.erasing import erased
from tocsin.core.incident import Refused

DAY = 86_400


def collected(name: str = "logs.txt", **more: object) -> f.EvidenceCollected:
    return f.EvidenceCollected(at=T0, item=0, name=name, kind="logs", source="upload", sha256="ab" * 32, size=3, **more)  # type: ignore[arg-type]


def with_evidence(count: int = 2, rules: e.Retention | None = None) -> Life:
    life = Life()
    for n in range(count):
        command = e.CollectEvidence(by="ana", fact=collected(f"logs-{n}.txt"), rules=rules or e.Retention())
        life.does(command, T0 + minutes(n))
    return life


def test_items_are_numbered_and_kept_for_good_unless_something_says_otherwise() -> None:
    life = with_evidence(2)

    assert [(each.item, each.name, each.keep_until) for each in life.now.evidence.items.values()] == [
        (1, "logs-0.txt", None),
        (2, "logs-1.txt", None),
    ]


def test_of_a_kinds_and_a_severitys_word_the_longer_counts() -> None:
    rules = e.Retention(keep_seconds=DAY, kinds={"dump": 2 * DAY}, severities={"SEV-1": 30 * DAY, "SEV-9": 0})

    assert e.keep_until(rules, "logs", "SEV-3", T0) == T0 + timedelta(days=1)
    assert e.keep_until(rules, "dump", "SEV-3", T0) == T0 + timedelta(days=2)
    assert e.keep_until(rules, "dump", "SEV-1", T0) == T0 + timedelta(days=30)
    assert e.keep_until(rules, "dump", "SEV-9", T0) is None
    assert e.keep_until(e.Retention(), "dump", "SEV-1", T0) is None


def test_a_hold_refuses_removal_by_name_until_it_is_released() -> None:
    life = with_evidence(2)
    life.does(e.HoldEvidence(by="carl", because="a lawsuit", items=(1,)), T0 + minutes(5))

    with pytest.raises(Refused, match="evidence 1: it is under legal hold by carl since 2026-11-23: a lawsuit"):
        life.does(e.RemoveEvidence(by="ana", item=1, because="retention"), T0 + minutes(6))
    life.does(e.RemoveEvidence(by="ana", item=2, because="retention"), T0 + minutes(6))
    life.does(e.ReleaseEvidence(by="carl", because="settled", items=(1,)), T0 + minutes(7))
    life.does(e.RemoveEvidence(by="ana", item=1, because="retention"), T0 + minutes(8))

    assert [each.removed_because for each in life.now.evidence.items.values()] == ["retention", "retention"]
    assert all(each.contents == () and each.sha256 for each in life.now.evidence.items.values())


def test_a_hold_of_the_whole_incident_covers_what_comes_later_too() -> None:
    life = with_evidence(1)
    life.does(e.HoldEvidence(by="carl", because="a lawsuit"), T0 + minutes(5))
    life.does(e.CollectEvidence(by="ana", fact=collected(), rules=e.Retention()), T0 + minutes(6))

    for item in (1, 2):
        with pytest.raises(Refused, match="legal hold by carl"):
            life.does(e.RemoveEvidence(by="ana", item=item, because="tidy"), T0 + minutes(7))
    with pytest.raises(Refused, match="evidence 1: it has no hold of its own"):
        life.does(e.ReleaseEvidence(by="carl", because="x", items=(1,)), T0 + minutes(7))


def test_what_is_gone_cannot_be_read_held_or_exported() -> None:
    life = with_evidence(1)
    life.does(e.RemoveEvidence(by="ana", item=1, because="retention"), T0 + minutes(5))

    for command in (
        e.ReadEvidence(by="ana", item=1),
        e.HoldEvidence(by="ana", items=(1,), because="x"),
        e.ExportEvidence(by="ana", items=(1,), manifest_sha256="00"),
        e.RemoveEvidence(by="ana", item=1, because="x"),
    ):
        with pytest.raises(Refused, match="its content was removed: retention"):
            life.does(command, T0 + minutes(6))


def test_an_original_is_read_only_where_one_was_kept() -> None:
    life = with_evidence(1)

    with pytest.raises(Refused, match="none was kept"):
        life.does(e.ReadEvidence(by="ana", item=1, original=True), T0 + minutes(5))


def test_what_names_nothing_is_refused() -> None:
    life = with_evidence(1)

    with pytest.raises(ValueError, match=r"item: expected evidence of INC-2026-001 \(1\), got 7"):
        life.does(e.ReadEvidence(by="ana", item=7), T0 + minutes(5))
    with pytest.raises(ValueError, match="because: expected a reason"):
        life.does(e.HoldEvidence(by="ana", because=" "), T0 + minutes(5))


def test_evidence_outlives_the_end_and_a_merge() -> None:
    life = with_evidence(1)
    life.does(c.Resolve(by="ana"), T0 + minutes(5))
    life.does(c.Close(by="ana"), T0 + minutes(6))
    life.does(e.CollectEvidence(by="ana", fact=collected(), rules=e.Retention()), T0 + minutes(7))
    life.facts.append(f.MergedInto(at=T0 + minutes(8), other="i2", reference="INC-2026-002"))

    life.does(e.ReadEvidence(by="ana", item=2), T0 + minutes(9))

    assert life.now.evidence.items[2].reads == 1


def test_every_fact_of_custody_is_a_sentence() -> None:
    life = with_evidence(1)
    life.does(e.HoldEvidence(by="carl", because="a lawsuit"), T0 + minutes(5))
    life.does(e.FailEvidence(by="ana", fact=f.EvidenceFailed(at=T0, name="x", source="url", detail="404")), T0)

    said = [e.words(fact) for fact in life.facts if isinstance(fact, e.OF_EVIDENCE)]

    assert said[0] == f"Evidence 1: logs-0.txt (3 B), SHA-256 {'ab' * 32}"
    assert said[1:] == [
        "Legal hold on all evidence, also what is yet to come: a lawsuit",
        "Evidence could not be collected: x: 404",
    ]


def test_what_people_wrote_about_evidence_can_be_erased_and_its_hash_stays() -> None:
    fact = collected("mrs-miller.csv", origin="psql -c 'select miller'", host="db-1")

    after = erased(fact)

    assert (after.name, after.origin, after.host) == ("[erased]", "[erased]", "[erased]")
    assert after.sha256 == fact.sha256


@given(st.integers(min_value=0, max_value=2**50))
def test_a_size_is_said_in_at_most_four_digits(size: int) -> None:
    assert len(e.size_words(size).split()[0].split(".")[0]) <= 4 or size > 2**40
