"""A log that is followed: errors open an incident with the lines in it, quiet resolves it, a restart goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.path.harness import World, until

pytestmark = pytest.mark.slow

WATCH = """
[[logs]]
name = "shop"
files = ["app/*.log"]
service = "checkout"
severity = "critical"
rules = ["critical: 3 in 3s"]
new_errors = 0
"""


def append(file: Path, *lines: str) -> None:
    with file.open("a") as opened:
        opened.writelines(f"{line}\n" for line in lines)


def test_errors_open_an_incident_with_the_lines_in_it_and_quiet_resolves_it(shop: World) -> None:
    file = shop.folder / "tocsin" / "app" / "shop.log"
    file.parent.mkdir(parents=True)
    append(file, *["ERROR before anybody looked"] * 10)
    tocsin = shop.tocsin(more=WATCH)
    until(lambda: tocsin.metric("tocsin_logs_files") == 1, what="the log to be followed")
    assert tocsin.incidents() == []

    append(file, "INFO paid", *(f"ERROR payment {n} failed: no route to 10.0.0.{n}, token=abcdefgh" for n in range(5)))
    incident = tocsin.incident(status="investigating")

    assert (incident["severity"], incident["service"]) == ("P1", "checkout")
    assert incident["title"] == (
        "shop: 5 lines match critical in 3 s: ERROR payment <*> failed: no route to <*>, token=[redacted]"
    )
    (mail,) = until(lambda: shop.mailbox.to("ana@example.org"), what="the mail")
    assert "ERROR payment 0 failed: no route to 10.0.0.0, token=[redacted]" in mail.text
    assert "abcdefgh" not in mail.text
    assert tocsin.incident(status="resolved")["id"] == incident["id"]
    assert tocsin.metric("tocsin_logs_lines_total") == 6


def test_what_was_written_while_tocsin_was_off_is_read_even_from_a_file_that_was_rotated(shop: World) -> None:
    file = shop.folder / "tocsin" / "app" / "shop.log"
    file.parent.mkdir(parents=True)
    append(file, "INFO started")
    tocsin = shop.tocsin(more=WATCH)
    until(lambda: tocsin.metric("tocsin_logs_files") == 1, what="the log to be followed")
    assert tocsin.end() == 0

    append(file, "ERROR one", "ERROR two")
    file.rename(file.with_suffix(".log.1"))
    append(file, "ERROR three")
    again = shop.start(tocsin.folder)

    assert again.incident(status="investigating")["title"].startswith("shop: 3 lines match critical in 3 s: ERROR")
