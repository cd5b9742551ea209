"""Which channels this installation has: one sender per kind of method, as configured."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal

from tocsin.clock import Clock
from tocsin.core.status import Target
from tocsin.devices import VAPID
from tocsin.ports import Sender
from tocsin.senders.console import ConsoleSender
from tocsin.senders.discord import discord_sender
from tocsin.senders.email import EmailSender
from tocsin.senders.mattermost import mattermost_sender, rocketchat_sender
from tocsin.senders.ntfy import NtfySender
from tocsin.senders.ondemand import APPRISE, WEBPUSH, OnDemand
from tocsin.senders.pages import PushSender
from tocsin.senders.slack import SlackSender
from tocsin.senders.slack_api import SlackApi
from tocsin.senders.subscriber import SubscriberSender
from tocsin.senders.teams import teams_sender
from tocsin.senders.telegram import TelegramSender
from tocsin.senders.twilio import TwilioSender
from tocsin.senders.webhook import WebhookSender
from tocsin.setting.config import Config, Slack, Twilio


def senders(config: Config, clock: Clock, target: Callable[[str], Target | None]) -> dict[str, Sender]:
    """One sender per kind of method that this installation can use. `target`: a status page elsewhere, by its id."""
    private = config.webhook.allow_private
    found: list[Sender] = [
        ConsoleSender(sys.stdout),
        NtfySender(allow_private=private),
        OnDemand("apprise", APPRISE),
        OnDemand(
            "webpush",
            WEBPUSH,
            key_file=config.data / VAPID,
            public_url=config.public_url,
            allow_private=config.webhook.push_private,  # whoever is signed in may name a push service
        ),
        WebhookSender(clock=clock, secret=config.webhook.secret, allow_private=private),
        SubscriberSender(),
        PushSender(target, allow_private=private),
        teams_sender(allow_private=private),
        mattermost_sender(allow_private=private),
        discord_sender(allow_private=private),
        rocketchat_sender(allow_private=private),
    ]
    if config.slack:
        found.append(SlackSender(slack_api(config.slack)))
    if config.twilio:
        found.append(twilio_sender("sms", config.twilio, config.public_url))
        found.append(twilio_sender("voice", config.twilio, config.public_url))
    if config.telegram:
        found.append(TelegramSender(token=config.telegram.token, base_url=config.telegram.api_url))
    if config.smtp:
        smtp = config.smtp
        found.append(
            EmailSender(
                host=smtp.host,
                port=smtp.port,
                sender=smtp.sender,
                username=smtp.username,
                password=smtp.password,
                tls=smtp.tls,
            )
        )
    return {sender.kind: sender for sender in found}


def twilio_sender(kind: Literal["sms", "voice"], twilio: Twilio, public_url: str) -> TwilioSender:
    return TwilioSender(
        kind,
        account=twilio.account,
        token=twilio.token,
        sender=twilio.sender,
        public_url=public_url,
        api_url=twilio.api_url,
    )


def slack_api(slack: Slack) -> SlackApi:
    """Slack's Web API with this installation's bot token."""
    return SlackApi(token=slack.bot_token, base_url=slack.api_url)
