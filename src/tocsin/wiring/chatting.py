"""Chats, trackers and sources of alerts, wired: who answers them, and who keeps them up to date."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol

from tocsin.chat.carrier import Carrier, CarrierDeps, Way
from tocsin.chat.desk import Desk, DeskDeps
from tocsin.chat.follower import Follower
from tocsin.chat.mirror import Mirror, Reviser, Rules
from tocsin.chat.slack_desk import SlackDesk
from tocsin.chat.socket import SocketMode
from tocsin.chat.telegram_desk import TelegramDesk
from tocsin.chat.tickets import Filing, Tickets, Tracker
from tocsin.clock import Clock
from tocsin.core.places import Outside
from tocsin.core.twoway import Back
from tocsin.http import telegram
from tocsin.http.slack import Signatures, SlackApp
from tocsin.http.telegram import TelegramApp
from tocsin.ports import Receipt, Sender
from tocsin.senders.alertmanager import Silences
from tocsin.senders.github import GitHub
from tocsin.senders.gitlab import GitLab
from tocsin.senders.jira import Jira
from tocsin.senders.opsgenie import Opsgenie
from tocsin.senders.pagerduty import PagerDuty
from tocsin.senders.slack import SlackSender
from tocsin.senders.slack_api import SlackApi
from tocsin.senders.slack_room import SlackRoom
from tocsin.senders.telegram import TelegramSender
from tocsin.setting.config import Config, Slack, TrackerSetting
from tocsin.wiring.sending import slack_api

log = logging.getLogger(__name__)
WEBHOOK_RETRY_SECONDS = (5.0, 60.0, 600.0)  # until Telegram knows where its updates go


class ChatDeps(DeskDeps, CarrierDeps, Protocol):
    """The part of the process that chats need."""

    @property
    def clock(self) -> Clock: ...


class Checked(Protocol):
    """A tracker that can say whether its credentials work."""

    async def check(self) -> Receipt: ...
    async def close(self) -> None: ...


class Chatting:
    """`slack` and `telegram` are ASGI apps, there whether configured or not; `work` is what has to run."""

    def __init__(self, deps: ChatDeps, config: Config, secret: bytes, senders: Mapping[str, Sender]) -> None:
        self._url = config.public_url
        self._closing: list[Any] = []
        self._work: list[Coroutine[Any, Any, None]] = []
        self._followers: list[Follower] = []
        api = slack_api(config.slack) if config.slack else None
        self.slack = self._slack(deps, config.slack, api)
        self.telegram = self._telegram(deps, config, secret, senders.get("telegram"))
        self._mirror(deps, config, api, senders)
        trackers = tuple(each.id for each in config.trackers)
        deps.engine.reaching(Outside(chats=("slack",) if api else (), trackers=trackers))
        made = [tracker(each) for each in config.trackers]
        self._closing += made
        if made:
            filings = [
                Filing(tracker=one, severities=each.severities) for one, each in zip(made, config.trackers, strict=True)
            ]
            tickets = Tickets(deps, filings, config.public_url)
            self._followers.append(Follower(deps, "tickets", tickets.follow, tickets.seen))
        self.carrier = Carrier(deps, ways(config), config.public_url)
        if any(each.acknowledge for each in config.sources):
            self._closing.append(self.carrier)
            self._followers.append(Follower(deps, "sources", self.carrier.follow, self.carrier.seen))

    def changed(self, tenant: str, stream: str, version: int) -> None:
        """An incident changed. From any thread."""
        for follower in self._followers:
            follower.changed(tenant, stream, version)

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run as tasks until it is cancelled."""
        return [*(each.run() for each in self._followers), *self._work]

    async def close(self) -> None:
        for each in self._closing:
            await each.close()

    # --- parts --------------------------------------------------------------------------------------------------------

    def _slack(self, deps: ChatDeps, slack: Slack | None, api: SlackApi | None) -> SlackApp:
        if slack is None or api is None:
            return SlackApp(None, None)
        desk = SlackDesk(Desk(deps, "slack"), api)
        if slack.app_token:
            self._work.append(SocketMode(desk, app_token=slack.app_token, base_url=slack.api_url).run())
        signatures = Signatures(slack.signing_secret, deps.clock) if slack.signing_secret else None
        return SlackApp(desk, signatures)

    def _telegram(self, deps: ChatDeps, config: Config, secret: bytes, sender: Sender | None) -> TelegramApp:
        if config.telegram is None or not isinstance(sender, TelegramSender):
            return TelegramApp(None, "")
        shared = telegram.secret_token(secret, config.telegram.token)
        if self._url.startswith("https://"):  # Telegram posts to nothing else
            self._work.append(_webhook_set(sender, f"{self._url}{telegram.PATH}", shared))
        return TelegramApp(TelegramDesk(Desk(deps, "telegram"), sender), shared)

    def _mirror(self, deps: ChatDeps, config: Config, api: SlackApi | None, senders: Mapping[str, Sender]) -> None:
        revisers: dict[str, Reviser] = {
            kind: each for kind, each in senders.items() if isinstance(each, SlackSender | TelegramSender)
        }
        if not revisers:
            return
        room = SlackRoom(api) if api else None
        if api:
            self._closing.append(api)
        rules = Rules()
        if config.slack:
            rules = Rules(
                channel=config.slack.channel,
                severities=config.slack.channel_severities,
                own_for=config.slack.incident_channels,
                archive=config.slack.archive,
            )
        mirror = Mirror(deps, room, rules, revisers, config.public_url)
        self._followers.append(Follower(deps, "chat", mirror.follow, mirror.seen))


class _Filed(Tracker, Checked, Protocol):
    """A tracker as it is made from a setting."""


def tracker(told: TrackerSetting) -> _Filed:
    """The tracker that a setting describes."""
    common: dict[str, Any] = {"name": told.id, "project": told.project, "token": told.token, "labels": told.labels}
    if told.url:
        common["url"] = told.url
    match told.kind:
        case "github":
            return GitHub(**common)
        case "gitlab":
            return GitLab(**common)
        case _:
            return Jira(**common, user=told.user, issue_type=told.issue_type)


def ways(config: Config) -> dict[str, Way]:
    """How the sources of alerts are told what people do with them, by the name of the source."""
    found = {}
    for source in config.sources:
        back = source.acknowledge
        if back is None:
            continue
        made = told_there(back)
        if isinstance(made, Silences):
            found[source.name] = Way(back=back, silences=made, lent=source.service)
        else:
            found[source.name] = Way(back=back, service=made)
    return found


def told_there(back: Back) -> Silences | PagerDuty | Opsgenie:
    """What speaks to the service that a source's `acknowledge` names."""
    match back.service:
        case "alertmanager":
            return Silences(back)
        case "pagerduty":
            return PagerDuty(back)
        case _:
            return Opsgenie(back)


async def _webhook_set(sender: TelegramSender, url: str, secret: str) -> None:
    """Telegram posts its updates to us, with the secret."""
    for seconds in (*WEBHOOK_RETRY_SECONDS, None):
        answer = await sender.call(
            "setWebhook", url=url, secret_token=secret, allowed_updates=["message", "callback_query"]
        )
        if not isinstance(answer, Receipt):
            return
        log.error("Telegram does not take our address for its updates: %s", answer.detail)
        if seconds is None or answer.permanent:
            return
        await asyncio.sleep(seconds)


def trackers_of(config: Config) -> Sequence[tuple[TrackerSetting, _Filed]]:
    """Every configured tracker, made."""
    return [(each, tracker(each)) for each in config.trackers]
