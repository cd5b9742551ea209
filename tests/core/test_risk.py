"""Only what is known to read runs on a nod; what cannot be taken back is found, also behind a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tocsin.core.hazards import hangs
from tocsin.core.risk import SECOND, endless, risk

SEEDS = Path(__file__).parents[3] / "shared" / "fixtures" / "seeds_commands.json"
ALLOWED = {
    "R": {"reads"},
    "M": {"changes", "disturbs", "cuts off"},
    "U": {"changes"},
    "D": {"destroys", "cuts off"},
    "N": {"changes"},
}
STRICTER = 3  # of the reading ones: psql without a statement, telnet and tcpdump, of which two do not end


@pytest.mark.parametrize(
    "code",
    [
        "kubectl get pods --all-namespaces | grep -v Running",
        "kubectl -n shop exec web-1 -- df -h",
        "kubectl rollout status deployment/api -n shop",
        "kubectl logs --since=1h deployment/api > incident-logs.txt",
        'curl -s "http://prometheus:9090/api/v1/query?query=up&start=$(date +%s)" | jq .data',
        "psql $DATABASE_URL -c \"SELECT count(*) FROM pg_stat_activity WHERE state != 'idle'\"",
        "redis-cli -h cache-1 info replication",
        "sudo tar -czf /evidence/incident-$(date +%s).tar.gz /var/log",
        "git log --oneline -10",
        "timeout 5 dig example.com",
        "find / -name core -mtime -1 2>/dev/null",
    ],
)
def test_reading_is_known(code: str) -> None:
    assert risk(code) == "reads"


@pytest.mark.parametrize(
    "code",
    [
        "kubectl apply -f x.yaml",
        "kubectl get pods; ./fix.sh",
        "kubectl get pods\n./fix.sh",
        "kubectl get pods & ./fix.sh",
        "echo $(./fix.sh)",
        'echo "$(./fix.sh)"',
        "echo `./fix.sh`",
        "cat <(./fix.sh)",
        "echo x > /etc/hosts",
        "echo x > ~/.ssh/authorized_keys",
        "curl -X POST https://x.example",
        "curl -sXPOST https://x.example",
        "curl -d a=b https://x.example",
        "curl -so /usr/bin/x https://x.example",
        'psql -c "UPDATE a SET b = 1"',
        'psql -c "SELECT \\"lo_unlink\\"(1)"',
        "psql -c \"SELECT nextval('a')\"",
        "psql -c 'SELECT 1 \\gexec'",
        'psql -c "WITH a AS (INSERT INTO b VALUES (1)) SELECT 1"',
        "redis-cli set a b",
        "find . -name x -exec ./fix.sh {} +",
        "find . -delete",
        "sed -i s/a/b/ f",
        "sort -o f f",
        "awk 'BEGIN { system(\"x\") }'",
        "xargs ./fix.sh",
        "kubectl exec web-1 -- ./fix.sh",
        "kubectl exec -it web-1 -- sh -c 'df'",
        "sudo ./fix.sh",
        "git checkout main",
        "docker exec a b",
        "env X=1 ./fix.sh",
        "unheard-of --read-only",
        "GIT_EXTERNAL_DIFF=./fix.sh git diff",
        "LD_PRELOAD=./fix.so ls",
        "git -c diff.external=./fix.sh diff",
        "openssl s_client -connect a:443 -keylogfile f </dev/null",
        "sudo -u root ls",
        "tail log | tee /etc/hosts",
        "timeout 5 ./fix.sh",
        "cat f | sh",
        "echo 'unclosed",
        "",
    ],
)
def test_whatever_is_not_known_to_read_changes_something(code: str) -> None:
    assert risk(code) not in ("reads",)


@pytest.mark.parametrize(
    ("code", "does"),
    [
        ("kubectl scale deployment api --replicas=0", "destroys"),
        ("kubectl delete pod web-1", "destroys"),
        ("redis-cli FLUSHALL", "destroys"),
        ("curl -X DELETE https://x.example/a", "destroys"),
        ("psql $DATABASE_URL -c 'SELECT pg_terminate_backend(1)'", "destroys"),
        ("kubectl get pods && kubectl delete pod web-1", "destroys"),
        ("sudo ufw deny from any to any", "cuts off"),
        ("kubectl rollout restart deployment/api", "disturbs"),
        ("kubectl scale deployment api --replicas=5", "changes"),
    ],
)
def test_the_worst_counts(code: str, does: str) -> None:
    assert risk(code) == does


@pytest.mark.skipif(not SEEDS.exists(), reason="the labelled commands of the five guides are not here")
def test_the_five_guides_are_judged_as_people_judged_them() -> None:
    seeds = json.loads(SEEDS.read_text("utf-8"))["commands"]
    wrong = [each for each in seeds if risk(each["command"]) not in ALLOWED[each["label"]]]

    assert {each["label"] for each in wrong} <= {"R"}
    assert len(wrong) <= STRICTER, [each["command"] for each in wrong]
    assert sum(each["label"] == "D" for each in seeds) == 18
    assert all(hangs(each["command"]) or "psql" in each["command"] for each in wrong)


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("kubectl exec -it redis-0 -- redis-cli FLUSHALL", True),
        ("kubectl exec -it web-1 -n shop -- df -h", True),
        ("kubectl exec -it redis-0 -- redis-cli", False),
        ("kubectl exec -it web-1 -- \\\n  node --cpu-prof", False),
        ("kubectl exec -it web-1 -- bash -c 'df'", False),
        ("kubectl exec -it web-1 -- tail -f log", False),
        ("kubectl exec -it web-1", False),
        ("top", False),
        ("df -h", True),
    ],
)
def test_a_terminal_that_is_asked_for_in_vain_keeps_no_command_from_ending(code: str, ends: bool) -> None:
    assert (endless(code) == "") is ends


@given(st.text(max_size=80))
def test_any_text_has_a_class_and_none_breaks_it(code: str) -> None:
    assert risk(code) in ("reads", "changes", "disturbs", "cuts off", "destroys")


def test_who_is_cut_off_or_cannot_go_back_is_not_alone() -> None:
    assert {"destroys", "cuts off"} == SECOND


@given(st.sampled_from(["; ", " && ", " | ", " || ", "\n", " & "]), st.booleans())
def test_one_command_that_changes_something_makes_the_whole_change_something(between: str, last: bool) -> None:
    parts = ["kubectl get pods", "./fix.sh"] if last else ["./fix.sh", "kubectl get pods"]

    assert risk(between.join(parts)) != "reads"
