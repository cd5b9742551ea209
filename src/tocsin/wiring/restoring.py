"""The first start after a restore: the record says so, and whoever was signed in then is signed in no more.

A backup holds the sessions and links of its day. Those that were ended since, because a laptop was stolen, would come
alive again. Whoever should be in signs in anew, by password, passkey, a contact method, or a link made on the machine.
"""

from __future__ import annotations

from pathlib import Path

from tocsin.core.ledger import Draft
from tocsin.http import auth
from tocsin.ports import Store
from tocsin.proof import notary
from tocsin.store import backup

ENDED = "session.all-ended"


def begun(store: Store, tenant: str, version: str, data: Path) -> None:
    """A start stands in the record, a restore before it too, and nothing of the backup signs anybody in.

    The restore is forgotten last: a start that is killed half-way does it again. Writer thread only.
    """
    restored = backup.restored(data)
    notary.started(store, tenant, version, restored)
    if restored is not None:
        sessions, links = auth.forget_sign_ins(store, tenant)
        detail = f"{sessions} sessions and {links} sign-in links of the backup; tokens are as they were on that day"
        store.record(tenant, [Draft(actor="tocsin", action=ENDED, resource_type="log", resource=tenant, detail=detail)])
        backup.told(data)
