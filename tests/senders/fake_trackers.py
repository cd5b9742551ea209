"""A GitHub, a GitLab and a Jira of our own: the few calls that tickets need, as documented, strict about headers."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from tests.senders.servers import Reader, Writer, response

TOKEN = "t0ken"


class FakeTracker:
    """`issues` are what was opened, oldest first. `lose`: how many creations drop the connection after their work."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.issues: list[dict[str, Any]] = []
        self.comments: dict[str, list[str]] = {}
        self.lose = 0
        self.answers: list[bytes] = []  # given instead, first of all
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer = self.answers.pop(0) if self.answers else self._answer(method, path, headers, body)
        if answer is not None:
            writer.write(answer)
            await writer.drain()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes | None:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        given = msgspec.json.decode(body) if body else {}
        status, said = getattr(self, f"_{self.kind}")(method, unquote(parts.path), query, given, headers)
        if status == 201 and self.lose and "comment" not in path and "notes" not in path:
            self.lose -= 1
            return None
        return response(status, msgspec.json.encode(said))

    def _github(self, method: str, path: str, query: Any, given: Any, headers: Any) -> tuple[int, Any]:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if headers.get("accept") != "application/vnd.github+json" or "user-agent" not in headers:
            return 415, {"message": "Unsupported"}
        match method, path.removeprefix("/repos/acme/ops").split("/"):
            case "GET", ["", "issues"]:
                return 200, [each for each in self.issues if query.get("labels", "tocsin") in each["labels"]][::-1]
            case "POST", ["", "issues"]:
                return 201, self._new(given, {"html_url": f"https://gh.example/{len(self.issues) + 1}"})
            case "GET", ["", "issues", number, "comments"]:
                return 200, [{"body": text} for text in self.comments.get(number, [])]
            case "POST", ["", "issues", number, "comments"]:
                self.comments.setdefault(number, []).append(given["body"])
                return 201, {"id": 1}
        return 404, {"message": "Not Found"}

    def _gitlab(self, method: str, path: str, query: Any, given: Any, headers: Any) -> tuple[int, Any]:
        if headers.get("private-token") != TOKEN:
            return 401, {"message": "401 Unauthorized"}
        match method, path.removeprefix("/api/v4/projects/acme/ops").split("/"):
            case "GET", ["", "issues"]:
                return 200, [each for each in self.issues if query.get("search", "") in each["description"]]
            case "POST", ["", "issues"]:
                return 201, self._new(given, {"web_url": f"https://gl.example/{len(self.issues) + 1}"})
            case "GET", ["", "issues", number, "notes"]:
                return 200, [{"body": text} for text in self.comments.get(number, [])]
            case "POST", ["", "issues", number, "notes"]:
                self.comments.setdefault(number, []).append(given["body"])
                return 201, {"id": 1}
        return 404, {"message": "404 Project Not Found"}

    def _jira(self, method: str, path: str, query: Any, given: Any, headers: Any) -> tuple[int, Any]:
        if headers.get("authorization") != f"Basic {base64.b64encode(f'bot@example.org:{TOKEN}'.encode()).decode()}":
            return 401, {"errorMessages": ["Client must be authenticated"]}
        match method, path.removeprefix("/rest/api/2/").split("/"):
            case "GET", ["search", "jql"]:
                found = [each for each in self.issues if f'"{each["fields"]["labels"][1]}"' in query["jql"]]
                return 200, {"issues": found}
            case "POST", ["issue"]:
                if given["fields"]["project"] != {"key": "OPS"} or len(given["fields"]["summary"]) > 255:
                    return 400, {"errors": {"project": "valid project is required"}}
                issue = {"key": f"OPS-{len(self.issues) + 1}", **given}
                self.issues.append(issue)
                return 201, issue
            case "GET", ["issue", key, "comment"]:
                return 200, {"comments": [{"body": text} for text in self.comments.get(key, [])]}
            case "POST", ["issue", key, "comment"]:
                self.comments.setdefault(key, []).append(given["body"])
                return 201, {"id": "1"}
            case "GET", ["project", "OPS"]:
                return 200, {"key": "OPS"}
        return 404, {"errorMessages": ["not found"]}

    def _new(self, given: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        number = len(self.issues) + 1
        issue = {**given, "number": number, "iid": number, **more}
        self.issues.append(issue)
        return issue
