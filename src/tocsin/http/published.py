"""What people say is checked and cleaned before it is decided: public pages have to be there, secrets go."""

from __future__ import annotations

import msgspec

from tocsin.core import commands as c
from tocsin.http.deps import Deps


def shown(command: c.Command, deps: Deps) -> c.Command:
    """The command, with no secret in what a run said. Raises ValueError for a page or a component that is not there:
    nobody would see anything."""
    if isinstance(command, c.EndRun):
        return msgspec.structs.replace(command, output=deps.evidence.cleaned(command.output))
    if isinstance(command, c.Publish):
        pages, components = [each.id for each in deps.board.known.pages], deps.board.known.components
        for name in command.pages:
            if name not in pages:
                raise ValueError(f"pages: expected one of {', '.join(pages)}, got {name[:120]!r}")
        for text in command.components:
            if text.partition("=")[0] not in components:
                known = ", ".join(components) or "none, there is no component yet"
                raise ValueError(f"components: expected one of {known}, got {text[:120]!r}")
    return command
