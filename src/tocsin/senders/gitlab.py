"""Tickets as GitLab issues. https://docs.gitlab.com/api/issues"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tocsin.core.chat_text import markdown
from tocsin.core.places import Ticket
from tocsin.core.ticket_text import Brief
from tocsin.ports import Declined, Receipt
from tocsin.senders.tracker import LABEL, LISTED_MAX, TITLE_MAX, Rest, comment_once, found_in, may_see

API = "https://gitlab.com"


class GitLab:
    """`project` is GROUP/PROJECT or its number. No line of ours begins with text of others: a `/close` would act."""

    kind = "gitlab"

    def __init__(self, *, name: str, project: str, token: str, url: str = API, labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self._labels = labels
        self._issues = f"/api/v4/projects/{quote(project, safe='')}/issues"
        self._rest = Rest(url, {"PRIVATE-TOKEN": token})

    async def find(self, brief: Brief) -> Ticket | Declined | None:
        listed = await self._rest.get(
            self._issues, labels=LABEL, search=brief.marker, **{"in": "description"}, per_page=LISTED_MAX
        )
        if isinstance(listed, Declined):
            return listed
        found = found_in(listed, "description", brief.marker)
        return self._ticket(found) if found else None

    async def create(self, brief: Brief) -> Ticket | Declined:
        body = {
            "title": brief.title[:TITLE_MAX],
            "description": f"{brief.written(markdown)}\n\n<!-- {brief.marker} -->",
            "labels": ",".join([LABEL, *self._labels]),
        }
        made = await self._rest.post(self._issues, body)
        return made if isinstance(made, Declined) else self._ticket(made)

    async def comment(self, ticket: Ticket, text: str, marker: str) -> Receipt:
        """The text stands under the ticket, once."""
        place = f"{self._issues}/{ticket.name.lstrip('#')}/notes"
        return await comment_once(self._rest, place, markdown(text), marker, sort="desc")

    async def check(self) -> Receipt:
        """Whether the token may see the project's issues."""
        return await may_see(self._rest, self._issues, per_page=1)

    async def close(self) -> None:
        await self._rest.close()

    def _ticket(self, issue: dict[str, Any]) -> Ticket:
        return Ticket(tracker=self.name, kind=self.kind, name=f"#{issue.get('iid')}", url=str(issue.get("web_url", "")))
