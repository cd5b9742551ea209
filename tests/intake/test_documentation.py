"""docs/integrations.md says what is true: every kind, every mapping and every template in it works."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tocsin.intake import monitor
from tocsin.intake.formats import FORMATS
from tocsin.intake.mapping import Mapping, load
from tocsin.intake.wire import (
    ANNOTATION_CHARACTERS_MAX,
    ANNOTATIONS_CHARACTERS_MAX,
    ANNOTATIONS_MAX,
)

from .entries import at, one

TEXT = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text()
MAPPINGS = re.findall(r"<!-- mapping -->\n```json\n(.*?)```", TEXT, re.DOTALL)
TEMPLATES = re.findall(r":\n\n```json\n(.*?)```", TEXT, re.DOTALL)


def test_every_kind_that_may_be_sent_is_in_the_table():
    rows = set(re.findall(r"^\| `(\w+)` \|", TEXT.split("## Rules")[0], re.MULTILINE))

    assert FORMATS.keys() - {monitor.KIND, "pagerduty_change"} <= rows


def test_every_member_of_a_mapping_is_explained():
    assert all(f"`{name}`" in TEXT for name in Mapping.__struct_fields__)


def test_every_bound_is_the_one_in_the_code():
    assert (
        f"({ANNOTATIONS_MAX}, of {ANNOTATION_CHARACTERS_MAX:,} characters each, {ANNOTATIONS_CHARACTERS_MAX:,} in all)"
        in TEXT
    )


def test_every_mapping_loads():
    assert len(MAPPINGS) == 2
    assert all(load(mapping) for mapping in MAPPINGS)


def test_every_template_is_json_with_a_key_and_a_name():
    assert len(TEMPLATES) == 3
    for template in TEMPLATES:
        report = one("generic", json.loads(template))
        assert report.labels["alertname"] not in ("Alert", "UnreadableAlert")
        assert report.fingerprint != one("generic", {**json.loads(template), "code": "x", "alert_id": "x",
                                                     "monitorID": "x"}).fingerprint  # fmt: skip


def test_the_mapping_for_github_makes_a_deployment_a_change():
    body = {
        "action": "created",
        "deployment_status": {
            "id": 5, "state": "success", "description": "Deployed v2", "created_at": "2026-11-21T07:00:00Z",
            "target_url": "https://ci/5",
        },
        "deployment": {"ref": "main", "sha": "c0ffee", "environment": "production"},
        "repository": {"name": "checkout"},
    }  # fmt: skip

    report = one("generic", body, mapping=MAPPINGS[1])

    assert (report.action, report.starts_at, report.url) == ("change", at("2026-11-21T07:00:00Z"), "https://ci/5")
    assert report.labels == {
        "alertname": "Deployed v2",
        "service": "checkout",
        "environment": "production",
        "state": "success",
    }
    assert "tocsin_mapping" not in report.annotations
