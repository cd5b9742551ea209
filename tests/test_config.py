"""What tocsin.toml, the environment and flags may say, and how Tocsin says that something else came."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tocsin.core.audiences import Channel, StoredAudience
from tocsin.core.logwatch import ErrorShare
from tocsin.core.people import Method, Person, who
from tocsin.core.policy import BusinessHours
from tocsin.core.twoway import Back
from tocsin.setting.config import Config, load
from tocsin.setting.file import ConfigError, lines_of
from tocsin.setting.kinds import Address, Wrong, span
from tocsin.setting.methods import METHOD_WORDS, method
from tocsin.setting.table import SETTINGS, documentation

DOCS = Path(__file__).parents[1] / "docs" / "configuration.md"

WHOLE = """
[server]
listen = "[::1]:9000"
public_url = "https://tocsin.example.org/"
data = "/srv/tocsin"
zone = "Europe/Berlin"

[smtp]
host = "mail.example.org"
from = "tocsin@example.org"
username = "tocsin"
password = "pass word"

[webhook]
allow_private = false
secret = "whsec_c2VjcmV0"

[[people]]
id = "ana"
name = "Ana Ruiz"
methods = ["ana@example.org", { kind = "ntfy", address = "ntfy://ntfy.sh/ana", after = "5m" }, "console"]
roles = ["Incident Commander"]
zone = "America/Lima"

[[people]]
id = "bo"
methods = "https://hooks.example.org/bo"

[[teams]]
id = "platform"
members = ["bo"]
lead = "ana"

[[services]]
id = "checkout"
owner = "platform"
tier = 0
depends_on = ["db"]

[bindings]
"On-call engineer" = "platform"
CTO = ["ana"]

[[sources]]
name = "prometheus"
kind = "alertmanager"
token = "0123456789abcdef"
service = "checkout"

[[sources]]
name = "pager"
kind = "pagerduty"
routing_key = "0123456789abcdef0123456789abcdef"

[sources.mapping]
title = "summary"

[paging]
last_resort = ["ana"]

[[monitors]]
id = "backup"
every = "1d"
grace = "30m"
armed = true
labels = { team = "db" }

[watchdog]
person = "ana"
late_seconds = "1m"

[intake]
journal_retained_mb = 64
"""


def told(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **flags: str) -> Config:
    file = tmp_path / "tocsin.toml"
    file.write_text(text)
    return load(file, environ or {}, {name.replace("_", ".", 1): value for name, value in flags.items()})


def flaws(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        told(tmp_path, text, environ)
    return [str(flaw).removeprefix(f"{tmp_path}/") for flaw in refused.value.flaws]


def test_nothing_said_is_a_server_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    config = load(None, {})

    assert config.listen == Address(host="127.0.0.1", port=8080)
    assert config.public_url == "http://127.0.0.1:8080"
    assert (config.database, config.secret_file) == (Path("data/tocsin.db"), Path("data/secret"))
    assert config.smtp is None
    assert config.warnings == ()


def test_everything_said_arrives_as_values(tmp_path: Path) -> None:
    config = told(tmp_path, WHOLE)

    assert config.listen.text == "[::1]:9000"
    assert config.public_url == "https://tocsin.example.org"
    assert config.database == Path("/srv/tocsin/tocsin.db")
    assert config.zone == "Europe/Berlin"
    assert config.smtp is not None
    assert (config.smtp.host, config.smtp.port, config.smtp.tls) == ("mail.example.org", 587, "starttls")
    assert config.smtp.password == "pass word"
    assert (config.webhook.allow_private, config.webhook.secret) == (False, "whsec_c2VjcmV0")
    assert config.directory.people["ana"].methods == (
        Method(kind="email", address="ana@example.org"),
        Method(kind="ntfy", address="https://ntfy.sh/ana", after_seconds=300),
        Method(kind="console", address=""),
    )
    assert config.directory.people["bo"] == Person(
        id="bo", methods=(Method(kind="webhook", address="https://hooks.example.org/bo"),)
    )
    assert config.directory.services["checkout"].tier == 0
    assert [person.id for person in who(config.directory, ("On-call engineer",))] == ["ana", "bo"]
    assert [(each.name, each.kind, len(each.token)) for each in config.sources] == [
        ("prometheus", "alertmanager", 16),
        ("pager", "pagerduty", 32),
    ]
    assert config.sources[1].mapping == {"title": "summary"}
    assert config.monitors[0].every_seconds == 86_400
    assert (config.monitors[0].grace_seconds, config.monitors[0].armed) == (1_800, True)
    assert (config.watchdog_person, config.watchdog_late_seconds) == ("ana", 60)
    assert config.journal_retained_bytes == 64 * 1024 * 1024
    assert config.warnings == ()


def test_a_flag_beats_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    text = '[server]\nlisten = "127.0.0.1:1"\ndata = "file"\nzone = "UTC"\n'
    environ = {"TOCSIN_LISTEN": "127.0.0.1:2", "TOCSIN_DATA": "environment", "TOCSIN_ZONE": ""}

    config = told(tmp_path, text, environ, server_listen="127.0.0.1:3")

    assert (config.listen.port, config.data, config.zone) == (3, Path("environment"), "UTC")


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[server]\nzone = "Asia/Tokyo"\n')

    assert load(None, {"TOCSIN_CONFIG": str(tmp_path / "other.toml")}).zone == "Asia/Tokyo"


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a readable file"):
        load(tmp_path / "missing.toml", {})


def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert flaws(tmp_path, "[server]\nlisten = \n")[0].startswith("tocsin.toml:2: syntax: expected TOML, got Invalid")


def test_everything_wrong_is_said_at_once_with_key_line_expected_and_got(tmp_path: Path) -> None:
    text = """[server]
listn = "127.0.0.1:0"
zone = "Mars/Phobos"
[smpt]
host = "x"
[smtp]
port = 99999
[[people]]
id = "ana"
methods = ["ana@example.org", "foo"]
[[people]]
name = "Bo"
colour = "red"
[[people]]
id = "ANA"
"""

    assert flaws(tmp_path, text) == [
        "tocsin.toml:4: smpt: expected a known setting, got 'smpt'; did you mean smtp?",
        "tocsin.toml:2: server.listn: expected a known setting, got 'listn'; did you mean listen?",
        "tocsin.toml:3: server.zone: expected an IANA time zone such as Europe/Berlin, got 'Mars/Phobos'",
        "tocsin.toml:7: smtp.port: expected a whole number from 1 to 65535, got 99999",
        "tocsin.toml:6: smtp.host: expected a value, because [smtp] is used, got nothing",
        "tocsin.toml:6: smtp.from: expected a value, because [smtp] is used, got nothing",
        f"tocsin.toml:10: people[0].methods: expected {METHOD_WORDS} as [1], got 'foo'",
        "tocsin.toml:13: people[1].colour: expected a known setting, got 'colour'; known are id, name, methods, roles, "
        "zone, quiet_hours, rules, active",
        "tocsin.toml:11: people[1].id: expected a value, got nothing",
        "tocsin.toml:15: people[2].id: expected a name of its own, got 'ANA'",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server = 1", "server: expected a table: [server], got 1"),
        ("people = 1", "people: expected tables: [[people]], got 1"),
        ("[people]\nid = 'ana'", "people: expected tables: [[people]], got a table"),
        ("bindings = 'x'", "bindings: expected a table: [bindings], got 'x'"),
        ("[bindings]\nCTO = 5", "bindings.CTO: expected a list of names"),
        (
            "[bindings]\nA = ['b', 'ana']\nB = ['a']",
            "bindings.A: expected names that lead to somebody, got a circle: A -> B -> A",
        ),
        ("[bindings]\nCTO = ['cto']", "bindings.CTO: expected names that lead to somebody, got a circle: CTO -> CTO"),
        ("[smtp]\nhost = ''\nfrom = 'a@b'", "smtp.host: expected text, got ''"),
        ("[webhook]\nallow_private = 2", "webhook.allow_private: expected true or false, got 2"),
        ("[server]\nlisten = '8080'", "server.listen: expected HOST:PORT"),
        ("[server]\nlisten = 'a:99999'", "server.listen: expected HOST:PORT"),
        ("[server]\npublic_url = 'tocsin.example.org'", "server.public_url: expected an address such as https://"),
        ("[[sources]]\nname = 'a'", "sources[0].token: expected a value, got nothing"),
        ("[[sources]]\nname = 'a'\ntoken = 5", "sources[0].token: expected text, got 5"),
        ("[[monitors]]\nid = 'a'\nevery = 'often'", "monitors[0].every: expected a time such as 90s, 15m or 1h30m"),
        ("[[monitors]]\nid = 'a'\nevery = '1s'", "monitors[0].every: expected a time"),
        ("[watchdog]\nlate_seconds = true", "watchdog.late_seconds: expected a time"),
        (
            "[[sources]]\nname = 'a'\ntoken = 'abc'\nacknowledge = 'alertmanager'",
            "sources[0].acknowledge_url: expected a value, because alertmanager has no common one, got nothing",
        ),
        (
            "[[sources]]\nname = 'a'\ntoken = 'abc'\nacknowledge = 'pagerduty'",
            "sources[0].acknowledge_token: expected a value, because pagerduty has no common one, got nothing",
        ),
        (
            "[[sources]]\nname = 'a'\ntoken = 'abc'\nacknowledge_url = 'http://am:9093'",
            "sources[0].acknowledge: expected the name of a service, got nothing",
        ),
        ("[[services]]\nid = 'a'\ntier = -1", "services[0].tier: expected a whole number from 0 to 9, got -1"),
    ],
)
def test_a_value_that_does_not_fit_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in flaw for flaw in flaws(tmp_path, text))


def test_a_circle_of_bindings_names_its_line(tmp_path: Path) -> None:
    found = flaws(tmp_path, "[bindings]\nA = ['ana']\nB = ['c']\nC = ['B']")

    assert [":3" in found[0] or "line 3" in found[0], ":4" in found[1] or "line 4" in found[1]] == [True, True], found


def test_what_this_release_cannot_do_is_said_so(tmp_path: Path) -> None:
    found = flaws(tmp_path, "", {"TOCSIN_DATABASE_URL": "postgresql://db/x", "TOCSIN_NATS_URL": "nats://x"})

    assert found == [
        "TOCSIN_DATABASE_URL: server.database_url: expected sqlite:///PATH; PostgreSQL is not in this release, "
        "got 'postgresql://db/x'",
        "TOCSIN_NATS_URL: server.nats_url: expected nothing; NATS is not in this release, got 'nats://x'",
    ]


def test_the_database_may_be_elsewhere(tmp_path: Path) -> None:
    config = told(tmp_path, "", {"TOCSIN_DATABASE_URL": "sqlite:////srv/db/tocsin.db"})

    assert config.database == Path("/srv/db/tocsin.db")


def test_a_secret_may_be_in_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "smtp.password").write_text("hunter2 but longer\n")

    config = told(tmp_path, "[smtp]\nhost = 'h'\nfrom = 'a@b.c'\npassword_file = 'smtp.password'\n")

    assert config.smtp is not None and config.smtp.password == "hunter2 but longer"


def test_audiences_are_said_as_in_the_api(tmp_path: Path) -> None:
    text = """
[[audiences]]
id = "customers"
channels = ["list=email:all@example.org", {kind = "slack", address = "C1", name = "#status"}, "ops@example.org"]
approvers = ["Legal", "ana"]
every = "30m"

[[audiences]]
id = "war-room"
outside = false
approval = false
"""
    customers, room = told(tmp_path, text).audiences

    assert customers == StoredAudience(
        id="customers",
        channels=(
            Channel(kind="email", address="all@example.org", name="list"),
            Channel(kind="slack", address="C1", name="#status"),
            Channel(kind="email", address="ops@example.org"),
        ),
        approvers=("Legal", "ana"),
        every_seconds=1800,
    )
    assert room == StoredAudience(id="war-room", outside=False, approval=False)
    assert "tocsin.toml:1: audiences[0].channels: expected a list of channels" in flaws(
        tmp_path, "[[audiences]]\nid = 'x'\nchannels = 'a@b.c'"
    )[0].replace(":3:", ":1:")


def test_logs_are_said_in_short_words_or_tables(tmp_path: Path) -> None:
    text = """
[[logs]]
name = "shop"
files = ["app/*.log", "/var/log/nginx/access.log"]
rules = ["critical", "error: 50 in 10m", { name = "memory", pattern = "(?i)out of memory", severity = "critical" }]
error_rate = "5% in 5m"
learn = "10m"
"""
    (shop,) = told(tmp_path, text).logs

    assert shop.files == (str(tmp_path / "app/*.log"), "/var/log/nginx/access.log")
    assert [(each.name, each.count, each.within_seconds, each.severity) for each in shop.rules] == [
        ("critical", 5, 300, ""),
        ("error", 50, 600, ""),
        ("memory", 1, 300, "critical"),
    ]
    assert (shop.error_share, shop.learn_seconds) == (ErrorShare(of_10000=500, within_seconds=300), 600)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("'error'", "a list such as"),
        ("['eror']", "one of error, critical, attack, auth, alone or as in"),
        ("['error', 'error: 5 in 1m']", "rules with names of their own, got 'error'"),
        ("[{pattern = 'x'}]", "tables of name, pattern, count, within, severity, of which name is needed"),
        ("[{name = 'mine'}]", "a pattern, or one of the names error, critical, attack, auth, got 'mine'"),
        ("[{name = 'mine', pattern = '('}]", "a pattern in RE2's syntax, got '(': missing ): ("),
        ("[{name = 'mine', pattern = 'x', count = 0}]", "a whole number from 1 to 1000000"),
        ("[{name = 'mine', pattern = 'x', within = '2d'}]", "a time such as 90s"),
    ],
)
def test_a_rule_of_a_log_that_does_not_fit_says_what_would(tmp_path: Path, rules: str, said: str) -> None:
    (found,) = flaws(tmp_path, f"[[logs]]\nname = 'a'\nfiles = ['x']\nrules = {rules}")

    assert found.startswith(f"tocsin.toml:4: logs[0].rules: expected {said}")


@pytest.mark.parametrize("files", ["[]", "['/']", "['app/**.log']", "['a\\u0000b']", "[3]", "''"])
def test_files_of_a_log_that_cannot_be_looked_for_are_a_flaw(tmp_path: Path, files: str) -> None:
    (found,) = flaws(tmp_path, f"[[logs]]\nname = 'a'\nfiles = {files}".replace("'a\\", '"a\\').replace("0b'", '0b"'))

    assert "logs[0].files: expected" in found


def test_a_share_of_errors_that_does_not_fit_says_what_would(tmp_path: Path) -> None:
    (found,) = flaws(tmp_path, "[[logs]]\nname = 'a'\nfiles = ['x']\nerror_rate = '5 in 5m'")

    assert "error_rate: expected a share of all lines and a time" in found


def test_questions_say_one_condition_and_whom_they_ask(tmp_path: Path) -> None:
    text = """
[prometheus]
url = "https://prometheus.example.org/"
token = "0123456789"
[[queries]]
name = "errors"
query = "rate"
above = 1
for = "5m"
"""
    config = told(tmp_path, text)
    assert config.prometheus is not None
    (errors,) = config.prometheus.queries

    assert (config.prometheus.url, config.prometheus.token) == ("https://prometheus.example.org", "0123456789")
    assert (errors.above, errors.for_seconds, errors.every_seconds, errors.unusual) == (1.0, 300, 60, "")
    assert "0123456789" in config.secrets
    assert told(tmp_path, "").prometheus is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "queries[0]: expected one of above, below, falls_to, rises_to, unusual, got none of them"),
        (
            "above = 1\nbelow = 0",
            "queries[0]: expected one of above, below, falls_to, rises_to, unusual, got above and",
        ),
        ("above = 'much'", "queries[0].above: expected a number, got 'much'"),
        ("above = true", "queries[0].above: expected a number, got true"),
        ("unusual = 'high'\nat_least = -1", "queries[0].at_least: expected a number from 0 on, got -1"),
        ("above = 1", "prometheus.url: expected a value, because there are [[queries]], got nothing"),
    ],
)
def test_a_question_that_does_not_fit_says_what_would(tmp_path: Path, query: str, said: str) -> None:
    assert any(said in flaw for flaw in flaws(tmp_path, f"[[queries]]\nname = 'a'\nquery = 'up'\n{query}"))


def test_a_source_may_be_told_what_people_do(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789\n")
    source = "[[sources]]\nname = 'og'\ntoken = 'abc'\nacknowledge = 'opsgenie'\nacknowledge_token_file = 'key'\n"

    (found,) = told(tmp_path, source).sources

    assert found.acknowledge == Back(service="opsgenie", url="https://api.opsgenie.com", token="0123456789")


def test_a_secret_that_does_not_fit_is_not_printed(tmp_path: Path) -> None:
    found = flaws(tmp_path, "[[sources]]\nname = 'a'\ntoken = '  '\nsecret_file = 'missing'\n")

    assert found[0] == "tocsin.toml:3: sources[0].token: expected text, got a secret"
    assert "secret_file: expected a readable file" in found[1]


def test_a_mail_server_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    config = told(tmp_path, "[smtp]\nhost = 'localhost'\nfrom = 'a@b.c'\n")

    assert config.smtp is not None and (config.smtp.tls, config.smtp.port) == ("none", 25)


def test_an_address_for_every_interface_is_opened_by_its_loopback_name(tmp_path: Path) -> None:
    assert told(tmp_path, "[server]\nlisten = '0.0.0.0:8080'\n").public_url == "http://127.0.0.1:8080"


def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path) -> None:
    text = """
[[people]]
id = "ana"
[[people]]
id = "bo"
methods = ["bo@example.org"]
[[teams]]
id = "platform"
members = ["cy"]
[[services]]
id = "checkout"
owner = "web"
[[sources]]
name = "short"
token = "guess"
[watchdog]
person = "nobody"
"""

    assert told(tmp_path, text).warnings == (
        "sources.short: the token has fewer than 16 characters and can be guessed",
        "teams.platform: nobody has the id 'cy' in this file",
        "services.checkout: no team or person has the id 'web' in this file",
        "people.ana: has no way to be reached",
        "people.bo: is reached by mail only, and there is no [smtp]",
        "watchdog.person: nobody has the id 'nobody' in this file",
        "paging.last_resort: nobody is named, so everybody is paged when an escalation reached nobody",
    )


@pytest.mark.parametrize(
    ("said", "kind", "address"),
    [
        ("ana@example.org", "email", "ana@example.org"),
        ("mailto:ana@example.org", "email", "ana@example.org"),
        ("email:ana@example.org", "email", "ana@example.org"),
        ("https://hooks.example.org/x", "webhook", "https://hooks.example.org/x"),
        ("http://10.0.0.5:9000/x", "webhook", "http://10.0.0.5:9000/x"),
        ("webhook:https://hooks.example.org/x", "webhook", "https://hooks.example.org/x"),
        ("ntfy://ntfy.sh/topic", "ntfy", "https://ntfy.sh/topic"),
        ("ntfy+http://10.0.0.5/topic", "ntfy", "http://10.0.0.5/topic"),
        ("ntfy:https://ntfy.sh/topic", "ntfy", "https://ntfy.sh/topic"),
        ("apprise:tgram://bot/chat", "apprise", "tgram://bot/chat"),
        ("console", "console", ""),
        ("console:desk", "console", "desk"),
    ],
)
def test_a_way_to_reach_somebody_may_be_a_short_text(said: str, kind: str, address: str) -> None:
    found = method(said)

    assert (found.kind, found.address) == (kind, address)


@pytest.mark.parametrize(
    "said",
    ["ana", "", "ntfy://ntfy.sh", "tgram://bot", "mailto:ana", "apprise:", 5, {}, {"kind": "email"},
     {"kind": "pigeon", "address": "x"}, {"kind": "email", "address": "a@b", "later": 1},
     {"kind": "email", "address": "a@b", "after": "soon"}],
)  # fmt: skip
def test_a_way_that_nobody_knows_is_refused(said: object) -> None:
    with pytest.raises(Wrong):
        method(said)


def test_times_are_texts_and_bare_numbers_are_seconds() -> None:
    read = span(0, 10_000)

    assert [read(each) for each in ("90s", "15m", "1h30m", 45, "45")] == [90, 900, 5_400, 45, 45]


def test_the_environment_names_several_with_commas(tmp_path: Path) -> None:
    assert told(tmp_path, "", {"TOCSIN_LAST_RESORT": "ana, bo"}).directory.last_resort == ("ana", "bo")


def test_lines_are_found_in_tables_lists_and_quoted_keys() -> None:
    text = (
        '[a]\nx = 1\n[[people]]\nid = 1\n[[people]]\n"full name" = 1\n[people.labels]\ny = 1\n[bindings]\n"b c" = 1\n'
    )

    lines = lines_of(text)

    assert (lines["a.x"], lines["people[0].id"], lines["people[1].full name"]) == (2, 4, 6)
    assert (lines["people[1].labels.y"], lines["bindings.b c"]) == (8, 10)


# --- the table


def test_the_documentation_lists_every_setting_as_the_table_has_it() -> None:
    assert documentation() in DOCS.read_text("utf-8")


def test_every_setting_says_what_it_is() -> None:
    for setting in SETTINGS:
        assert setting.help.endswith("."), setting.name
        assert len(setting.help) > 10, setting.name


def test_the_example_of_the_documentation_is_right(tmp_path: Path) -> None:
    example = DOCS.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "smtp.password").write_text("secret")
    (tmp_path / "prometheus.token").write_text("0123456789abcdef")

    config = told(tmp_path, example)

    assert config.warnings == ()
    assert config.sources[0].token == "0123456789abcdef"


def test_no_environment_variable_or_name_is_used_twice() -> None:
    names = [setting.name for setting in SETTINGS]
    variables = [setting.env for setting in SETTINGS if setting.env]

    assert len(names) == len(set(names))
    assert len(variables) == len(set(variables))


def test_evidence_has_a_place_of_its_own_and_retention_by_kind(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text(
        '[evidence]\nmax_mb = 10\nkeep = "90d"\nkeep_kinds = {dump = "30d"}\nkeep_severities = {SEV-0 = "0s"}\n'
        '[[log_sources]]\nname = "loki"\nurl = "https://loki.example/q?query={query}&start={start_ns}"\ntoken = "t"\n'
    )

    said = load(file, {}, {"server.data": str(tmp_path / "data")}).evidence

    assert (said.folder, said.key_file) == (tmp_path / "data" / "evidence", tmp_path / "data" / "evidence.keys")
    assert (said.bytes_max, said.retention.keep_seconds) == (10 * 1024 * 1024, 90 * 86_400)
    assert (said.retention.kinds, said.retention.severities) == ({"dump": 30 * 86_400}, {"SEV-0": 0})
    assert [(each.name, each.token) for each in said.log_sources] == [("loki", "t")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[evidence]\nkeep_kinds = {dmp = "30d"}', "keep_kinds: expected a table of times by logs, state, dump"),
        ('[evidence]\ns3_bucket = "b"', "evidence.s3_endpoint: expected a value, because other s3_ settings are there"),
        ('[[log_sources]]\nname = "l"\nurl = "https://{host}/x"', "url: expected an address such as https://loki"),
        ('[[log_sources]]\nname = "l"\nurl = "https://x/?q={querry}"', "url: expected places named end"),
    ],
)
def test_what_is_wrong_with_evidence_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=re.escape(said)):
        load(file, {}, {"server.data": str(tmp_path / "data")})


def test_a_person_says_by_what_they_are_told_and_when(tmp_path: Path) -> None:
    told = 'rules = {high = ["sms:+4912345", "5m=voice"], low = ["email"]}'
    (tmp_path / "tocsin.toml").write_text(f'[[people]]\nid = "ana"\nmethods = ["ana@example.org"]\n{told}\n')

    found = load(tmp_path / "tocsin.toml", {}).directory.people["ana"].rules

    assert [(each.after_seconds, each.method) for each in found.high] == [(0, "sms:+4912345"), (300, "voice")]
    assert [(each.after_seconds, each.method) for each in found.low] == [(0, "email")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ('["sms"]', "expected a table such as"),
        ('{middle = ["sms"]}', "expected the lists high and low, not middle"),
        ('{high = "sms"}', "expected a list of methods as high"),
        ('{high = ["pigeon"]}', "got 'pigeon'"),
        ('{high = ["5x=sms"]}', "people[0].rules"),
    ],
)
def test_rules_that_are_none_are_named(tmp_path: Path, rules: str, expected: str) -> None:
    (tmp_path / "tocsin.toml").write_text(f'[[people]]\nid = "ana"\nmethods = ["console"]\nrules = {rules}\n')

    with pytest.raises(ConfigError) as wrong:
        load(tmp_path / "tocsin.toml", {})
    assert expected in str(wrong.value) and "tocsin.toml:4" in str(wrong.value)


def test_business_hours_are_the_calendar_of_guides_that_say_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text(
        '[business_hours]\nzone = "Europe/Berlin"\ndays = "Mon-Thu"\ncountry = "DE"\nclosures = [2026-12-24]\n'
    )

    assert load(file, {}).business_hours == BusinessHours(
        zone="Europe/Berlin", days=(0, 1, 2, 3), country="DE", closures=("2026-12-24",)
    )
    file.write_text("[server]\n")
    assert load(file, {}).business_hours is None


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('days = "never"', r'business_hours.days: expected days such as "Mon-Fri" or \["Mon", "Tue"\], got never'),
        ("days = []", "business_hours.days: expected days"),
        ('zone = "Mars"', "business_hours.zone: expected an IANA time zone such as Europe/Berlin, got 'Mars'"),
        ('closes = "08:00"', "business_hours.closes: expected a time after 09:00, got 08:00"),
        ('country = "XX"', "business_hours.country: expected an ISO 3166 code such as DE or US, got 'XX'"),
        ('subdivision = "BE"', "business_hours.subdivision: expected a country too, got only 'BE'"),
        ('closures = ["24 Dec"]', r'business_hours.closures: expected dates such as \["2026-12-24"\], got 24 Dec'),
    ],
)
def test_business_hours_that_cannot_be_are_named(line: str, error: str, tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text(f"[business_hours]\n{line}\n")

    with pytest.raises(ConfigError, match=error):
        load(file, {})
