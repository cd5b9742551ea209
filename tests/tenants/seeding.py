"""A tenant with something of every kind, and a mark in everything that only its own people may read."""

from __future__ import annotations

import json
from typing import Any

from tests.tenants.asking import Said, ask, token_of
from tocsin.app import App
from tocsin.tenants.installation import Installation

MARK = "ZEBRA"  # stands in texts, never in an id: a refusal may name what was asked for
SOURCE_TOKEN = "globex-0123456789abcdef0123456789"
FILE = f"""
[[people]]
id = "gus"
name = "Gus {MARK} Person"
methods = ["{MARK.lower()}-gus@globex.test", "console"]
[[people]]
id = "gil"
name = "Gil {MARK} Person"
methods = ["console"]
[[teams]]
id = "g-team"
name = "The {MARK} Team"
members = ["gus", "gil"]
[[services]]
id = "g-shop"
name = "The {MARK} Shop"
owner = "g-team"
[bindings]
"on-call" = ["gus"]
[paging]
last_resort = ["gil"]
[[sources]]
name = "g-all"
kind = "any"
token = "{SOURCE_TOKEN}"
[[monitors]]
id = "g-backup"
name = "The {MARK} Backup"
every = "1h"
[[hooks]]
name = "g-hook"
url = "https://{MARK.lower()}.globex.test/hook"
"""
DAY = {"start": "2030-01-01T00:00:00Z", "end": "2030-01-02T00:00:00Z"}
SCHEDULE = {
    "id": "g-rota",
    "timezone": "Europe/Sofia",
    "layers": [
        {
            "rotation": {
                "frequency": "daily",
                "anchor": "2026-03-27T02:30",
                "timezone": "Europe/Sofia",
                "users": ["gus", "gil"],
            }
        }
    ],
}


async def seed(house: Installation, host: str, app: App) -> dict[str, str]:
    """Everything is stored and digested; the ids that say which, by what they are."""
    token = token_of(app)

    async def put(method: str, path: str, body: Any = None) -> Any:
        said: Said = await ask(house, host, method, path, token=token, body=body)
        assert said.status in (200, 201, 202, 204), (method, path, said.status, said.body)
        return json.loads(said.body) if said.body else None

    ids: dict[str, str] = {}
    made = await put("POST", "/api/incidents", {"title": f"{MARK} is down", "severity": "P1", "service": "g-shop"})
    ids["incident"], ids["reference"] = made["id"], made["reference"]
    incident = f"/api/incidents/{made['id']}"
    await put("POST", f"{incident}/add-note", {"text": f"{MARK} note"})
    await put("POST", f"{incident}/set-root-cause", {"cause": f"{MARK} cause"})
    await put("POST", f"{incident}/add-action-item", {"title": f"{MARK} item", "owner": "gus"})
    alerts = [{"labels": {"alertname": "G", "team": MARK}, "annotations": {"summary": f"{MARK} alert"}}]
    said = await ask(house, host, "POST", "/api/v2/alerts", token=SOURCE_TOKEN, body=alerts)
    ids["payload"] = said.headers["tocsin-payload"]
    await ask(house, host, "POST", f"/in/generic/{SOURCE_TOKEN}", body=f"not json {MARK}".encode())
    (alert,) = (await put("GET", "/api/v2/alerts"))[:1]
    ids["fingerprint"] = alert["fingerprint"]
    silence = {
        "matchers": [{"name": "team", "value": "other", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2036-01-01T00:00:00Z",
        "createdBy": "gus",
        "comment": f"{MARK} silence",
    }
    ids["silence"] = (await put("POST", "/api/v2/silences", silence))["silenceID"]
    await put("PUT", "/api/schedules/g-rota", SCHEDULE)
    change = await put("POST", "/api/schedules/g-rota/overrides", {"add": "gil", "remove": "gus", **DAY})
    ids["override"] = change["change"]["id"]
    made = await put("POST", "/api/tokens", {"name": f"{MARK} token", "role": "viewer"})
    ids["token"], ids["bearer"] = made["id"], made["token"]
    made = await put("POST", "/api/sign-in-links", {"person": "gus"})
    ids["sign-in"] = made["url"].rpartition("/")[2]
    window = {"comment": f"{MARK} window", "starts_at": DAY["start"], "ends_at": DAY["end"], "service": "g-shop"}
    made = await put("POST", "/api/maintenance", window)
    ids["maintenance"] = made["id"]
    audience = {"id": "g-partners", "name": f"{MARK} partners", "channels": [{"kind": "email", "address": "p@g.test"}]}
    await put("PUT", "/api/audiences/g-partners", audience)
    texts = {"audiences": ["g-partners"], "texts": {"g-partners": f"{MARK} draft"}}
    await put("POST", f"{incident}/say", texts)
    ids["draft"] = (await put("GET", f"{incident}/told"))["drafts"][0]["draft"]
    page = {"name": f"{MARK} page", "private": True, "components": ["g-part"]}
    await put("PUT", "/api/status/components/g-part", {"name": f"{MARK} part", "services": ["g-shop"]})
    await put("PUT", "/api/status/pages/g-page", page)
    ids["feed"] = json.dumps(await put("POST", "/api/feeds", {"person": "gus"}))
    template = {"id": "g-words", "audience": "customers", "body": f"{MARK} words {{{{ title }}}}"}
    await put("PUT", "/api/templates/g-words", template)
    return ids
