"""Tickets: written once, found by their marker, commented once, and what others wrote commands nothing there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import pytest

from tests.senders.cards import VIEW
from tests.senders.fake_trackers import TOKEN, FakeTracker
from tests.senders.servers import listening, response
from tocsin.core.chat_text import card, markdown, wiki
from tocsin.core.ticket_text import brief, ending
from tocsin.ports import Declined
from tocsin.senders.github import GitHub
from tocsin.senders.gitlab import GitLab
from tocsin.senders.jira import Jira

T = TypeVar("T")
OWED = brief(VIEW, card(VIEW, "https://t.example/i"))
EVIL = "/close\n@everyone {code} [~admin] /assign @ana"


def with_tracker(kind: str, act: Callable[[FakeTracker, Any], Awaitable[T]], token: str = TOKEN) -> T:
    async def story() -> T:
        fake = FakeTracker(kind)
        async with listening(fake) as fake.port:
            made: dict[str, Callable[[], Any]] = {
                "github": lambda: GitHub(name="ops", project="acme/ops", token=token, url=fake.url, labels=("p1",)),
                "gitlab": lambda: GitLab(name="ops", project="acme/ops", token=token, url=fake.url),
                "jira": lambda: Jira(name="ops", project="OPS", token=token, url=fake.url, user="bot@example.org"),
            }
            tracker = made[kind]()
            try:
                return await act(fake, tracker)
            finally:
                await tracker.close()

    return asyncio.run(story())


KINDS = pytest.mark.parametrize("kind", ["github", "gitlab", "jira"])


@KINDS
def test_a_ticket_is_opened_found_again_and_told_the_end_once(kind):
    async def act(fake: FakeTracker, tracker: Any) -> None:
        assert await tracker.find(OWED) is None
        made = await tracker.create(OWED)

        assert made == await tracker.find(OWED)
        assert made.name in ("#1", "OPS-1")
        assert made.url.startswith("http")
        for _ in range(2):
            assert (await tracker.comment(made, ending(VIEW), "tocsin:x:ended:1")).code == "sent"
        assert [len(each) for each in fake.comments.values()] == [1]
        assert VIEW.reference in msgspec.json.encode(fake.issues).decode()

    with_tracker(kind, act)


@KINDS
def test_another_incidents_ticket_is_not_this_ones(kind):
    async def act(fake: FakeTracker, tracker: Any) -> None:
        await tracker.create(OWED)
        other = msgspec.structs.replace(OWED, marker="tocsin:other")

        assert await tracker.find(other) is None

    with_tracker(kind, act)


@KINDS
def test_a_wrong_token_is_said_so_and_not_repeated(kind):
    async def act(fake: FakeTracker, tracker: Any) -> None:
        answer = await tracker.create(OWED)

        assert isinstance(answer, Declined)
        assert (answer.receipt.code, answer.receipt.permanent) == ("unauthorised", True)
        assert "wr0ng" not in answer.receipt.detail
        assert (await tracker.check()).code == "unauthorised"

    with_tracker(kind, act, token="wr0ng")


@KINDS
def test_a_check_asks_without_writing(kind):
    async def act(fake: FakeTracker, tracker: Any) -> None:
        assert (await tracker.check()).code == "sent"
        assert fake.issues == []

    with_tracker(kind, act)


def test_githubs_rate_limit_passes():
    async def act(fake: FakeTracker, tracker: Any) -> None:
        fake.answers = [response(403, b"{}", **{"X-RateLimit-Remaining": "0", "Retry-After": "30"})]
        answer = await tracker.create(OWED)

        assert (answer.receipt.code, answer.receipt.permanent) == ("throttled", False)
        assert answer.receipt.retry_after_seconds == 30

    with_tracker("github", act)


@pytest.mark.parametrize("escape", [markdown, wiki])
def test_what_others_wrote_begins_no_line_and_rings_nobody(escape):
    view = msgspec.structs.replace(VIEW, title=EVIL, description=EVIL, impact=EVIL, service=EVIL, services=(EVIL,))
    text = brief(view, card(view, "https://t.example/i")).written(escape)

    assert not any(line.startswith("/") for line in text.splitlines())
    assert "@everyone" not in text
    assert "[~" not in text.replace("\\[", "")
