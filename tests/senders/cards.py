"""An incident's public JSON as delivery hands it to senders."""

from __future__ import annotations

import msgspec

from tests.senders.messages import T0
from tocsin.core import facts as f
from tocsin.core.incident import fold
from tocsin.core.view import view

_FOLDED = fold(
    [
        f.Opened(
            at=T0,
            incident="0198e0c000007000800000000000abcd",
            reference="INC-2026-001",
            title="Checkout is failing",
            guide="g",
            policy_digest="d",
            severity="SEV-1",
            service="checkout",
        )
    ]
)
assert _FOLDED is not None
VIEW = view(_FOLDED, ())
DATA = msgspec.to_builtins(VIEW)
