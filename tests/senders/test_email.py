"""Mail: what is in it, what its headers can never become, and how it gets to the server."""

from __future__ import annotations

import asyncio
import ssl
from email import message_from_bytes, policy
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult
from hypothesis import given, strategies as st

from tests.senders.messages import T0, message
from tests.senders.servers import Dialogue, Mailbox, listening, mail_server
from tocsin.core.people import Person
from tocsin.ports import Message, Receipt
from tocsin.senders.email import EmailSender, _parsed, mail_of, message_id, refusal

FROM = _parsed("tocsin@ops.example", "Tocsin")
ANA = _parsed("ana@example.org", "Ana Díaz")


def mailed(given: Message) -> Any:
    """The mail as the receiver's program reads it."""
    return message_from_bytes(bytes(mail_of(given, FROM, ANA)), policy=policy.default)


def test_a_mail_has_what_a_tired_person_needs():
    mail = mailed(message("email", "ana@example.org"))

    text = mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    assert mail["Subject"] == "[SEV-1] Checkout is failing (INC-2026-001)"
    assert mail["From"] == "Tocsin <tocsin@ops.example>"
    assert str(mail["To"]) == "Ana Díaz <ana@example.org>"
    assert mail["Date"] == "Wed, 04 Mar 2026 03:02:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high"
    assert "Acknowledge: https://tocsin.example/a/token" in text
    assert '<a href="https://tocsin.example/a/token"' in page
    assert "Acknowledge INC-2026-001</a>" in page


def test_an_incident_is_a_thread_and_a_page_has_one_id_for_all_its_attempts():
    first, again = (mailed(message("email", attempt=n)) for n in (1, 2))
    other = mailed(message("email", id="inc-1-2-ana"))

    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["References"] == first["In-Reply-To"] == other["References"]
    assert first["Message-ID"].endswith(".page@ops.example>")


def test_a_bundle_belongs_to_no_thread():
    assert mailed(message("email", event="bundle"))["References"] is None


def test_a_notice_is_not_urgent():
    mail = mailed(message("email", event="resolved", acknowledge_url=None))

    assert mail["Importance"] is None
    assert "Acknowledge INC" not in mail.get_body(("html",)).get_content()


def test_what_a_label_says_is_no_markup_in_the_mail():
    page = mailed(message("email", text="<script>x</script>", subject="<b>")).get_body(("html",)).get_content()

    assert "<script" not in page and "<b>" not in page


HOSTILE = [
    "x\r\nBcc: all@example.org",
    "x\nBcc: all@example.org",
    "x\r\n\r\n<script>",
    "x\x00y",
    "x\u2028Bcc: a@b",
    "=?utf-8?q?=0ABcc:_a@b?=",
    "x" * 5000,
    "\ud800",
]


@pytest.mark.parametrize("nasty", HOSTILE, ids=ascii)
def test_a_header_cannot_be_injected(nasty):
    given = message("email", subject=nasty, id=nasty, incident=nasty, reference=nasty, text=f"a\n{nasty[:100]}\n.\nb")
    raw = bytes(mail_of(given, FROM, _parsed("ana@example.org", nasty)))

    head = raw.split(b"\r\n\r\n", 1)[0]
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Bcc"] is None
    assert [name for name in mail if name == "To"] == ["To"]
    assert max(len(line) for line in head.split(b"\r\n")) < 998
    assert mail.get_body(("plain",)) is not None


@given(text=st.text(max_size=200))
def test_no_text_breaks_a_mail(text):
    mail = message_from_bytes(
        bytes(mail_of(message("email", subject=text, text=text or "-", id=text), FROM, _parsed("a@b.example", text))),
        policy=policy.default,
    )

    assert set(mail.keys()) >= {"From", "To", "Subject", "Message-ID"}
    assert mail["Bcc"] is None
    assert mail.defects == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@example.org",
        "ana@",
        "a b@example.org",
        "ana@exa mple.org",
        "a@b\r\nRCPT TO:<c@d>",
        "x" * 300 + "@a.b",
        "a@b, c@d",
        "Ana <ana@example.org>",
        "ana@-.\ud800",
    ],
)
def test_what_is_no_mail_address_is_refused(address):
    with pytest.raises(ValueError, match="expected a mail address"):
        _parsed(address, "Ana")


def test_a_domain_beyond_ascii_is_given_its_ascii_form():
    assert _parsed("ana@bücher.example", "").addr_spec == "ana@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("status", "text", "step", "code", "permanent"),
    [
        (421, "4.7.0 too many connections", "other", "refused", False),
        (450, "4.2.0 greylisted", "recipient", "refused", False),
        (452, "4.2.2 over quota", "recipient", "refused", False),
        (454, "4.7.0 temporary authentication failure", "login", "refused", False),
        (530, "5.7.0 must issue a STARTTLS command first", "other", "unauthorised", True),
        (535, "5.7.8 wrong password", "login", "unauthorised", True),
        (550, "no such user", "recipient", "bad_address", True),
        (550, "5.1.1 no such user", "recipient", "bad_address", True),
        (550, "5.7.1 relaying denied", "recipient", "rejected", True),
        (552, "5.3.4 message too big", "other", "too_large", True),
        (554, "5.7.1 spam", "other", "rejected", True),
        (-1, "Malformed SMTP response line", "other", "unknown", False),
        (250, "", "other", "unknown", False),
    ],
)
def test_what_a_mail_server_says_decides(status, text, step, code, permanent):
    receipt = refusal(status, text, "mx:25", step=step)

    assert (receipt.code, receipt.permanent) == (code, permanent)
    assert str(status) in receipt.detail


@given(name=st.text())
def test_a_message_id_is_one_whatever_the_name_holds(name):
    made = message_id("page", name, "ops.example")

    assert made == message_id("page", name, "ops.example")
    assert made.isascii() and made.startswith("<") and made.endswith("@ops.example>") and " " not in made


# --- on the wire ------------------------------------------------------------------------------------------------------


def sent(port: int, **options: Any) -> Any:
    sender = EmailSender(host="localhost", port=port, sender="tocsin@ops.example", timeout_seconds=2, **options)
    return sender.send(message("email", "ana@example.org", person=Person(id="ana", name="Ana")))


class Certificates:
    def __init__(self) -> None:
        authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.server)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


@pytest.fixture(scope="module")
def certificates():
    return Certificates()


def test_the_envelope_is_ours_and_theirs():
    async def story() -> tuple[Receipt, Mailbox]:
        mailbox = Mailbox()
        async with mail_server(mailbox) as port:
            return await sent(port, tls="none"), mailbox

    receipt, mailbox = asyncio.run(story())
    assert receipt == Receipt(code="sent", provider_id="Ok: queued as ABC123")
    assert mailbox.envelopes == [("tocsin@ops.example", ["ana@example.org"])]


def test_starttls_and_a_login_go_together(certificates):
    logins = []

    def login(_, __, ___, mechanism, data):
        logins.append((mechanism, data.login, data.password))
        return AuthResult(success=data.password == b"s3cret", handled=False)

    async def story() -> tuple[Receipt, Receipt, Mailbox]:
        mailbox = Mailbox()
        options = {"tls_context": certificates.server, "authenticator": login, "auth_required": True}
        async with mail_server(mailbox, **options) as port:
            trusted = {"tls": "starttls", "tls_context": certificates.client, "username": "tocsin"}
            good = await sent(port, password="s3cret", **trusted)
            bad = await sent(port, password="wrong", **trusted)
            return good, bad, mailbox

    good, bad, mailbox = asyncio.run(story())
    assert good.code == "sent"
    assert (bad.code, bad.permanent) == ("unauthorised", True)
    assert len(mailbox.mails) == 1
    assert {name for _, name, _ in logins} == {b"tocsin"}


def test_tls_from_the_first_byte(certificates):
    async def story() -> tuple[Receipt, list[str]]:
        server = Dialogue()
        async with listening(server, ssl=certificates.server) as port:
            return await sent(port, tls="tls", tls_context=certificates.client), server.verbs

    receipt, verbs = asyncio.run(story())
    assert receipt.code == "sent"
    assert verbs[-1] == "QUIT"


def test_a_certificate_nobody_vouches_for_is_not_accepted(certificates):
    async def story() -> list[Receipt]:
        async with listening(Dialogue(), ssl=certificates.server) as port:
            return [await sent(port, tls="tls")]

    (receipt,) = asyncio.run(story())
    assert receipt.code in ("misconfigured", "unreachable")
    assert not receipt.permanent
    assert "certificate" in receipt.detail.lower()


def test_a_server_without_starttls_never_sees_the_password_or_the_mail():
    async def story() -> tuple[Receipt, list[str]]:
        server = Dialogue(EHLO="250-mx\r\n250 AUTH PLAIN")
        async with listening(server) as port:
            receipt = await sent(port, tls="starttls", username="tocsin", password="s3cret")
            return receipt, server.verbs

    receipt, verbs = asyncio.run(story())
    assert (receipt.code, receipt.permanent) == ("misconfigured", True)
    assert not {"AUTH", "MAIL", "DATA"} & set(verbs)


def test_an_error_at_the_end_of_data_is_no_success():
    async def story() -> Receipt:
        async with listening(Dialogue(END="554 5.6.0 no")) as port:
            return await sent(port, tls="none")

    assert asyncio.run(story()).code == "rejected"


def test_a_server_that_never_says_goodbye_costs_no_receipt():
    async def story() -> Receipt:
        async with listening(Dialogue(QUIT=None)) as port:
            return await sent(port, tls="none")

    assert asyncio.run(story()).code == "sent"


def test_the_password_is_in_no_receipt():
    async def story() -> Receipt:
        async with listening(Dialogue(EHLO="250-mx\r\n250 AUTH PLAIN", AUTH="535 5.7.8 no")) as port:
            return await sent(port, tls="none", username="tocsin", password="canary-s3cret")

    assert "canary" not in asyncio.run(story()).detail


def test_the_date_is_the_pages_and_not_the_machines():
    assert mailed(message("email", at=T0))["Date"].endswith("03:02:00 +0000")
