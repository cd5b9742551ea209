"""The dashboard for Grafana: what guides print stays word for word, and everything has a place and a source."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tocsin.core.grafana import GUIDES, dashboard, printed
from tocsin.core.policy import Dashboard, Policy


def guide(definition: object) -> Policy:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return Policy(title="g", severities=(), dashboards=(Dashboard(title="d", definition=text),))


def test_without_a_guides_own_the_three_panels_that_guides_ask_for_come_first():
    made = dashboard([Policy(title="g", severities=())])

    assert made["title"] == "Incident Response Metrics"
    said = [
        (each["title"], each["type"], [(q["expr"], q["legendFormat"]) for q in each["targets"]])
        for each in made["panels"][:3]
    ]
    assert said == [
        ("Incidents by Severity", "piechart", [("count by (severity) (incident_total)", "{{severity}}")]),
        ("MTTR by Severity", "bargauge", [("avg by (severity) (incident_resolution_time)", "{{severity}}")]),
        ("Incident Trends", "graph", [("increase(incident_total[7d])", "Weekly incidents")]),
    ]
    assert not {"graph", "singlestat"} & {each["type"] for each in made["panels"][3:]}


@pytest.mark.parametrize("wrapped", [True, False])
def test_what_a_guide_prints_stays_as_it_is(wrapped: bool):
    place = {"x": 0, "y": 3, "w": 24, "h": 4}
    panel: dict[str, Any] = {"title": "Up", "type": "stat", "id": 7, "gridPos": place, "targets": [{"expr": "up"}]}
    own = {"title": "Ours", "refresh": "5s", "panels": [panel], "templating": {"list": [{"name": "job"}]}}
    text = {"dashboard": own} if wrapped else own

    made = dashboard([guide("no JSON"), guide([1]), guide(text)])

    assert (made["title"], made["refresh"]) == ("Ours", "5s")
    first = made["panels"][0]
    assert {name: first[name] for name in panel if name != "targets"} == {
        name: value for name, value in panel.items() if name != "targets"
    }
    assert first["targets"][0]["expr"] == "up"
    assert min(each["gridPos"]["y"] for each in made["panels"][1:]) == 7
    assert [each["name"] for each in made["templating"]["list"]] == ["DS_PROMETHEUS", "job"]


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["dashboard", "panels", "targets", "id", "gridPos", "templating", "list", "y", "h", "title"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(values)
def test_whatever_a_guide_prints_the_dashboard_can_be_drawn(value: Any):
    made = dashboard([guide(value)])

    json.dumps(made)
    numbers = [each["id"] for each in made["panels"] if isinstance(each["id"], int)]
    assert len(made["panels"]) >= 9 and len(set(numbers)) >= 9
    assert all("datasource" in each and "gridPos" in each for each in made["panels"])
    if printed([guide(value)]) is None:
        assert [each["title"] for each in made["panels"][:3]] == [each["title"] for each in GUIDES]


def test_no_two_panels_lie_on_each_other():
    places = [tuple(each["gridPos"].values()) for each in dashboard()["panels"]]

    cells = [(x + dx, y + dy) for x, y, w, h in places for dx in range(w) for dy in range(h)]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
