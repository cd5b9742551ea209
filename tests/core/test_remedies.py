"""Rules of remediation: a condition is read as the guide writes it, and holds only where an alert says so."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.core.lives import Life, policy
from tocsin.core.binding import Binding
from tocsin.core.guidance import Remediation
from tocsin.core.policy import CodeBlock, Policy, Runbook, Source, Step
from tocsin.core.remedies import Condition, Remedy, condition_of, remedies
from tocsin.guide.compile import compile_guide

GUIDE = Path(__file__).parents[3] / "shared" / "guides" / "004_e7e4589ca359a344.txt"
RULE = Remediation(condition="error_rate > 10%", action="restart_service", source=Source(line=7))
SLOW = Remediation(condition="response_time > 2s", action="enable_cache_mode")
BOOK = Runbook(
    title="Restarting the shop",
    steps=(
        Step(text="Look", commands=(CodeBlock(language="bash", code="kubectl get pods"),)),
        Step(
            text="Restart",
            commands=(CodeBlock(language="bash", code="kubectl rollout restart deployment/shop"),),
            source=Source(line=9),
        ),
    ),
)
GUIDED: Policy = policy(remediation=(RULE, SLOW), runbooks=(BOOK,))


def alert(state: str = "firing", name: str = "HighErrors", labels: Any = None, **annotations: str) -> dict[str, Any]:
    return {
        "fingerprint": "00aa",
        "state": state,
        "labels": {"alertname": name, **(labels or {})},
        "annotations": annotations,
    }


def judged(*alerts: dict[str, Any], bindings: tuple[Binding, ...] = ()) -> dict[str, Remedy]:
    return {each.action: each for each in remedies(GUIDED, Life().now, alerts, bindings)}


@pytest.mark.parametrize(
    ("text", "metric", "op", "value", "unit"),
    [
        ("error_rate > 10%", "error_rate", ">", "10", "%"),
        ("memory_usage >= 90 %", "memory_usage", ">=", "90", "%"),
        ("response_time > 2s", "response_time", ">", "2", "s"),
        ("Free disk space < 5.5 GiB", "free_disk_space", "<", "5.5", "gib"),
        ("replicas==0", "replicas", "==", "0", ""),
    ],
)
def test_a_condition_is_read_as_it_is_written(text: str, metric: str, op: str, value: str, unit: str) -> None:
    assert condition_of(text) == Condition(metric=metric, op=op, value=Decimal(value), unit=unit)


@pytest.mark.parametrize("text", ["the disk is full", "error_rate > many", "> 10%", "error_rate > 10 bananas", ""])
def test_what_is_no_condition_is_none(text: str) -> None:
    assert condition_of(text) is None


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (alert(error_rate="12.5%"), "holds"),
        (alert(error_rate="0.125 ratio"), "holds"),
        (alert(labels={"metric": "error-rate"}, value="12.5%"), "holds"),
        (alert(labels={"metric": "error_rate", "unit": "percent"}, value="12.5"), "holds"),
        (alert(error_rate="10%"), "does not hold"),
        (alert(error_rate="9.99%"), "does not hold"),
        (alert(error_rate="12.5"), "unknown"),
        (alert(error_rate="12.5 s"), "unknown"),
        (alert(error_rate="much"), "unknown"),
        (alert(value="12.5%"), "no value"),
        (alert("ended", error_rate="12.5%"), "no value"),
        (alert(labels={"metric": "latency"}, value="12.5%"), "no value"),
    ],
)
def test_it_holds_only_where_a_firing_alert_says_so_in_its_unit(said: dict[str, Any], state: str) -> None:
    assert judged(said)["restart_service"].state == state


def test_milliseconds_are_seconds_and_one_alert_of_several_is_enough() -> None:
    found = judged(alert(response_time="900ms"), alert(response_time="2500 ms", name="Slow"))

    assert found["enable_cache_mode"].state == "holds"
    assert found["enable_cache_mode"].because == "Slow says response_time is 2500 ms"
    assert next(iter(found)) == "enable_cache_mode"  # what holds comes first


def test_a_binding_says_which_alert_is_about_it_and_in_what() -> None:
    bound = Binding(action="restart-service", runbook="shop", alert="HighErrors", unit="ratio")

    found = judged(alert(value="0.12"), bindings=(bound,))["restart_service"]
    assert (found.state, found.because) == ("holds", "HighErrors says error_rate is 0.12 ratio")
    assert judged(alert(value="0.09"), bindings=(bound,))["restart_service"].state == "does not hold"
    assert judged(alert(name="Other", value="0.12"), bindings=(bound,))["restart_service"].state == "no value"


def test_a_monitor_that_has_judged_is_believed_where_the_binding_says_so() -> None:
    bound = Binding(action="restart_service", runbook="shop", alert="HighErrors", fires=True)

    found = judged(alert(), bindings=(bound,))["restart_service"]

    assert (found.state, found.because, found.alert) == ("holds", "HighErrors fires", "00aa")
    assert judged(alert("ended"), bindings=(bound,))["restart_service"].state == "no value"


@pytest.mark.parametrize(
    ("bound", "run", "problem"),
    [
        (
            Binding(action="restart_service", runbook="shop"),
            "tocsin runbook run INC-2026-001 'Restarting the shop'",
            "",
        ),
        (
            Binding(action="Restart Service", runbook="shop", step=2),
            "tocsin runbook run INC-2026-001 'Restarting the shop' --step 2",
            "",
        ),
        (Binding(action="restart_service", runbook="shop", step=3), "", "expected a step from 1 to 2"),
        (Binding(action="restart_service", runbook="nonsense"), "", "runbook: expected"),
        (Binding(action="restart_service", runbook="shop", guide="other"), "", "no [[remedies]]"),
        (Binding(action="scale_up", runbook="shop"), "", "no [[remedies]]"),
    ],
)
def test_the_action_is_what_the_binding_says_or_the_reason_is_told(bound: Binding, run: str, problem: str) -> None:
    found = judged(bindings=(bound,))["restart_service"]

    assert found.run == run
    assert problem in found.problem and bool(problem) == bool(found.problem)


def test_the_binding_of_this_guide_counts_before_the_one_of_any() -> None:
    both = (
        Binding(action="restart_service", runbook="shop"),
        Binding(action="restart_service", runbook="shop", step=2, guide="test"),
    )

    assert judged(bindings=both)["restart_service"].run.endswith("--step 2")


def test_a_word_that_is_bound_to_nothing_is_offered_the_guides_steps() -> None:
    (step,) = judged()["restart_service"].suggested

    assert (step.phase, step.number, step.item, step.line) == ("Restarting the shop", 2, "Restart", 9)
    assert judged()["enable_cache_mode"].suggested == ()


@pytest.mark.skipif(not GUIDE.exists(), reason="the five guides are not here")
def test_the_rules_of_a_real_guide_are_understood() -> None:
    real = compile_guide(GUIDE.read_bytes()).policy
    said = alert(error_rate="12%", memory_usage="91%", response_time="1.5s")

    assert real is not None
    found = {each.action: each for each in remedies(real, Life().now, [said], ())}

    assert {name: each.state for name, each in found.items()} == {
        "restart_service": "holds",
        "scale_up": "holds",
        "enable_cache_mode": "does not hold",
    }
    assert any("restart" in each.item.casefold() for each in found["restart_service"].suggested)
    assert found["scale_up"].suggested


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_an_alert_says_is_judged_and_never_trusted(said: str, rule: str) -> None:
    made = policy(remediation=(RULE, Remediation(condition=rule, action=said)))

    for each in remedies(made, Life().now, [alert(error_rate=said, value=said, labels={"metric": rule})], ()):
        assert each.state in ("holds", "does not hold", "unknown", "no value", "not understood")
