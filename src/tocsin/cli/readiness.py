"""`tocsin readiness`: who would not be reached, asked of the server."""

from __future__ import annotations

from tocsin.cli.client import connect
from tocsin.cli.output import FAILURE, Stop, note, plain, say, show_json
from tocsin.cli.verbs import FORMAT


def readiness(form: FORMAT = "table") -> None:
    """Say who could not be reached tonight, by guide and line. Exits 1 when anything is found."""
    found = connect().get("/api/readiness")
    if form == "json":
        show_json(found)
    else:
        for gap in found["findings"]:
            line = f":{gap['line']}" if gap["line"] else ""
            place = f"{gap['guide']}{line}: " if gap["guide"] else ""
            say(plain(f"{gap['level']:<8}{place}{gap['text']}"))
        if found["ready"]:
            note("everybody that the guides name can be reached")
    if not found["ready"]:
        raise Stop(code=FAILURE)
