"""Every page, for the one ASGI application (`http.api.Faces`)."""

from __future__ import annotations

from litestar import Router

from tocsin.web import (
    account_pages,
    audit_pages,
    device_pages,
    directory_pages,
    duty_pages,
    evidence_pages,
    factor_pages,
    guide_pages,
    monitoring_pages,
    oidc_pages,
    oncall_pages,
    pages,
    review_pages,
    saying,
    sign_in,
    status_pages,
)
from tocsin.web.forms import on_missing

__all__ = ["on_missing", "routes"]


def routes() -> list[Router]:
    return [
        pages.routes(),
        saying.routes(),
        review_pages.routes(),
        sign_in.routes(),
        account_pages.routes(),
        factor_pages.routes(),
        oidc_pages.routes(),
        audit_pages.routes(),
        directory_pages.routes(),
        device_pages.routes(),
        duty_pages.routes(),
        evidence_pages.routes(),
        guide_pages.routes(),
        monitoring_pages.routes(),
        oncall_pages.routes(),
        status_pages.routes(),
    ]
