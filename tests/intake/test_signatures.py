"""Signatures over raw bytes: what fits passes, everything else is refused with a reason."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from standardwebhooks import Webhook

from tocsin.intake.signatures import verify

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"status": "firing"}'


def hex_of(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def test_grafana_signs_the_body():
    headers = {"x-grafana-alerting-signature": hex_of("s3cret", BODY)}

    assert verify("grafana", "s3cret", headers, BODY, NOW) is None
    assert verify("grafana", "other", headers, BODY, NOW)
    assert verify("grafana", "s3cret", headers, BODY + b" ", NOW)


def test_grafana_signs_the_time_too_where_a_header_for_it_is_configured():
    headers = {
        "x-grafana-alerting-signature": hex_of("s3cret", STAMP.encode() + b":" + BODY),
        "x-grafana-alerting-timestamp": STAMP,
    }

    assert verify("grafana", "s3cret", headers, BODY, NOW) is None
    assert verify("grafana", "s3cret", headers, BODY, NOW + timedelta(seconds=300)) is None
    assert "got 301 seconds ago" in str(verify("grafana", "s3cret", headers, BODY, NOW + timedelta(seconds=301)))
    del headers["x-grafana-alerting-timestamp"]
    assert verify("grafana", "s3cret", headers, BODY, NOW)


def test_the_hub_signature_of_github_and_friends_is_taken_for_any_kind():
    headers = {"x-hub-signature-256": "sha256=" + hex_of("s3cret", BODY)}

    assert verify("generic", "s3cret", headers, BODY, NOW) is None
    assert verify("grafana", "s3cret", headers, BODY, NOW) is None
    assert verify("generic", "s3cret", {"x-hub-signature-256": hex_of("s3cret", BODY)}, BODY, NOW)


def test_what_the_standard_webhooks_library_signs_is_taken():
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
    signature = Webhook(secret).sign("msg_1", NOW, BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": STAMP, "webhook-signature": signature}

    assert verify("generic", secret, headers, BODY, NOW) is None
    assert verify("generic", secret, {**headers, "webhook-signature": f"v1,AAAA v1a,x {signature}"}, BODY, NOW) is None
    assert verify("generic", secret, {**headers, "webhook-id": "msg_2"}, BODY, NOW)
    assert verify("generic", secret, headers, BODY, NOW - timedelta(minutes=6))
    assert verify("generic", secret, {"webhook-signature": signature}, BODY, NOW)


def test_pagerduty_signs_with_the_old_and_the_new_key_while_keys_rotate():
    headers = {"x-pagerduty-signature": f"v1={hex_of('old', BODY)},v1={hex_of('new', BODY)}"}

    assert verify("pagerduty", "new", headers, BODY, NOW) is None
    assert verify("pagerduty", "third", headers, BODY, NOW)


@pytest.mark.parametrize("kind", ["generic", "grafana", "pagerduty", "alertmanager", "opsgenie"])
def test_a_source_with_a_secret_refuses_what_is_not_signed(kind):
    assert "a signature is expected in one of" in str(verify(kind, "s3cret", {}, BODY, NOW))


@pytest.mark.parametrize("stamp", ["", "soon", "١٢٣", "-5", "1" * 400, "1795243461.5"])
def test_a_time_stamp_that_is_no_number_is_refused_and_raises_nothing(stamp):
    headers = {"x-grafana-alerting-signature": "00", "x-grafana-alerting-timestamp": stamp}

    assert verify("grafana", "s3cret", headers, BODY, NOW)


@given(
    st.sampled_from(["grafana", "generic", "pagerduty"]),
    st.dictionaries(
        st.sampled_from([
            "x-grafana-alerting-signature", "x-grafana-alerting-timestamp", "x-hub-signature-256", "webhook-id",
            "webhook-timestamp", "webhook-signature", "x-pagerduty-signature",
        ]),
        st.text(),
    ),
    st.binary(),
)  # fmt: skip
def test_no_headers_pass_by_chance_or_raise(kind, headers, body):
    assert verify(kind, "a secret nobody knows", headers, body, NOW)
