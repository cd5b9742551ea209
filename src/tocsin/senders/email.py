"""Pages as e-mail, through the mail server of the organisation. Accepted is not delivered: bounces come later."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import html
import re
import ssl
from collections.abc import Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

import aiosmtplib

from tocsin.core.paging_text import one_line
from tocsin.ports import Message, Receipt
from tocsin.senders.http import system_trust

TIMEOUT_SECONDS = 25.0  # for the whole dialogue; less than a lease lasts
STEP_SECONDS = 15.0  # for connecting, and for each answer of the server
QUIT_SECONDS = 2.0  # politeness after the message was accepted; it must not cost the receipt
DETAIL_MAX = 300
SUBJECT_MAX = 300
URGENT_RANK_MAX = 1  # severities up to this rank are marked urgent, as mail programs understand it

Tls = Literal["none", "starttls", "tls"]

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


class EmailSender:
    """Sends each page as one mail. Every attempt at a page carries the same Message-ID; an incident is a thread.

    `tls`: `none`, `starttls` (required, never optional: falling back would show the password to whoever asks for it)
    or `tls` from the first byte. Raises ValueError when `sender` is not a mail address.
    """

    kind = "email"

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        tls: Tls = "starttls",
        tls_context: ssl.SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = _parsed(sender, "Tocsin")
        self._username = username
        self._password = password
        self._tls = tls
        self._context = tls_context
        self._timeout = timeout_seconds

    async def send(self, message: Message) -> Receipt:
        try:
            recipient = _parsed(message.method.address, message.person.name)
            mail = mail_of(message, self._sender, recipient)
        except (ValueError, MessageError) as error:
            return Receipt(code="bad_address", permanent=True, detail=one_line(str(error), DETAIL_MAX))
        try:
            return await self._deliver(recipient, mail)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._receipt(error)

    async def _deliver(self, recipient: Address, mail: EmailMessage) -> Receipt:
        """Sent only once the server has accepted the end of DATA; what it says after that changes nothing."""
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._tls == "tls",
            start_tls=self._tls == "starttls",
            tls_context=self._context or system_trust(),
            timeout=min(STEP_SECONDS, self._timeout),
            local_hostname=self._sender.domain,  # else the name is looked up, which can block for as long as DNS does
        )
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                _, said = await client.send_message(
                    mail, sender=self._sender.addr_spec, recipients=[recipient.addr_spec]
                )
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=QUIT_SECONDS)
            return Receipt(code="sent", provider_id=_queue_id(said))
        finally:
            client.close()

    def _receipt(self, error: Exception) -> Receipt:
        """What a failed dialogue means. The server's own answer decides where there is one."""
        where = f"{self._host}:{self._port}"
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
            error = error.recipients[0]
        why = one_line(str(error), DETAIL_MAX) or type(error).__name__
        match error:
            case aiosmtplib.SMTPResponseException():
                return refusal(error.code, error.message, where, step=_step(error))
            case TimeoutError():  # SMTPTimeoutError is one
                return Receipt(code="timeout", detail=f"{where} did not answer within {self._timeout:g} s")
            case aiosmtplib.SMTPNotSupported():
                return Receipt(code="misconfigured", permanent=True, detail=f"{where}: {why}")
            case aiosmtplib.SMTPException() if type(error) is aiosmtplib.SMTPException:
                # the base class itself says that the server lacks what is asked of it: STARTTLS, AUTH, a mechanism
                return Receipt(code="misconfigured", permanent=True, detail=f"{where}: {why}")
            case ssl.SSLCertVerificationError():
                return Receipt(code="misconfigured", detail=f"{where}: {why}")
            case OSError():  # also SMTPConnectError and SMTPServerDisconnected
                return Receipt(code="unreachable", detail=f"{where}: {why}")
            case ValueError():
                return Receipt(code="bad_address", permanent=True, detail=why)
            case _:
                return Receipt(code="unknown", detail=f"{where}: {why}")

    async def close(self) -> None:
        """Nothing stays open between two messages."""


Step = Literal["recipient", "login", "other"]


def _step(error: aiosmtplib.SMTPResponseException) -> Step:
    match error:
        case aiosmtplib.SMTPRecipientRefused():
            return "recipient"
        case aiosmtplib.SMTPAuthenticationError():
            return "login"
        case _:
            return "other"


def refusal(status: int, text: str, where: str, *, step: Step) -> Receipt:
    """What an SMTP answer other than success means: 4xx is worth another try, 5xx is not.

    Source: RFC 5321 section 4.2.1, RFC 3463 for the enhanced codes.
    """
    detail = f"{where} answered {status} {one_line(text, DETAIL_MAX)}"
    enhanced = _ENHANCED.search(text)
    subject = (int(enhanced[2]), int(enhanced[3])) if enhanced else (0, 0)
    if 400 <= status < 500:
        return Receipt(code="refused", detail=detail)
    if not 500 <= status < 600:
        return Receipt(code="unknown", detail=detail)  # not an SMTP answer
    if step == "login" or status in (530, 534, 535, 538):
        return Receipt(code="unauthorised", permanent=True, detail=detail)
    if subject in ((3, 4), (2, 3)):
        return Receipt(code="too_large", permanent=True, detail=detail)
    if subject[0] == 1 or (step == "recipient" and status in (550, 551, 553) and subject == (0, 0)):
        return Receipt(code="bad_address", permanent=True, detail=detail)
    return Receipt(code="rejected", permanent=True, detail=detail)


def _queue_id(said: str) -> str:
    """What the server calls the message, from `2.0.0 Ok: queued as ABC123`."""
    return one_line(_ENHANCED.sub("", said, count=1).strip(), 120)


def _parsed(text: str, name: str) -> Address:
    """A mail address. Raises ValueError saying what was expected; the domain is given its ASCII form."""
    spec = text.strip()
    local, at, domain = spec.rpartition("@")
    if not at or not local or not domain or one_line(spec) != spec or " " in domain or len(spec) > 254:
        raise ValueError(f"address: expected a mail address, got {one_line(text, 80)!r}")
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
        return Address(display_name=_header(name, 80), addr_spec=f"{local}@{plain}")
    except (UnicodeError, MessageError, ValueError, IndexError) as error:
        raise ValueError(f"address: expected a mail address, got {one_line(text, 80)!r}") from error


def mail_of(message: Message, sender: Address, recipient: Address) -> EmailMessage:
    """The mail: plain text first, the same as HTML with a button, and the headers that thread it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = _header(message.subject, SUBJECT_MAX)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = message_id("page", message.id, sender.domain)
    if message.unsubscribe_url:  # RFC 8058: one click, without a page in between
        mail["List-Unsubscribe"] = f"<{_header(message.unsubscribe_url, 900)}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if (message.topic or message.incident) and message.event != "bundle":
        thread = message_id("incident", message.topic or message.incident, sender.domain)
        mail["In-Reply-To"] = thread
        mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Tocsin-Page"] = _header(message.id, 200)
    if message.reference:
        mail["X-Tocsin-Incident"] = _header(message.reference, 80)
    if message.event in ("page", "bundle", "alarm") and message.rank <= URGENT_RANK_MAX:
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    mail.set_content(_encodable(_plain(message)), cte="quoted-printable")
    mail.add_alternative(_encodable(page_html(message)), subtype="html", cte="quoted-printable")
    return mail


def _plain(message: Message) -> str:
    """The text, and below it what a mail program without HTML would not show."""
    if not message.unsubscribe_url or message.unsubscribe_url in message.text:
        return message.text
    return f"{message.text.rstrip()}\n\nUnsubscribe: {message.unsubscribe_url}\n"


def _header(text: str, most: int) -> str:
    """Text for a header. Not only line breaks: Python's email package decodes an encoded word it is given (`=?...?=`)
    and writes out what was in it, so that `=?utf-8?q?=0ABcc:...?=` would become a header of its own."""
    return one_line(text.replace("=?", "= ?"), most)


def _encodable(text: str) -> str:
    """The text without lone surrogates, which no charset can carry."""
    return text.encode("utf-8", "replace").decode()


def message_id(kind: str, name: str, domain: str) -> str:
    """A Message-ID that is the same for the same name, whatever the name holds."""
    return f"<{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}.{kind}@{domain}>"


def page_html(message: Message) -> str:
    """The text as HTML. Styles are inline because mail programs drop everything else; nothing is loaded."""
    links = [(f"Acknowledge {message.reference}", message.acknowledge_url, _BUTTON)] if message.acknowledge_url else []
    if message.incident_url:
        links.append(("Open the incident" if message.incident else "Open Tocsin", message.incident_url, _LINK))
    if message.unsubscribe_url:
        links.append(("Unsubscribe", message.unsubscribe_url, _LINK))
    body = _without_links(message.text, [url for _, url, _ in links])
    font = "16px/1.5 system-ui,sans-serif" if message.topic else "14px/1.5 ui-monospace,monospace"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(message.subject)}</title></head>"
        '<body style="margin:0;padding:16px;font:16px/1.5 system-ui,sans-serif">'
        f'<h1 style="font-size:20px;line-height:1.3;margin:0 0 16px">{html.escape(message.subject)}</h1>'
        f'<div style="white-space:pre-wrap;font:{font}">{html.escape(body)}</div>'
        + "".join(
            f'<p style="margin:16px 0"><a href="{html.escape(url)}" style="{style}">{html.escape(label)}</a></p>'
            for label, url, style in links
        )
        + "</body></html>\n"
    )


_BUTTON = (
    "display:inline-block;padding:14px 24px;border-radius:8px;background:#b3261e;color:#ffffff;"
    "font-weight:600;text-decoration:none"
)
_LINK = "color:#1a5fb4"


def _without_links(text: str, urls: Sequence[str | None]) -> str:
    """The text without the lines that only repeat the buttons below it."""
    kept = [line for line in text.splitlines() if not any(url and line.endswith(url) for url in urls)]
    return "\n".join(kept).strip()
