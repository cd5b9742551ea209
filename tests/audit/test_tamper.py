"""Twelve attacks by three attackers, behind Tocsin's back: all found where an anchor covers them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.given import Attacker, Installation
from tests.store.given import TENANT
from tocsin.audit import AuditService, audited

KINDS = (
    *("edited", "deleted", "inserted", "reordered", "truncated", "forked", "rewritten"),
    *("backdated", "salts", "facts", "doubled", "transplanted"),
)
WITHIN = ("salts", "facts")  # the log's bytes are untouched, so a message with the root alone has nothing to find
TRIALS = 6  # for each attack and attacker; `python -m tests.audit.harness` makes a hundred


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("power", [1, 2, 3], ids=["rows", "database", "database and key"])
def test_an_attack_below_the_anchor_is_found_and_the_first_bad_entry_named(
    tmp_path: Path, kind: str, power: int
) -> None:
    for seed in range(TRIALS):
        attack_is_found(tmp_path / str(seed), kind, power, seed)


def attack_is_found(folder: Path, kind: str, power: int, seed: int) -> None:
    installation = Installation(folder, seed)
    for _ in range(3):
        installation.lives(6)
        installation.anchors()
    covered = installation.store.audit_head(TENANT).size
    installation.lives(3)
    installation.close()

    first = Attacker(installation, power, seed).attack(kind, covered)
    report = audited(installation.path, TENANT, anchors=[installation.outside], trusted_keys=[installation.vkey])

    assert not report.valid
    named = {each.seq for each in report.violations if each.seq is not None}
    assert first in named, f"seed {seed}: entry {first} is not among {sorted(named)}"


@pytest.mark.parametrize("kind", [each for each in KINDS if each not in WITHIN])
def test_one_checkpoint_in_a_mailbox_finds_what_the_key_holder_rewrote(tmp_path: Path, kind: str) -> None:
    """A message holds the root and no hashes of entries: it finds that the span is wrong, and not where it begins."""
    for seed in range(2):
        installation = Installation(tmp_path / str(seed), seed)
        installation.lives(6)
        installation.anchors()
        installation.lives(3)
        installation.close()
        (mail,) = installation.outside.glob("*.note")

        Attacker(installation, 3, seed).attack(kind, int(mail.stem))
        report = audited(installation.path, TENANT, anchors=[mail], trusted_keys=[installation.vkey])

        named = {each.code for each in report.violations if each.anchor == mail.name}
        assert named & {"anchor_root_mismatch", "truncated_below_anchor"}, f"seed {seed}: {report.violations}"


def test_an_honest_log_is_valid_wherever_it_is_looked_at(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    for _ in range(5):
        installation.lives(5)
        installation.anchors()

        anchors = [installation.outside]
        assert AuditService.verify_chain(installation.store, TENANT, anchors=anchors) == (True, [])
        assert AuditService.verify_chain(str(installation.path), tenant_id=TENANT, anchors=anchors) == (True, [])
    installation.close()


def test_without_an_anchor_the_key_holder_is_not_found_and_the_report_does_not_claim_it(tmp_path: Path) -> None:
    """What a chain in the database alone is worth, and why anchors exist."""
    installation = Installation(tmp_path)
    installation.lives(10)
    installation.signs()
    installation.close()

    Attacker(installation, 3, 1).attack("rewritten", 10)
    report = audited(installation.path, TENANT)

    assert "anchored outside up to 0" not in str(report.violations)
    assert report.anchored == 0
    assert {each.code for each in report.violations} <= {"content_mismatch", "document_mismatch"}


def test_an_unknown_tenant_and_an_empty_log_with_an_anchor_are_not_valid(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    installation.lives(2)
    installation.anchors()

    valid, (unknown,) = AuditService.verify_chain(installation.store, tenant_id="nobody")
    assert (valid, unknown.code) == (False, "unknown_tenant")
    valid, violations = AuditService.verify_chain(
        installation.store, tenant_id="nobody", anchors=[installation.outside], trusted_keys=[installation.vkey]
    )
    assert not valid
    assert {each.code for each in violations} == {"truncated_below_anchor", "foreign_checkpoint"}
    installation.close()


def test_a_key_that_nobody_trusts_proves_nothing(tmp_path: Path) -> None:
    installation, other = Installation(tmp_path / "a", 1), Installation(tmp_path / "b", 2)
    installation.lives(2)
    installation.signs()

    report = audited(installation.store, TENANT, trusted_keys=[other.vkey])
    nothing = audited(installation.store, TENANT, trusted_keys=[])

    assert {each.code for each in report.violations} == {"bad_checkpoint_signature"}
    assert nothing.problems == ["key: expected at least one to check signatures with, got none"]
    installation.close()
    other.close()
