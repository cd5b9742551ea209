"""Personal data and free text leave the record; that something stood there, and who took it out and why, stays."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.core import ledger
from tocsin.core.erasing import ADDRESSES, TEXTS, blanks, erased, names
from tocsin.core.evidence import RemoveEvidence, keeps
from tocsin.core.facts import AnyFact, EvidenceCollected, decode, encode
from tocsin.core.incident import Incident, Refused
from tocsin.core.ledger import Draft
from tocsin.engine import Engine
from tocsin.ports import Store
from tocsin.proof.references import let_go

SEQS_MAX = 5_000  # entries in one erasure: what names them must fit into an entry


class NothingToErase(LookupError):
    """No entry fits; the text says what was looked for."""


def erase_entries(engine: Engine, tenant: str, seqs: Sequence[int], by: str, because: str) -> list[int]:
    """These entries' contents are gone, in the log and in the incidents. Writer thread. Raises NothingToErase."""
    size = engine.store.audit_head(tenant).size
    wanted = sorted(set(seqs))
    missing = [seq for seq in wanted if not 0 <= seq < size]
    if missing or not wanted:
        raise NothingToErase(f"seqs: expected entries from 0 to {size - 1}, got {missing[:5] or 'none'}")
    return _erase(engine, tenant, wanted, TEXTS | ADDRESSES, by, because)


def erase_person(engine: Engine, tenant: str, person: str, by: str, because: str) -> list[int]:
    """What the record holds of a person's contacts is gone: the documents' past, and the addresses in incidents.

    The person's document itself is not touched: remove it first, or it is found to differ from what was recorded.
    """
    store = engine.store
    if store.get(tenant, "person", person) is not None:
        raise ValueError(f"person: expected somebody who was removed from the directory, got {person!r}, who is in it")
    wanted = []
    for entry in store.audit_entries(tenant):
        said = ledger.decode(entry.body)
        if entry.salt is None:
            continue
        if said.resource_type == "person" and said.resource == person:
            wanted.append(entry.seq)
        elif said.resource_type == "incident":
            fact = _fact(store, tenant, said.resource)
            if fact is not None and names(fact, person):
                wanted.append(entry.seq)
    if not wanted:
        raise NothingToErase(f"person: nothing is recorded of {person!r}")
    return _erase(engine, tenant, wanted, ADDRESSES, by, because)


def _erase(engine: Engine, tenant: str, seqs: list[int], fields: frozenset[str], by: str, because: str) -> list[int]:
    if len(seqs) > SEQS_MAX:
        raise ValueError(f"seqs: expected at most {SEQS_MAX} entries at a time, got {len(seqs)}")
    store = engine.store
    facts: list[tuple[str, int, AnyFact]] = []
    collected: list[tuple[str, int]] = []
    for seq in seqs:
        (entry,) = store.audit_entries(tenant, seq, 1)
        said = ledger.decode(entry.body)
        if said.action == ledger.ERASED:
            raise Refused(f"cannot erase entry {seq}: it says what was erased before, and holds nothing of it")
        fact = _fact(store, tenant, said.resource) if said.resource_type == "incident" else None
        if fact is not None:
            stream, _, version = said.resource.rpartition("/")
            _refuse_held(engine.load(tenant, stream), fact)
            facts.append((stream, int(version), erased(fact, fields)))
            if isinstance(fact, EvidenceCollected) and fields >= TEXTS:
                collected.append((stream, fact.item))
    left = blanks({f"{stream}/{version}": encode(fact) for stream, version, fact in facts})
    note = Draft(
        actor=by,
        action=ledger.ERASED,
        resource_type="entries",
        resource=spans(seqs),
        content=left if facts else None,
        kept=True,
        detail=because,
    )
    store.erase(tenant, seqs, facts, note)
    for stream in dict.fromkeys(stream for stream, _, _ in facts):
        engine.reread(tenant, stream)
    for stream, item in collected:  # what was said of it is gone, so what it was goes too
        if engine.load(tenant, stream).evidence.items[item].removed_at is None:
            engine.handle(tenant, stream, RemoveEvidence(by=by, item=item, because=f"erased: {because}"))
            let_go(store, tenant, stream, item)
    return seqs


def _refuse_held(incident: Incident, fact: AnyFact) -> None:
    """Raises Refused for a fact that a legal hold keeps."""
    hold = keeps(incident.evidence, fact)
    if hold is not None:
        since = f"by {hold.by} since {hold.at:%Y-%m-%d}: {hold.because}"
        raise Refused(f"cannot erase what {incident.reference} records: it is under legal hold {since}")


def _fact(store: Store, tenant: str, resource: str) -> AnyFact | None:
    stream, _, version = resource.rpartition("/")
    body = store.fact_body(tenant, stream, int(version)) if version.isdigit() else None
    return decode(body) if body is not None else None


def spans(numbers: Sequence[int]) -> str:
    """`3,7-9`: what `verifier.numbers` reads."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
