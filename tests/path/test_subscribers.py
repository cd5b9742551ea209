"""Subscribers of a status page, from the form to the mail, and across a kill -9 in the middle of many."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter

import pytest

from tests.path.harness import Tocsin, World, until

COUNT = int(os.environ.get("TOCSIN_SUBSCRIBERS", "300"))


def say(tocsin: Tocsin, text: str, **more: str) -> None:
    answer = tocsin.ask("POST", "/api/status/update", json={"text": text, **more})
    assert answer.status_code == 200, answer.text


@pytest.mark.slow
def test_from_the_form_to_one_click(shop: World):
    tocsin = shop.tocsin()
    made = tocsin.ask("POST", "/api/incidents", json={"title": "Disk full (db-prod-7)", "severity": "P2"})
    assert made.status_code == 201

    asked = tocsin.ask("POST", "/status/main/subscribe", token=False, data={"email": "eva@example.net"})
    assert asked.status_code == 200
    (mail,) = until(lambda: shop.mailbox.to("eva@example.net"), what="the confirmation")
    link = re.findall(r"http\S+/confirm/\S+", mail.text)[0].removeprefix(tocsin.url)
    assert tocsin.ask("POST", link, token=False).status_code == 200
    say(tocsin, "We are looking into it.")
    say(tocsin, "We are looking into it.")

    _, news = until(lambda: found if len(found := shop.mailbox.to("eva@example.net")) == 2 else None, what="the news")

    assert news.subject == "[Status] Investigating: Service disruption"
    assert "We are looking into it." in news.text and "db-prod-7" not in news.text and "INC-" not in news.text
    raw = next(each for each in shop.mailbox.mails if each["Subject"] == news.subject)
    assert raw["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    leave = str(raw["List-Unsubscribe"]).strip("<>").removeprefix(tocsin.url)
    assert f"Unsubscribe: {tocsin.url}{leave}" in news.text
    gone = tocsin.ask("POST", leave, token=False, content=b"List-Unsubscribe=One-Click")
    assert gone.status_code == 200
    assert tocsin.get("/v1/pages/main/subscribers") == []


@pytest.mark.slow
def test_everybody_gets_their_mail_across_a_kill(shop: World):
    tocsin = shop.tocsin()
    tocsin.ask("POST", "/api/incidents", json={"title": "Disk full", "severity": "P2"})
    people = [f"p{n}@example.net" for n in range(COUNT)]
    for mail in people:
        form = {"subscriber": {"email": mail, "skip_confirmation_notification": True}}
        assert tocsin.ask("POST", "/v1/pages/main/subscribers", json=form).status_code == 201
    say(tocsin, "We are looking into it.")

    def mails() -> list[str]:  # not parsed: that would hold up the mail server, which is in this process
        return [to for _, recipients in list(shop.mailbox.envelopes) for to in recipients if to.endswith(".net")]

    until(lambda: len(mails()) > COUNT // 4, seconds=60, what="a quarter of the mails")
    tocsin.end(signal.SIGKILL)
    shop.start(tocsin.folder)
    until(lambda: set(mails()) == set(people), seconds=60 + COUNT / 20, what="everybody's mail")

    ids: dict[str, set[str]] = {}
    for each in shop.mailbox.mails:
        ids.setdefault(str(each["To"].addresses[0].addr_spec), set()).add(str(each["Message-ID"]))
    assert all(len(ids[mail]) == 1 for mail in people), "a double carries the id of the first"
    assert max(Counter(mails()).values()) <= 2
