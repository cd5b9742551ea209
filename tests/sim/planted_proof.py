"""Planted bugs in what proves: the verifier, the record of an emergency, what evidence counts, whose a log line is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

TWO_PERSONS = "tests/http/test_two_persons.py"
BEHIND = "tests/audit/test_behind.py"
TAMPER = "tests/audit/test_tamper.py"
CHAIN = "tests/audit/test_chain.py"
RECORDED = "tests/store/test_audit.py"
EMERGENCY = "tests/http/test_emergency.py"
EVIDENCE = "tests/http/test_api_evidence.py"
HOUSES = "tests/tenants/test_installation.py"
SIGN_IN = "tests/http/test_sign_in.py"

PROOF: tuple[Mutant, ...] = (
    _bug(
        "whoever guesses a password has the log called tampered with",
        "audit.py",
        'elif said.action.removeprefix(f"{said.resource_type}.") in WRITES:',
        "elif said.action:",
        BEHIND,
    ),
    _bug(
        "a place that was emptied is given what is new and nothing is said",
        "anchors/places.py",
        "if what.first and not (home",
        "if not what.size and not (home",
        "tests/audit/test_notary.py",
    ),
    _bug(
        "a list of hosts is no list",
        "senders/addresses.py",
        "return not _ONLY or listed(host, _ONLY)",
        "return bool(host)",
        "tests/senders/test_addresses.py",
    ),
    _bug(
        "one person keeps everybody else's pages from being live",
        "http/events.py",
        "if events.of[who] >= events.person_max:",
        "if events.of[who] >= 10 * events.person_max:",
        "tests/http/test_api_events.py",
    ),
    _bug(
        "a start that is open without TLS says nothing",
        "cleartext.py",
        'or config.public_url.startswith("https://")',
        'or config.public_url.startswith("http")',
        "tests/security/test_tls.py",
    ),
    _bug(
        "a mapping makes sixty thousand times as much of a payload",
        "intake/mapping.py",
        "if times > GROWTH_MAX:",
        "if times > GROWTH_MAX * 10_000:",
        "tests/intake/test_generic.py",
    ),
    _bug(
        "who asked for it is told to approve it",
        "approvers.py",
        "if person.id == by or not reachable",
        "if not reachable",
        TWO_PERSONS,
    ),
    _bug(
        "everybody hears that something waits on a private incident",
        "approvers.py",
        "sees(incident, directory, person.id)",
        "bool(incident)",
        TWO_PERSONS,
    ),
    _bug(
        "whoever may approve is told each time it is asked for",
        "http/second.py",
        "asked = released.of(known, actor.id, action, subject, now)",
        "asked = next((each for each in known if each.approved_by), None)",
        TWO_PERSONS,
    ),
    _bug(
        "what nobody approved lapses silently",
        "core/promises.py",
        "for asked in incident.approvals.values():",
        "for asked in ():",
        TWO_PERSONS,
    ),
    _bug(
        "a document that was taken out behind the log is not missed",
        "audit.py",
        "if (kind, name) not in there and not last",
        "if (kind, name) in there and not last",
        BEHIND,
    ),
    _bug(
        "a kind of document that the log never saw is not looked at",
        "audit.py",
        " | set(store.kinds(tenant))",
        "",
        BEHIND,
    ),
    _bug(
        "a salt that is gone hides a changed role",
        "audit.py",
        "elif last.seq not in erased:",
        "elif last.seq in erased:",
        BEHIND,
    ),
    _bug(
        "another tenant's checkpoints vouch for this one's log",
        "audit.py",
        'if origin.rpartition("/")[2] != tenant:',
        "if not origin:",
        BEHIND,
    ),
    _bug(
        "what an erasure left may be rewritten",
        "audit.py",
        "if not isinstance(body, bytes) or sha256(body).hexdigest() != digest:",
        "if not isinstance(body, bytes):",
        BEHIND,
    ),
    _bug(
        "a token that was revoked comes alive with a backup",
        "wiring/restoring.py",
        "waiting = auth.suspend_tokens(store, tenant)",
        "waiting = auth.records(store, tenant, 'token')",
        "tests/test_restoring.py",
    ),
    _bug(
        "a token of a backup does what it wants as long as it speaks Alertmanager's language",
        "http/alertmanager.py",
        'asked: dict[May, Action] = {"post": ASKED["post"]} if waits else ASKED',
        "asked: dict[May, Action] = ASKED",
        "tests/http/test_alertmanager_alerts.py",
    ),
    _bug(
        "what is said while a post is taken names no tenant",
        "tenants/installation.py",
        "with acting.working_for(tenant):  # the",
        "with acting.working_for(self.main.tenant):  # the",
        HOUSES,
    ),
    _bug(
        "the verifier does not follow the chain",
        "verifier.py",
        "return follow == list(links)",
        "return len(follow) == len(links)",
        TAMPER,
        "tests/audit/test_export.py",
    ),
    _bug(
        "the first entry of each group follows from nothing",
        "verifier.py",
        "link = some[-1][2]",
        "link = link if expected > CHUNK else some[-1][2]",
        CHAIN,
    ),
    _bug(
        "an entry that does not follow is not named",
        "verifier.py",
        "if sha256(link + body).digest() != stored:",
        "if len(stored) != HASH_BYTES:",
        CHAIN,
    ),
    _bug(
        "entries are not compared with the hashes that were anchored",
        "verifier.py",
        "if leaves.get(seq, leaf) != leaf:",
        "if len(leaves.get(seq, leaf)) != len(leaf):",
        TAMPER,
    ),
    _bug(
        "a root that is not the one that was signed passes",
        "verifier.py",
        "elif roots[head.size] != head.root:",
        "elif len(roots[head.size]) != len(head.root):",
        TAMPER,
    ),
    _bug(
        "anybody's signature will do",
        "verifier.py",
        "if not signed_by(each.note, keys):",
        "if not signed_by(each.note, keys) and not each.note:",
        TAMPER,
    ),
    _bug(
        "a clock that goes back takes the log with it",
        "core/ledger.py",
        "recorded_us = max(now_us, head.recorded_us)",
        "recorded_us = now_us",
        RECORDED,
    ),
    _bug(
        "what an emergency shows is not recorded",
        "http/gate.py",
        'if actor is not None and actor.emergency and scope["method"] in READING:',
        'if actor is not None and actor.emergency and scope["method"] not in READING:',
        EMERGENCY,
    ),
    _bug(
        "the record of a reading tells outsiders of the incident",
        "http/gate.py",
        '("incident", stream) if stream else',
        '("incident", what) if stream else',
        EMERGENCY,
    ),
    _bug(
        "evidence counts only once somebody measures",
        "proof/custody.py",
        "self._room.stored(kept.size + kept.original_size)",
        "self._room.stored(0)",
        EVIDENCE,
    ),
    _bug(
        "what two items share counts twice",
        "proof/custody.py",
        "return sum({each.objects: each.size for each in every.values()}.values())",
        "return sum(each.size for each in every.values())",
        EVIDENCE,
    ),
    _bug(
        "the writer does not know whose work it does",
        "writer.py",
        "target=copy_context().run, args=(self._run,)",
        "target=self._run",
        f"{HOUSES}::test_the_log_says_whose_work_a_line_is_about",
    ),
    _bug(
        "a request's lines of the log name nobody",
        "tenants/installation.py",
        "acting.belongs_to(app.tenant)",
        "acting.belongs_to(self.main.tenant)",
        f"{HOUSES}::test_the_log_says_whose_work_a_line_is_about",
    ),
    _bug(
        "signing out takes the device's push away",
        "web/sign_in.py",
        """'"cache"'""",
        """'"cache", "storage"'""",
        SIGN_IN,
    ),
)
