"""Tickets as Jira issues, Cloud and Data Center. https://developer.atlassian.com/cloud/jira/platform/rest/v2"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from tocsin.core.chat_text import wiki
from tocsin.core.places import Ticket
from tocsin.core.ticket_text import Brief
from tocsin.ports import Declined, Receipt
from tocsin.senders.tracker import LABEL, LISTED_MAX, TITLE_MAX, Rest, found_in, may_see


class Jira:
    """`project` is its key. With `user` the token is Cloud's (Basic), without it Data Center's (Bearer).

    Jira's search looks at an index that is a moment behind: whoever looks for a ticket after a lost answer waits first.
    """

    kind = "jira"

    def __init__(
        self,
        *,
        name: str,
        project: str,
        token: str,
        url: str,
        user: str | None = None,
        issue_type: str = "Task",
        labels: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._project = project
        self._issue_type = issue_type
        self._labels = [each.replace(" ", "-") for each in labels]
        self._url = url.rstrip("/")
        pair = base64.b64encode(f"{user}:{token}".encode()).decode()
        self._rest = Rest(url, {"Authorization": f"Basic {pair}" if user else f"Bearer {token}"})

    async def find(self, brief: Brief) -> Ticket | Declined | None:
        jql = f'project = "{self._project}" AND labels = "{_label(brief)}"'
        listed = await self._rest.get("/rest/api/2/search/jql", jql=jql, fields="summary", maxResults=1)
        if isinstance(listed, Declined) and listed.error in ("404", "405"):  # Data Center has only the old search
            listed = await self._rest.get("/rest/api/2/search", jql=jql, fields="summary", maxResults=1)
        if isinstance(listed, Declined):
            return listed
        issues = listed.get("issues") or []
        return self._ticket(issues[0]) if issues else None

    async def create(self, brief: Brief) -> Ticket | Declined:
        fields = {
            "project": {"key": self._project},
            "issuetype": {"name": self._issue_type},
            "summary": brief.title[:TITLE_MAX],
            "description": brief.written(wiki, bold="*"),
            "labels": [LABEL, _label(brief), *self._labels],
        }
        made = await self._rest.post("/rest/api/2/issue", {"fields": fields})
        return made if isinstance(made, Declined) else self._ticket(made)

    async def comment(self, ticket: Ticket, text: str, marker: str) -> Receipt:
        """The text stands under the ticket, once; its marker is its last line."""
        place = f"/rest/api/2/issue/{quote(ticket.name)}/comment"
        listed = await self._rest.get(place, orderBy="-created", maxResults=LISTED_MAX)
        if isinstance(listed, Declined):
            return listed.receipt
        if found_in(listed.get("comments"), "body", marker):
            return Receipt(code="sent")
        answer = await self._rest.post(place, {"body": f"{wiki(text)}\n\n{marker}"})
        return answer.receipt if isinstance(answer, Declined) else Receipt(code="sent")

    async def check(self) -> Receipt:
        """Whether the token may see the project."""
        return await may_see(self._rest, f"/rest/api/2/project/{quote(self._project)}")

    async def close(self) -> None:
        await self._rest.close()

    def _ticket(self, issue: dict[str, Any]) -> Ticket:
        key = str(issue.get("key", ""))
        return Ticket(tracker=self.name, kind=self.kind, name=key, url=f"{self._url}/browse/{quote(key)}")


def _label(brief: Brief) -> str:
    return brief.marker.replace(":", "-")
