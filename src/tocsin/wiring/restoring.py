"""The first start after a restore: the record says so, whoever was signed in is signed in no more, and tokens wait.

A backup holds the sessions, links and tokens of its day. Those that were ended since, because a laptop was stolen,
would come alive again. Whoever should be in signs in anew, by password, passkey, a contact method, or a link made on
the machine. Machines cannot: somebody who knows which tokens were revoked confirms the others.
"""

from __future__ import annotations

import logging
from pathlib import Path

from tocsin.core.ledger import Draft
from tocsin.http import auth
from tocsin.ports import Store
from tocsin.proof import notary
from tocsin.store.restored import Restored, restored as restored_before, told

ENDED = "session.all-ended"

log = logging.getLogger(__name__)


def begun(store: Store, tenant: str, version: str, data: Path) -> None:
    """A start stands in the record, a restore before it too, and nothing of the backup signs anybody in.

    The restore is forgotten last: a start that is killed half-way does it again. Writer thread only.
    """
    restored = restored_before(data)
    notary.started(store, tenant, version, restored)
    if restored is not None:
        sessions, links = auth.forget_sign_ins(store, tenant)
        detail = f"{sessions} sessions and {links} sign-in links of the backup; {_tokens(store, tenant, restored)}"
        store.record(tenant, [Draft(actor="tocsin", action=ENDED, resource_type="log", resource=tenant, detail=detail)])
        told(data)


def _tokens(store: Store, tenant: str, restored: Restored) -> str:
    """What became of the tokens, in words."""
    if restored.keep_tokens:
        return "tokens are as they were on that day, as whoever restored asked (--keep-tokens)"
    waiting = auth.suspend_tokens(store, tenant)
    for each in waiting:
        log.warning(
            "restored: token %s (%s, %s) waits: tocsin token confirm %s", each.id, each.name, each.person, each.id
        )
    return f"{len(waiting)} tokens wait to be confirmed and hand in alerts at most"
