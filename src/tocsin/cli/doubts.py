"""Names that nobody here goes by: what was typed is done, since it may be known elsewhere, and stderr says so."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from tocsin.cli.client import Client
from tocsin.cli.output import Stop, note


def doubted(api: Client, what: str, said: str | None, paths: Sequence[str], effect: str) -> None:
    """Whoever typed a name that none of these listings has, in this letter case, has heard it, and what follows from it
    (`effect`). Where nothing is listed, or the caller may not see it, nothing is said."""
    known: set[str] = set()
    for path in paths if said else ():
        try:
            items = api.get(path)["items"]
        except Stop:
            return
        known |= {str(each[field]) for each in items for field in ("id", "person") if each.get(field)}
    if said and known and said not in known:
        near = difflib.get_close_matches(said.casefold(), {each.casefold(): each for each in known}, n=1)
        meant = next((each for each in known if near and each.casefold() == near[0]), "")
        note(f"{what}: nothing here is called {said!r}{f', did you mean {meant}?' if meant else ''} {effect}".rstrip())
