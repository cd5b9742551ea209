"""Tickets as GitHub issues. https://docs.github.com/rest/issues"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tocsin.core.chat_text import markdown
from tocsin.core.places import Ticket
from tocsin.core.ticket_text import Brief
from tocsin.ports import Declined, Receipt
from tocsin.senders.tracker import LABEL, LISTED_MAX, TITLE_MAX, Rest, comment_once, found_in, may_see

API = "https://api.github.com"


class GitHub:
    """`project` is OWNER/REPOSITORY. A ticket is found again by its label, which lists at once, and its marker."""

    kind = "github"

    def __init__(self, *, name: str, project: str, token: str, url: str = API, labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self._labels = labels
        self._issues = f"/repos/{quote(project)}/issues"
        self._rest = Rest(
            url,
            {
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )

    async def find(self, brief: Brief) -> Ticket | Declined | None:
        listed = await self._rest.get(
            self._issues, labels=LABEL, state="all", sort="created", direction="desc", per_page=LISTED_MAX
        )
        if isinstance(listed, Declined):
            return listed
        found = found_in(listed, "body", brief.marker)
        return self._ticket(found) if found else None

    async def create(self, brief: Brief) -> Ticket | Declined:
        body = {
            "title": brief.title[:TITLE_MAX],
            "body": f"{brief.written(markdown)}\n\n<!-- {brief.marker} -->",
            "labels": [LABEL, *self._labels],
        }
        made = await self._rest.post(self._issues, body)
        return made if isinstance(made, Declined) else self._ticket(made)

    async def comment(self, ticket: Ticket, text: str, marker: str) -> Receipt:
        """The text stands under the ticket, once."""
        place = f"{self._issues}/{ticket.name.lstrip('#')}/comments"
        return await comment_once(self._rest, place, markdown(text), marker)

    async def check(self) -> Receipt:
        """Whether the token may see the repository's issues."""
        return await may_see(self._rest, self._issues, per_page=1)

    async def close(self) -> None:
        await self._rest.close()

    def _ticket(self, issue: dict[str, Any]) -> Ticket:
        return Ticket(
            tracker=self.name, kind=self.kind, name=f"#{issue.get('number')}", url=str(issue.get("html_url", ""))
        )
