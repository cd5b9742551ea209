"""The open places of the guide's commands: they are found, typed, and filled so that a value never becomes shell."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings, strategies as st

from tocsin.core.parameters import Parameter, filled, parameters, secrets_of


def kinds(code: str) -> list[tuple[str, str]]:
    return [(each.name, each.kind) for each in parameters(code)]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("kubectl delete pod <pod-name> -n <namespace>", [("pod-name", "name"), ("namespace", "name")]),
        ("openssl s_client -connect <customer-api>:443", [("customer-api", "host")]),
        ("curl -I https://<partner-endpoint>", [("partner-endpoint", "host")]),
        ("psql $DATABASE_URL -c 'SELECT 1'", [("DATABASE_URL", "secret")]),
        ('curl -H "Authorization: Bearer ${STATUS_PAGE_TOKEN}" x', [("STATUS_PAGE_TOKEN", "secret")]),
        ("restore_db.py $BACKUP_ID", [("BACKUP_ID", "name")]),
        ("git push origin hotfix/incident-XXX", [("XXX", "name")]),
        ("./restore.sh --timestamp '2025-07-13 10:00:00'", [("timestamp", "time")]),
        ("replay.js --from 'backup_timestamp'", [("backup_timestamp", "time")]),
        ("scale --replicas=[replicas]", [("replicas", "integer")]),
        ("cat {{ log_file }} {path}", [("log_file", "path"), ("path", "path")]),
        ("echo <a> <a>", [("a", "name")]),
    ],
)
def test_an_open_place_has_a_name_and_a_kind(code: str, found: list[tuple[str, str]]) -> None:
    assert kinds(code) == found


@pytest.mark.parametrize(
    "code",
    [
        "awk '{print $1}' f",
        "ls [a-z]* | grep '[error]'",
        "jq '.data[] | select(.state)'",
        "for pod in a b; do echo $pod; done",
        "x=1; echo $x $HOME",
        "echo \\$NAME '$NAME'",
        "find . -exec echo {} +",
        "docker ps --format '{{.Names}}'",
        "echo $(date +%s)",
        "kubectl get pods -o jsonpath={.items}",
    ],
)
def test_what_the_shell_itself_means_is_left_to_it(code: str) -> None:
    assert parameters(code) == ()


def test_a_name_that_may_be_the_real_one_is_offered_and_stays_unless_another_is_given() -> None:
    assert parameters("kubectl logs postgres-pod") == (
        Parameter(name="postgres-pod", kind="name", default="postgres-pod"),
    )
    assert filled("kubectl logs postgres-pod", {}) == "kubectl logs postgres-pod"
    assert filled("kubectl logs postgres-pod", {"postgres-pod": "pg-0"}) == "kubectl logs pg-0"


def test_values_go_into_their_places_however_their_names_are_spelt() -> None:
    code = "kubectl delete pod <pod-name> -n <namespace>"

    assert filled(code, {"POD_NAME": "web-1", "namespace": "prod"}) == "kubectl delete pod web-1 -n prod"
    assert filled('f --timestamp "2025-07-13 10:00:00"', {"timestamp": "2026-11-28 03:00:00"}) == (
        "f --timestamp '2026-11-28 03:00:00'"
    )


@pytest.mark.parametrize(
    ("code", "values", "says"),
    [
        ("kubectl logs <pod>", {}, "pod: expected a value"),
        ("kubectl logs <pod>", {"pod": "a b"}, "pod: expected a name"),
        ("kubectl logs <pod>", {"pod": "--kubeconfig=/x"}, "pod: expected a name"),
        ("kubectl logs <pod>", {"pod": "a", "ns": "b"}, "ns: expected one of pod"),
        ("tail -n <lines> f", {"lines": "1; id"}, "lines: expected a number"),
        ("curl <url>", {"url": "file:///etc/passwd"}, "url: expected an address"),
        ("echo <message>", {"message": "a\nb"}, "message: expected a few words"),
        ("echo <message>", {"message": "x" * 501}, "message: expected a few words"),
        ('psql -c "SELECT <value>"', {"value": "1 OR 1=1"}, "stands inside quotes"),
        ('psql -c "<query>"', {"query": "DROP TABLE a"}, "stands inside quotes"),
        ("ssh web-1 cat <path>", {"path": "a;id"}, "another shell reads it again"),
        ("# don't\necho '<message>'", {"message": "a; id"}, "another shell reads it again"),
        ("<command> now", {"command": "rm"}, "where the name of a program is"),
        ("psql $DATABASE_URL", {"DATABASE_URL": "postgres://u:p@h"}, "it is a secret"),
        ("curl -H 'X: <api-token>' y", {}, "cannot come from the environment"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_reason(code: str, values: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        filled(code, values)


def test_a_secret_stays_a_variable_of_the_environment() -> None:
    assert filled("psql $DATABASE_URL -c x", {}) == "psql $DATABASE_URL -c x"
    assert filled('curl -H "Bearer <api-token>" x', {}) == 'curl -H "Bearer ${API_TOKEN}" x'
    assert filled("login <password>", {}) == 'login "${PASSWORD}"'
    assert secrets_of('curl -H "Bearer <api-token>" $DATABASE_URL') == ("API_TOKEN", "DATABASE_URL")


PLACES = (
    "printf '%s\\n' <message>",
    "printf '%s\\n' \"<message>\"",
    "printf '%s\\n' '<message>'",
    "printf '%s\\n' $MESSAGE",
    'printf "%s\\n" "$MESSAGE"',
    "printf '%s\\n' \"$(printf '%s' <message>)\"",
    "(printf '%s\\n' <message>)",
    "printf '%s\\n' `printf '%s' <message>`",
    "printf '%s\\n' \"in <message> words\"",
    "printf '%s\\n' 'in <message> words'",
    'sh -c \'printf "%s\\n" "<message>"\'',
    "eval printf '%s' <message>",
    "cat <<END\n<message>\nEND",
    "printf '%s' $'it\\'s' <message>",
    "echo a # it's\nprintf '%s\\n' '<message>'",
    "x=<message>; printf '%s\\n' \"$x\"",
)
EVIL = st.text(
    st.sampled_from("a1 '\"`$(){};|&<>\\!*?#~-=%\n\t") | st.characters(codec="utf-8"), min_size=1, max_size=24
)


@settings(max_examples=150, deadline=None)
@given(code=st.sampled_from(PLACES), value=EVIL | st.just("'; touch OWNED; '") | st.just("$(touch OWNED)"))
def test_whatever_is_filled_in_the_shell_runs_the_guides_command_and_nothing_else(
    code: str, value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        text = filled(code, {"message": value})
    except ValueError:
        return
    folder = tmp_path_factory.mktemp("shell")
    traps = folder / "bin"
    traps.mkdir()
    for name in ("cat", "sh"):
        (traps / name).symlink_to(f"/bin/{name}")
    ran = subprocess.run(
        ["/bin/bash", "-c", text], cwd=folder, env={"PATH": str(traps)}, capture_output=True, timeout=10, check=False
    )

    assert b"command not found" not in ran.stderr, (text, ran.stderr)
    assert ran.returncode == 0, (text, ran.stderr)
    assert value in ran.stdout.decode(), (text, ran.stdout)
    assert [each.name for each in folder.iterdir()] == ["bin"]
