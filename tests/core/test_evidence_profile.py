"""What guides ask to be kept: the five guides' own commands, and how each stands for an incident."""

from __future__ import annotations

import pytest

from tests.shared_files import SHARED
from tocsin.core import facts as f
from tocsin.core.evidence import Evidence, evolved
from tocsin.core.evidence_profile import PROPOSED, Step, checked, filled, profile
from tocsin.core.policy import CodeBlock, Phase, Policy, Source, Step as GuideStep
from tocsin.guide.compile import compile_guide

from .lives import T0

pytestmark = pytest.mark.needs("shared")


def of_guide(number: str) -> tuple[Step, ...]:
    (path,) = (SHARED / "guides").glob(f"{number}_*.txt")
    return profile(compile_guide(path.read_text()).policy)


def test_the_first_guide_asks_for_logs_state_and_a_dump_by_file() -> None:
    steps = of_guide("000")

    assert [(each.id, each.kind, each.file, each.since, each.source.line if each.source else 0) for each in steps] == [
        ("incident-logs", "logs", "incident-logs.txt", "1h", 143),
        ("incident-cluster-state", "state", "incident-cluster-state.yaml", "", 146),
        ("incident-db-dump", "dump", "incident-db-dump.sql", "", 149),
        ("evidence", "logs", "evidence.log", "", 449),
    ]


def test_the_fifth_guide_asks_for_an_archive_of_named_paths() -> None:
    (step,) = of_guide("004")

    assert (step.id, step.kind, step.file) == ("incident", "archive", "/evidence/incident-$(date +%s).tar.gz")
    command, file = filled(step, {}, 1764340000)
    assert file == "/evidence/incident-1764340000.tar.gz"
    assert command.startswith("sudo tar -czf /evidence/incident-1764340000.tar.gz")
    assert "/var/log /opt/duetright-dashboard/logs" in command


@pytest.mark.parametrize("number", ["001", "002", "003"])
def test_guides_that_name_no_command_get_what_is_generally_kept(number: str) -> None:
    assert of_guide(number) == PROPOSED


def guide(*commands: str, title: str = "Look") -> Policy:
    blocks = tuple(CodeBlock(language="bash", code=each, source=Source(line=n)) for n, each in enumerate(commands, 1))
    return Policy(title="g", severities=(), phases=(Phase(title="p", steps=(GuideStep(text=title, commands=blocks),)),))


@pytest.mark.parametrize(
    "command",
    [
        "kubectl logs -n <namespace> <pod> | grep -i mongo | tail -50",
        "kubectl rollout restart deployment/web",
        "kubectl get pods",
        "curl -s https://x/health > /dev/null",
        "redis-cli flushall",
    ],
)
def test_a_command_that_only_looks_or_changes_keeps_nothing(command: str) -> None:
    assert profile(guide(command)) == PROPOSED


def test_what_a_step_about_evidence_says_is_evidence_without_a_file() -> None:
    (step,) = profile(guide("journalctl -u web --since=2h", title="Preserve evidence"))

    assert (step.kind, step.file, step.since, step.id) == ("logs", None, "2h", "logs-1")


def test_values_that_the_guide_leaves_open_are_asked_for() -> None:
    (step,) = profile(guide("kubectl logs -n <namespace> <pod> > pod.log"))

    assert step.needs == ("namespace", "pod")
    assert filled(step, {"namespace": "shop", "pod": "web-1"}, 0) == ("kubectl logs -n shop web-1 > pod.log", "pod.log")
    with pytest.raises(ValueError, match="expected values for pod"):
        filled(step, {"namespace": "shop"}, 0)


def test_two_steps_never_have_one_name() -> None:
    steps = profile(guide("kubectl logs a > a/x.log", "kubectl logs b > b/x.log", "kubectl logs a > a/x.log"))

    assert [each.id for each in steps] == ["x", "x-2"]


def test_a_step_is_missing_failed_or_collected() -> None:
    steps = of_guide("000")[:2]
    evidence = evolved(Evidence(), f.EvidenceFailed(at=T0, name="x", source="command", detail="no", step=steps[0].id))

    assert [each.state for each in checked(steps, evidence)] == ["failed", "missing"]
    kept = f.EvidenceCollected(
        at=T0, item=1, name="x", kind="logs", source="command", sha256="0", size=1, step=steps[0].id
    )
    assert [(each.state, each.items) for each in checked(steps, evolved(evidence, kept))] == [
        ("collected", (1,)),
        ("missing", ()),
    ]
