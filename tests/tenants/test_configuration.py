"""`[[tenants]]`, and the files of tenants."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.core.tenants import Limits, host_of
from tocsin.setting.config import load, of_tenant
from tocsin.setting.file import ConfigError

TWO = """
[server]
public_url = "https://tocsin.example:8443"

[smtp]
host = "mail.example"
from = "tocsin@example"

[slack]
bot_token = "xoxb-of-the-installation"

[[tenants]]
name = "default"
alerts_per_second = 1000

[[tenants]]
name = "acme"
hosts = ["Acme.Example.", "acme.test"]
config = "acme.toml"
people = 5
stored_mb = 200
"""


def told(folder: Path, text: str, theirs: str = ""):
    (folder / "tocsin.toml").write_text(text)
    (folder / "acme.toml").write_text(theirs)
    return load(folder / "tocsin.toml", {"TOCSIN_WEBHOOK_SECRET": "whsec_c2VjcmV0LW9mLXRoZS1pbnN0YWxsYXRpb24="})


def test_a_tenant_has_its_own_directory_address_and_limits(tmp_path: Path):
    main = told(tmp_path, TWO, '[server]\nzone = "Europe/Sofia"\n[[people]]\nid = "al"\n')
    (acme,) = main.tenants

    config = of_tenant(acme, main)

    assert main.limits == Limits(alerts_per_second=1000)
    assert acme.hosts == ("acme.example", "acme.test") and not acme.managed
    assert config.data == main.data / "tenants" / "acme"
    assert config.database.parent == config.secret_file.parent == config.data
    assert config.public_url == "https://acme.example:8443"
    assert config.zone == "Europe/Sofia" and list(config.directory.people) == ["al"]
    assert config.limits == Limits(people=5, stored_mb=200)
    assert config.journal_retained_bytes == 50 * 1024 * 1024


def test_a_tenant_has_the_mail_server_of_the_installation_and_none_of_its_secrets(tmp_path: Path):
    main = told(tmp_path, TWO)

    config = of_tenant(main.tenants[0], main)

    assert main.slack is not None and main.webhook.secret is not None and main.webhook.allow_private
    assert config.smtp == main.smtp
    assert config.slack is None and config.webhook.secret is None and not config.webhook.allow_private


def test_its_file_may_open_the_private_network(tmp_path: Path):
    main = told(tmp_path, TWO, "[webhook]\nallow_private = true\n")

    assert of_tenant(main.tenants[0], main).webhook.allow_private


@pytest.mark.parametrize("theirs", ['[server]\ndata = "/"', "[server]\nlisten = ':1'", "[[tenants]]\nname = 'x'"])
def test_its_file_says_nothing_about_the_installation(tmp_path: Path, theirs: str):
    main = told(tmp_path, TWO, theirs)

    with pytest.raises(ConfigError, match="nothing, in the file of a tenant"):
        of_tenant(main.tenants[0], main)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('name = "../up"\nhosts = ["a.test"]', r"tenants\[0\].name: expected 1 to 32"),
        ('name = "A"\nhosts = ["a.test"]', "lower-case"),
        ('name = "a"', r"tenants\[0\].hosts: expected 1 to 20"),
        ('name = "a"\nhosts = ["127.0.0.1"]', "a host name"),
        ('name = "a"\nhosts = ["localhost"]', "a host name"),
        ('name = "a"\nhosts = ["a.test"]\n[[tenants]]\nname = "b"\nhosts = ["A.test"]', "which is a's"),
        ('name = "a"\nhosts = ["a.test"]\npeople = 0', "whole number"),
        ('name = "default"\nhosts = ["a.test"]', "only limits"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, row: str, words: str):
    with pytest.raises(ConfigError, match=words):
        told(tmp_path, f"[[tenants]]\n{row}\n")


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("Acme.Test:8080", "acme.test"),
        ("acme.test.", "acme.test"),
        ("[::1]:8080", "[::1]"),
        ("", ""),
        ("acme.test@evil.test", "acme.test@evil.test"),
    ],
)
def test_a_host_header_is_read_as_a_name(header: str, host: str):
    assert host_of(header) == host
