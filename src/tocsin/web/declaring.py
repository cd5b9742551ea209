"""The form that declares an incident: the guide's severities with examples, and its questions for whoever is not sure.

Everything is a plain form: choosing a guide and answering the questions send it without declaring anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from tocsin.core.policy import Policy, severity_of
from tocsin.core.severity import classify, next_question
from tocsin.guides import Guide, read_directory
from tocsin.http.api_incidents import Declaration, acting, declare, repeatable_id
from tocsin.http.deps import Deps
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.web.forms import encodings, fields_of, frame
from tocsin.web.render import page

EXAMPLES_SHOWN = 3  # under each severity: a hint, not the guide
NAMES = ("title", "severity", "service", "category", "description", "drill", "private")


@get("/declare", guards=[needs("incident.declare")])
async def declare_form(request: Incoming) -> Response[Any]:
    asked = {name: request.query_params[name] for name in ("guide", "service") if request.query_params.get(name)}
    return await _declare_page(request, asked | {"key": secrets.token_urlsafe(12)}, "")


@post("/declare", guards=[needs("incident.declare")], status_code=200)
async def declare_one(request: Incoming) -> Response[Any]:
    """The form's key makes a second click on the button find the incident that the first one opened.

    `show` and `ask` are the buttons that only show another guide's severities, or what the answers mean.
    """
    deps = deps_of(request)
    fields = await fields_of(request)
    if "show" in fields:
        guide = {} if fields["show"] == "by service" else {"guide": fields["show"]}
        kept = {name: value for name, value in fields.items() if name not in ("guide", "severity")}
        return await _declare_page(request, kept | guide, "")
    if "ask" in fields:
        return await _declare_page(request, fields, "", asked=True)
    stream = repeatable_id(request.user, fields["key"]) if "key" in fields else None
    try:
        form = Declaration(
            title=fields.get("title", ""),
            severity=fields.get("severity"),
            guide=await deps.run(lambda _: _guide_meant(deps, fields)),
            service=fields.get("service"),
            category=fields.get("category"),
            description=fields.get("description", ""),
            drill="drill" in fields,
            private="private" in fields,
        )
        incident, _ = await deps.run(lambda store: declare(deps, store, request.user, form, stream))
    except Unacceptable as error:
        return await _declare_page(request, fields, str(error))
    return Redirect(f"/incidents/{incident.reference}", status_code=303)


def _guide_meant(deps: Deps, fields: Mapping[str, str]) -> str | None:
    """The chosen guide; else the only one that knows the severity, where the service's guide does not."""
    if "guide" in fields or "severity" not in fields:
        return fields.get("guide")
    guides = deps.engine.guides.active(deps.tenant)
    known = [guide.name for guide in guides if severity_of(guide.policy, fields["severity"])]
    governs = acting(lambda: deps.engine.guides.for_service(deps.tenant, fields.get("service")))
    claimed = fields.get("service") in governs.policy.services
    return known[0] if len(known) == 1 and not claimed else None


def answered(policy: Policy, fields: Mapping[str, str]) -> dict[str, str]:
    """The questions of the decision tree that were answered: the nth is the field `q` and n."""
    rows = enumerate(policy.decision_tree)
    return {row.question: fields[f"q{n}"] for n, row in rows if row.question.strip() and f"q{n}" in fields}


def _suggested(policy: Policy, fields: Mapping[str, str]) -> tuple[str, str]:
    """The severity that the answers lead to, and a sentence about it."""
    answers = answered(policy, fields)
    found = classify(policy, answers)
    if found is not None:
        return found.id, f"By your answers it is {found.id}{f', {found.name}' if found.name else ''}."
    missing = next_question(policy, answers)
    if missing is not None:
        return "", f"Still to be answered: {missing.question}"
    return "", "The guide's questions do not decide it: choose."


async def _declare_page(
    request: Incoming, fields: Mapping[str, str], error: str, *, asked: bool = False
) -> Response[Any]:
    deps = deps_of(request)
    wanted = fields.get("guide")
    guides: tuple[Guide, ...] = await deps.run(lambda _: deps.engine.guides.active(deps.tenant))
    by_name = wanted if wanted in {each.name for each in guides} else None
    service = fields.get("service")
    guide = await deps.run(lambda _: acting(lambda: deps.engine.guides.for_service(deps.tenant, service, by_name)))
    directory = await deps.read(lambda store: read_directory(store, deps.tenant))
    severity, advice = _suggested(guide.policy, fields) if asked else ("", "")
    form = {name: fields.get(name) for name in NAMES}
    known = severity_of(guide.policy, severity or fields.get("severity") or "")
    return page(
        "declare.html",
        encodings(request),
        status=422 if error else 200,
        severities=guide.policy.severities,
        chosen=known.id if known else _preset(guide.policy),
        examples_shown=EXAMPLES_SHOWN,
        categories=guide.policy.categories,
        questions=[
            (f"q{n}", row.question, fields.get(f"q{n}", ""))
            for n, row in enumerate(guide.policy.decision_tree)
            if row.question.strip()
        ],
        answered=asked or any(f"q{n}" in fields for n, _ in enumerate(guide.policy.decision_tree)),
        advice=advice,
        guides=guides,
        guide=guide,
        picked=by_name,
        services=sorted({*directory.services, *(name for each in guides for name in each.policy.services)}),
        form=form,
        key=fields.get("key", ""),
        error=error,
        **frame(request, directory, "declare"),
    )


def _preset(policy: Policy) -> str:
    """The worst but one, as for an alert that does not say how bad it is."""
    severities = policy.severities
    return severities[min(1, len(severities) - 1)].id if severities else ""


DECLARING = (declare_form, declare_one)
