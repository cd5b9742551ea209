"""A guide with phases, runbooks, roles, contacts and dashboards, for tests of what responders are shown of it."""

from __future__ import annotations

import msgspec

from tests.http.world import POLICY, World
from tocsin.core.policy import (
    Category,
    CodeBlock,
    Contact,
    Dashboard,
    Phase,
    Policy,
    Question,
    Role,
    Runbook,
    Source,
    Step,
)

LONG = (
    "kubectl logs deployment/checkout --all-containers --tail=1000 --since=1h --prefix"
    " | grep -E 'error|timeout|refused' | sort --unique"
)


def _step(text: str, line: int, *commands: str) -> Step:
    blocks = tuple(CodeBlock(language="bash", code=code, source=Source(line=line + 1)) for code in commands)
    return Step(text=text, commands=blocks, source=Source(line=line))


GUIDED: Policy = msgspec.structs.replace(
    POLICY,
    title="Guided response",
    decision_tree=(Question(question="Is it down?", severity="SEV-0", source=Source(line=5)),),
    assessment=("Users affected",),
    categories=(
        Category(
            name="Application",
            description="What we wrote ourselves, and everything that it stands on",
            source=Source(line=7),
        ),
        Category(name="Network", source=Source(line=8)),
    ),
    phases=(
        Phase(
            title="Phase 1: Detection",
            objectives=("Know what is broken",),
            steps=(_step("Look at the graphs", 11), _step("Check the pods", 12, "kubectl get pods")),
            source=Source(line=10),
        ),
        Phase(title="Phase 2: Containment", steps=(_step("Stop the rollout", 21),), source=Source(line=20)),
    ),
    runbooks=(
        Runbook(
            title="Checkout Recovery",
            category="Application",
            steps=(
                _step("Drop the queue", 31, "redis-cli FLUSHALL"),
                _step("Scale <up>", 33, "echo '<b>up</b>'", LONG),
            ),
            source=Source(line=30),
        ),
        Runbook(title="Network Diagnosis", steps=(_step("Ping it", 41, "ping -c 1 <host>"),), source=Source(line=40)),
    ),
    commands=(CodeBlock(language="bash", code="uptime", source=Source(line=90)),),
    roles=(
        Role(name="Incident Commander", responsibilities=("Decides in the end",), source=Source(line=51)),
        Role(name="Scribe", responsibilities=("Writes it down",), source=Source(line=52)),
    ),
    contacts=(
        Contact(
            name="Hosting Ltd",
            kind="vendor",
            organisation="Hosting Ltd",
            phone="+1 (555) 010-9999",
            support_level="Premium Support",
            source=Source(line=61),
        ),
        Contact(name="Dana", role="DBA", kind="primary", phone="+1-xxx", source=Source(line=62)),
    ),
    dashboards=(
        Dashboard(title="Main", links=("https://graphs.example/d/1",), source=Source(line=71)),
        Dashboard(title="Bad", links=("javascript:alert(1)",), source=Source(line=72)),
    ),
)


def guide(world: World, policy: Policy = GUIDED) -> None:
    world.do(lambda _: world.engine.guides.activate("default", "main", policy))
