"""Every setting there is: one table, from which tocsin.toml is read and docs/configuration.md is written."""

from __future__ import annotations

from tocsin.core.access import ROLES
from tocsin.core.hooks import FORMATS
from tocsin.core.people import NotificationRules
from tocsin.core.released import NAMEABLE
from tocsin.core.twoway import HOLD_SECONDS, SERVICES
from tocsin.setting.kinds import (
    Address,
    address,
    database_url,
    dates,
    flag,
    hook_url,
    issuer,
    labels,
    mapping,
    name,
    not_yet,
    one_of,
    public_url,
    quiet,
    roles,
    secret,
    some_of,
    span,
    spans,
    template_url,
    text,
    weekdays,
    whole,
    words,
    zone,
)
from tocsin.setting.logs import LOGS
from tocsin.setting.methods import channels, methods, rules
from tocsin.setting.probes import PROBES
from tocsin.setting.queries import PROMETHEUS, QUERIES
from tocsin.setting.remedies import REMEDIES
from tocsin.setting.row import REQUIRED, Setting, row as _row

DAY = 86_400
PORT = whole(1, 65_535)

SETTINGS: tuple[Setting, ...] = (
    _row("server.listen", address, Address(host="127.0.0.1", port=8080), "Where the server listens. On a loopback "
         "address, programs on this machine may use Alertmanager's API without a token.",
         unit="HOST:PORT", shown='"127.0.0.1:8080"', env="TOCSIN_LISTEN", flag="--listen"),
    _row("server.public_url", public_url, None, "The address people open; it stands in every message.",
         unit="URL", shown="`http://` and the listen address", env="TOCSIN_PUBLIC_URL"),
    _row("server.data", text, "data", "The data directory: database, journal, secrets.",
         unit="directory", env="TOCSIN_DATA", flag="--data"),
    _row("server.zone", zone, "UTC", "Where the day of a reference such as INC-2026-11-23-001 begins.",
         unit="IANA zone", env="TOCSIN_ZONE"),
    _row("server.database_url", database_url, None, "Where the database is, if not in the data directory.",
         unit="sqlite:///PATH", shown="`tocsin.db` in the data directory", env="TOCSIN_DATABASE_URL"),
    _row("server.nats_url", not_yet("NATS"), None, "Reserved: a later release takes alerts in through NATS.",
         shown="nothing", env="TOCSIN_NATS_URL"),
    _row("server.secret_file", text, None, "The file with the key that signs acknowledge links.",
         unit="file", shown="`secret` in the data directory, made on first start", env="TOCSIN_SECRET_FILE"),

    _row("server.log_level", one_of("debug", "info", "warning", "error"), "info", "What is written to stderr; secrets "
         "are left out at every level.", unit="debug, info, warning or error", env="TOCSIN_LOG_LEVEL"),
    _row("server.outgoing_hosts", words, (), "The hosts that may be called by HTTP, for every organisation: webhooks, "
         "chats, providers, what evidence is fetched from. `*.example.org` is all below that name.",
         unit="host names", shown="any whose address is fit"),

    _row("business_hours.zone", zone, "UTC", "Guides that state no business hours count business days by this section.",
         unit="IANA zone"),
    _row("business_hours.days", weekdays, (0, 1, 2, 3, 4), 'The days people work.', shown='"Mon-Fri"'),
    _row("business_hours.opens", text, "09:00", "When their day begins.", unit="HH:MM"),
    _row("business_hours.closes", text, "17:00", "When it ends.", unit="HH:MM"),
    _row("business_hours.country", text, None, "Its public holidays are no business days.", unit="ISO 3166 code",
         shown="no holidays"),
    _row("business_hours.subdivision", text, None, "A part of the country, such as NY, with holidays of its own.",
         shown="the whole country"),
    _row("business_hours.closures", dates, (), "More days on which nobody works.", unit="dates"),

    _row("smtp.host", text, REQUIRED, "The mail server. Without [smtp], nobody gets mail.", env="TOCSIN_SMTP_HOST"),
    _row("smtp.port", PORT, None, "The port of the mail server.", shown="25, 587 or 465, as `tls` says",
         env="TOCSIN_SMTP_PORT"),
    _row("smtp.from", text, REQUIRED, "The sender of every mail.", unit="mail address", env="TOCSIN_SMTP_FROM"),
    _row("smtp.username", text, None, "Sign in with this name.", env="TOCSIN_SMTP_USERNAME"),
    _row("smtp.password", secret, None, "Its password.", env="TOCSIN_SMTP_PASSWORD", is_secret=True),
    _row("smtp.tls", one_of("none", "starttls", "tls"), None, "`starttls` is required when chosen, never optional.",
         unit="none, starttls or tls", shown="none for a mail server on this machine, else starttls",
         env="TOCSIN_SMTP_TLS"),

    _row("webhook.allow_private", flag, True, "Whether webhooks, those of chats too, and ntfy may go to private and "
         "loopback addresses. Link-local and cloud metadata addresses are refused in any case.", unit="true or false",
         env="TOCSIN_WEBHOOK_ALLOW_PRIVATE"),
    _row("webhook.push_private", flag, False, "Whether push services of browsers may be at private addresses; anybody "
         "who is signed in may name one.", unit="true or false", env="TOCSIN_PUSH_PRIVATE"),
    _row("webhook.secret", secret, None, "Signs every webhook (Standard Webhooks): `whsec_` and base64.",
         env="TOCSIN_WEBHOOK_SECRET", is_secret=True),

    _row("slack.bot_token", secret, None, "The bot token (`xoxb-...`) of the Slack app. Without it, nobody is reached "
         "by Slack.", env="TOCSIN_SLACK_BOT_TOKEN", is_secret=True),
    _row("slack.signing_secret", secret, None, "Verifies what Slack posts to `/slack/...`: buttons, commands, events. "
         "Without it, those addresses refuse everything.", env="TOCSIN_SLACK_SIGNING_SECRET", is_secret=True),
    _row("slack.app_token", secret, None, "The app-level token (`xapp-...`): Socket Mode, for a server that Slack "
         "cannot reach.", env="TOCSIN_SLACK_APP_TOKEN", is_secret=True),
    _row("slack.channel", name, None, "Every incident has a message in this channel, kept up to date.",
         unit="channel id"),
    _row("slack.channel_severities", words, (), "Only incidents of these severities are shown there.",
         shown="all"),
    _row("slack.incident_channels", words, (), "Incidents of these severities get a channel of their own; `all` is "
         "a word for every one.", shown="only what `/incident create` opens"),
    _row("slack.archive", flag, True, "Whether an incident's own channel is archived when the incident is closed.",
         unit="true or false"),
    _row("slack.api_url", public_url, "https://slack.com/api", "Another server that speaks Slack's Web API.",
         unit="URL"),

    _row("twilio.account", text, None, "The account's SID (`AC...`). Without it, nobody is reached by SMS or voice.",
         env="TOCSIN_TWILIO_ACCOUNT"),
    _row("twilio.token", secret, None, "Its auth token; it also verifies what Twilio posts to `/twilio/...`.",
         env="TOCSIN_TWILIO_TOKEN", is_secret=True),
    _row("twilio.from", text, None, "The number that messages and calls come from; its webhook for messages is "
         "`/twilio/sms`.", unit="telephone number", env="TOCSIN_TWILIO_FROM"),
    _row("twilio.api_url", public_url, "https://api.twilio.com", "Another server that speaks Twilio's API.",
         unit="URL"),

    _row("telegram.token", secret, None, "The bot's token. Without it, nobody is reached by Telegram.",
         env="TOCSIN_TELEGRAM_TOKEN", is_secret=True),
    _row("telegram.api_url", public_url, "https://api.telegram.org", "A Bot API server of one's own.", unit="URL"),

    _row("trackers[].id", name, REQUIRED, "A short name; timelines say it."),
    _row("trackers[].kind", one_of("github", "gitlab", "jira"), REQUIRED, "What it is.", unit="github, gitlab or jira"),
    _row("trackers[].project", name, REQUIRED, "OWNER/REPOSITORY, GROUP/PROJECT, or a Jira project's key."),
    _row("trackers[].token", secret, REQUIRED, "May read and write issues there.", is_secret=True),
    _row("trackers[].url", public_url, None, "The API's address; Jira needs one.", unit="URL",
         shown="`https://api.github.com` or `https://gitlab.com`"),
    _row("trackers[].user", text, None, "The mail address of a Jira Cloud account; without it the token is a personal "
         "one of Data Center."),
    _row("trackers[].issue_type", name, "Task", "The type of a Jira issue."),
    _row("trackers[].labels", words, (), "More labels of every ticket; `tocsin` is always one."),
    _row("trackers[].severities", words, (), "Incidents of these severities get a ticket without being asked; `all` is "
         "a word for every one.", shown="none: `tocsin incident ticket` asks"),

    _row("people[].id", name, REQUIRED, "A short name; facts and tokens carry it."),
    _row("people[].name", text, "", "The name people know them by."),
    _row("people[].methods", methods, (), "How to reach them, in order: a mail address, `ntfy://HOST/TOPIC`, "
         "`https://...` (webhook), `slack:ID`, `telegram:ID`, `teams:URL`, `mattermost:URL`, `discord:URL`, "
         "`rocketchat:URL`, `console`, `apprise:URL`, or `{kind, address, after, enabled}`."),
    _row("people[].roles", words, (), "Roles of a guide they fill, in the guide's words."),
    _row("people[].zone", zone, "UTC", "Their time zone.", unit="IANA zone"),
    _row("people[].quiet_hours", quiet, "", "When pages of low urgency wait, in their zone.", unit="HH:MM-HH:MM"),
    _row("people[].rules", rules, NotificationRules(), "By what and when they are told, by urgency: `{high = [\"sms\", "
         "\"5m=voice\"], low = [\"email\"]}`. `low` without any is as `high`.", shown="every method in its own time"),
    _row("people[].active", flag, True, "Whether they are paged at all.", unit="true or false"),

    _row("teams[].id", name, REQUIRED, "A short name."),
    _row("teams[].name", text, "", "The name people know it by."),
    _row("teams[].members", words, (), "Ids of people."),
    _row("teams[].lead", name, None, "The id of a person; paged first."),

    _row("services[].id", name, REQUIRED, "As the `service` label of alerts says it."),
    _row("services[].name", text, "", "The name people know it by."),
    _row("services[].owner", name, None, "A team or a person; the word `owner` of a policy means them."),
    _row("services[].tier", whole(0, 9), None, "How much depends on it; 0 is the most important."),
    _row("services[].depends_on", words, (), "Ids of services."),
    _row("services[].components", words, (), "Parts of it that a status page names."),

    _row("bindings.*", words, REQUIRED, 'What a guide\'s words for somebody mean: `"On-call engineer" = ["ana"]`.'),

    _row("sources[].name", name, REQUIRED, "A short name; timelines say it."),
    _row("sources[].kind", name, "any",
         "A wire format such as alertmanager, grafana, pagerduty or generic; or any of them."),
    _row("sources[].token", secret, REQUIRED, "Stands in the URL it sends to, or in its Authorization header.",
         is_secret=True),
    _row("sources[].routing_key", secret, None, "The same as `token`, in PagerDuty's word.", is_secret=True),
    _row("sources[].service", name, None, "What its alerts are about, unless a label says so."),
    _row("sources[].mapping", mapping, None, "For the generic format: where in the body things are (JMESPath)."),
    _row("sources[].secret", secret, None, "Verifies the sender's signature, where it signs.", is_secret=True),

    _row("sources[].acknowledge", one_of(*SERVICES), None, "What its people take, release or resolve here is told to "
         "this service: a silence in Alertmanager, an acknowledgement elsewhere; docs/integrations.md, Two ways.",
         unit="alertmanager, pagerduty or opsgenie", shown="nobody is told"),
    _row("sources[].acknowledge_url", public_url, None, "That service's address; an Alertmanager needs one.",
         unit="URL", shown="the service's own"),
    _row("sources[].acknowledge_token", secret, None, "PagerDuty: the integration key, or a REST API key; Opsgenie: "
         "the API key; Alertmanager: what a proxy before it asks for.", is_secret=True),
    _row("sources[].acknowledge_user", text, None, "PagerDuty: the user of a REST API key; Alertmanager: the user "
         "whose password the token is.", unit="mail address or name"),
    _row("sources[].acknowledge_for", span(300, 7 * DAY), HOLD_SECONDS, "How far ahead a silence ends; it is renewed "
         "for as long as somebody has the incident.", unit="time", shown='"1h"'),

    _row("hooks[].name", name, REQUIRED, "A short name of a program that is told of incidents."),
    _row("hooks[].url", hook_url, REQUIRED, "Where events are posted.", unit="URL"),
    _row("hooks[].format", one_of(*FORMATS), "standard", "Standard Webhooks, CloudEvents 1.0, or the form of "
         "PagerDuty's webhooks v3.", unit="standard, cloudevents or pagerduty"),
    _row("hooks[].secret", secret, None, "Signs what is posted: `whsec_` and base64; for pagerduty, at least 16 "
         "characters.", shown="unsigned", is_secret=True),
    _row("hooks[].events", words, (), "Only these, such as `incident.triggered`; docs/integrations.md names them.",
         shown="all"),
    _row("hooks[].enabled", flag, True, "Whether anything is sent.", unit="true or false"),

    _row("audiences[].id", name, REQUIRED, "`customers`, `executives`, ... or one of your own: see "
         "docs/communication.md."),
    _row("audiences[].name", text, "", "How people read it.", shown="as built in"),
    _row("audiences[].channels", channels, (), 'Where it is told: `"NAME=KIND:ADDRESS"`, or as `methods` of people.'),
    _row("audiences[].outside", flag, None, "Whether it is not of the organisation: no inside links, no drills.",
         unit="true or false", shown="as built in, else true"),
    _row("audiences[].approval", flag, None, "Whether its texts are drafts until somebody releases them.",
         unit="true or false", shown="as built in, else true"),
    _row("audiences[].approvers", words, None, "Who releases them: roles, people or teams.",
         shown='`["Communications Lead"]`'),
    _row("audiences[].auto", flag, False, "Whether changes of status are said without a person.",
         unit="true or false"),
    _row("audiences[].detail", one_of("technical", "plain", "private"), None, "How plain its words are; `private` goes "
         "to its own channels only.", unit="technical, plain or private", shown="as built in, else plain"),
    _row("audiences[].words", words, (), "What a guide calls it."),
    _row("audiences[].template", text, "", "The title of the guide's template to use."),
    _row("audiences[].every", span(60, 7 * DAY), None, "How often it is told where the guide does not say.",
         unit="time"),

    _row("paging.last_resort", words, (), "Who is paged when a whole escalation reached nobody; else everybody is.",
         env="TOCSIN_LAST_RESORT"),
    _row("paging.low_urgency", words, (), "Severities whose pages may wait for the end of a person's quiet hours, and "
         "follow their rules for low urgency.", env="TOCSIN_LOW_URGENCY"),
    _row("paging.unverified", one_of("use", "fallback", "never"), "fallback", "Contact methods that were never "
         "verified: used all the same; used while a person has no verified one; or never used.",
         unit="use, fallback or never", env="TOCSIN_UNVERIFIED"),
    _row("paging.channel_test", span(0, 366 * DAY), 7 * DAY, "How often each contact method gets a test message, on "
         "working days by day; 0 for never.", unit="time", shown='"7d"', env="TOCSIN_CHANNEL_TEST"),

    _row("monitors[].id", name, REQUIRED, "Its beats come to `/ping/ID`."),
    _row("monitors[].name", text, "", "What people call it."),
    _row("monitors[].every", span(10, 366 * DAY), REQUIRED, "How often it beats.", unit="time"),
    _row("monitors[].grace", span(0, 366 * DAY), 60, "How late a beat may be.", unit="time", shown='"1m"'),
    _row("monitors[].service", name, None, "What it is about."),
    _row("monitors[].severity", name, "critical", "The severity label of its alert."),
    _row("monitors[].labels", labels, {}, "More labels of its alert."),
    _row("monitors[].armed", flag, False, "Whether the first beat is expected too.", unit="true or false"),
    *PROBES,

    *LOGS,
    *PROMETHEUS,
    *QUERIES,
    *REMEDIES,

    _row("oidc.issuer", issuer, None, "The identity provider (OpenID Connect) that people may sign in with. Its "
         "redirect address is `/sign-in/oidc/callback` under `public_url`.", unit="URL", env="TOCSIN_OIDC_ISSUER"),
    _row("oidc.client_id", text, None, "What Tocsin is called there.", env="TOCSIN_OIDC_CLIENT_ID"),
    _row("oidc.client_secret", secret, None, "Its secret there.", shown="none: a public client with PKCE",
         env="TOCSIN_OIDC_CLIENT_SECRET", is_secret=True),
    _row("oidc.name", name, "", "What the button says: Sign in with ...", shown="the issuer's host"),
    _row("oidc.scopes", words, ("openid", "profile", "email"), "What is asked for.",
         shown='`["openid", "profile", "email"]`'),
    _row("oidc.groups_claim", text, "groups", "The claim that lists somebody's groups."),
    _row("oidc.roles", roles, {}, 'What groups may: `{ sre = "responder", leads = "administrator" }`; of several, the '
         "highest counts."),
    _row("oidc.teams", labels, {}, "The teams that groups stand for: who signs in so is in the team if they are in the "
         "group, and else is not."),
    _row("oidc.default_role", one_of(*ROLES), None, "The role of who is in none of those groups.",
         shown="none: they cannot sign in"),
    _row("oidc.create", flag, True, "Whether somebody new gets an account at their first sign-in.",
         unit="true or false"),
    _row("oidc.allow_private", flag, True, "Whether the provider may be at a private address.", unit="true or false"),

    _row("audit.signer", text, None, "The command that signs checkpoints of the audit trail: a process with its own "
         "key and memory, best of another user: `sudo -n -u signer python -m tocsin.anchors.signer --home DIR`.",
         unit="command", shown="its own process, the key in `signer/` of the data directory"),
    _row("audit.every", span(30, DAY), 300, "How often a checkpoint is signed and anchored; also when an incident of "
         "the highest severity is closed.", unit="time", shown='"5m"'),
    _row("anchors[].name", name, REQUIRED, "What this place outside is called."),
    _row("anchors[].kind", one_of("directory", "git", "email", "webhook", "timestamp"), REQUIRED, "How checkpoints get "
         "there: files in a mounted directory, a git remote, a message to an auditor, a time stamp (RFC 3161).",
         unit="directory, git, email, webhook or timestamp"),
    _row("anchors[].to", text, REQUIRED, "The directory, the remote, the address, or the time stamp server's URL."),
    _row("evidence.folder", text, None, "Where sealed evidence lies, unless in a bucket.", unit="directory",
         shown="`evidence` in the data directory", env="TOCSIN_EVIDENCE_FOLDER"),
    _row("evidence.key_file", text, None, "The keys that evidence is sealed with; keep it elsewhere than the evidence. "
         "`tocsin evidence rotate-key` adds one.", unit="file", shown="`evidence.keys` in the data directory, made on "
         "first use", env="TOCSIN_EVIDENCE_KEY_FILE"),
    _row("evidence.keys", secret, None, "The keys themselves, instead of the file: `ID KEY`, several with `;` between.",
         env="TOCSIN_EVIDENCE_KEYS", is_secret=True),
    _row("evidence.max_mb", whole(1, 5_000), 2_048, "How large one item may be.", unit="MiB"),
    _row("evidence.keep", span(0, 100 * 366 * DAY), 0, "How long evidence is kept, where neither its kind nor the "
         "severity says otherwise; 0 for good.", unit="time"),
    _row("evidence.keep_kinds", spans("logs", "state", "dump", "archive", "file"), {}, "The same by kind: `{dump = "
         "\"30d\"}`. Of what kind and severity say, the longer counts."),
    _row("evidence.keep_severities", spans(), {}, "The same by severity: `{SEV-0 = \"2600d\"}`."),
    _row("evidence.allow_private", flag, False, "Whether evidence may be fetched from private addresses. Log sources "
         "may be at any address but link-local and cloud metadata ones.", unit="true or false"),
    _row("evidence.s3_endpoint", public_url, None, "Keep evidence in a bucket there instead: anything that speaks S3's "
         "API.", unit="URL", env="TOCSIN_EVIDENCE_S3_ENDPOINT"),
    _row("evidence.s3_bucket", name, None, "The bucket.", env="TOCSIN_EVIDENCE_S3_BUCKET"),
    _row("evidence.s3_region", name, "us-east-1", "Its region.", env="TOCSIN_EVIDENCE_S3_REGION"),
    _row("evidence.s3_prefix", text, "", "What every object's name begins with.", env="TOCSIN_EVIDENCE_S3_PREFIX"),
    _row("evidence.s3_access_key", text, None, "The id of the key.", env="TOCSIN_EVIDENCE_S3_ACCESS_KEY"),
    _row("evidence.s3_secret_key", secret, None, "The key that signs requests.",
         env="TOCSIN_EVIDENCE_S3_SECRET_KEY", is_secret=True),

    _row("log_sources[].name", name, REQUIRED, "What responders call it."),
    _row("log_sources[].url", template_url, REQUIRED, "What is asked, with places for the query and the time: "
         "`{query}`, `{start}` and `{end}` (RFC 3339), `{start_ns}`, `{end_ns}`, `{start_unix}`, `{end_unix}`.",
         unit="URL"),
    _row("log_sources[].token", secret, None, "Goes along as `Authorization: Bearer`.", is_secret=True),
    _row("log_sources[].query", text, "", "What is asked when nobody says anything."),

    _row("status.export", text, None, "A folder in which every public page is kept as files, for a web server that "
         "outlives Tocsin. Private pages are left out.", unit="directory", env="TOCSIN_STATUS_EXPORT"),
    _row("status.export_url", public_url, None, "Where that folder stands on the web; feeds and JSON name it.",
         unit="URL"),
    _row("status.allow_private", flag, False, "Whether providers that are watched may be at private addresses.",
         unit="true or false"),

    _row("tenants[].name", name, REQUIRED, "Another organisation of this installation, by a short name. Its data are "
         "in `tenants/NAME` of the data directory. `default` is the installation's own: it has limits only."),
    _row("tenants[].hosts", words, (), "The names of the web that lead to it. A request that names any other goes to "
         "the installation's own tenant.", unit="host names"),
    _row("tenants[].config", text, None, "Its own configuration: this format, without [server] but for `zone`, and "
         "without [[tenants]]. The environment says nothing about tenants.", unit="file", shown="none"),
    _row("tenants[].guides", words, (), "Its guides, as `--guide` names those of the installation's own tenant.",
         unit="files", shown="the example guides, on its first start"),
    _row("tenants[].public_url", public_url, None, "The address its people open.", unit="URL",
         shown="that of the installation with its first host"),
    _row("tenants[].alerts_per_second", whole(1, 1_000_000), None, "More are answered 503, and senders try again.",
         shown="no limit"),
    _row("tenants[].alerts_burst", whole(1, 10_000_000), None, "So many may come at once after a quiet time.",
         shown="a minute's worth"),
    _row("tenants[].body_kb", whole(1, 16 * 1024), None, "The largest body it may hand in.", unit="KiB",
         shown="16 MiB"),
    _row("tenants[].stored_mb", whole(128, 100_000_000), None, "What it may keep, evidence included. Over it alerts "
         "are answered 503; people can still work.", unit="MiB", shown="no limit"),
    _row("tenants[].streams", whole(1, 1_000), None, "Open event streams: pages that keep themselves up to date.",
         shown="1000"),
    _row("tenants[].people", whole(1, 1_000_000), None, "How many people may be stored.", shown="no limit"),
    _row("tenants[].guides_max", whole(1, 10_000), None, "How many guides may be in force.", shown="no limit"),
    _row("tenants[].messages_per_minute", whole(1, 1_000_000), None, "Over it announcements and hooks wait their turn. "
         "Pages count and never wait.", shown="no limit"),

    _row("access.emergency", span(60, 86_400), 3600, "How long emergency access lasts.", unit="time", shown='"1h"'),
    _row("access.two_persons", some_of(*NAMEABLE), (), "What one person asks for and somebody else approves before it "
         f"is done: {', '.join(NAMEABLE)}. Commands of an incident: `two_persons` of a policy.", shown="nothing"),
    _row("access.approval", span(60, 7 * DAY), 3600, "How long that waits, and an approval counts.", shown='"1h"'),
    _row("access.key_file", text, None, "The keys that secrets of one-time codes are sealed with: lines of `ID KEY`, "
         "the last one seals, all open. Keep it elsewhere than backups of the data directory.", unit="file",
         shown="`identity.keys` in the data directory, made on first use", env="TOCSIN_ACCESS_KEY_FILE"),

    _row("watchdog.person", name, None, "Who is paged when Tocsin itself is late.", env="TOCSIN_WATCHDOG_PERSON"),
    _row("watchdog.late_seconds", span(1, 3600), 30, "How late a stored wake-up may be before that.", unit="time",
         shown='"30s"'),

    _row("intake.journal_retained_mb", whole(16, 1_000_000), 256,
         "How much of the digested journal is kept, to say what became of a payload.", unit="MiB"),
    _row("intake.porch", flag, True, "Whether a process of its own reads what is posted to `/api/v2/alerts`, so that a "
         "storm takes both of two cores. On Linux only; elsewhere the server reads it itself.",
         unit="true or false"),
)  # fmt: skip

BY_NAME: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}


def documentation() -> str:
    """The table as docs/configuration.md shows it, section by section."""
    parts: list[str] = []
    sections = dict.fromkeys(setting.section for setting in SETTINGS)
    for section in sections:
        title = f"[[{section.removesuffix('[]')}]]" if section.endswith("[]") else f"[{section}]"
        parts += [f"### `{title}`", "", "| key | default | environment | what it is |", "|---|---|---|---|"]
        parts += [_documented(setting) for setting in SETTINGS if setting.section == section]
        parts.append("")
    return "\n".join(parts)


def _documented(setting: Setting) -> str:
    key = "any name" if setting.key == "*" else f"`{setting.key}`"
    if setting.is_secret:
        key += f", `{setting.key}_file`"
    filed = f"{setting.env}_FILE" if setting.env and setting.is_secret else ""
    outside = " ".join(f"`{each}`" for each in (setting.env, filed, setting.flag) if each)
    unit = f" ({setting.unit})" if setting.unit else ""
    return f"| {key} | {_default(setting)} | {outside} | {setting.help}{unit} |"


def _default(setting: Setting) -> str:
    if setting.shown:
        return setting.shown if setting.shown[:1] != '"' else f"`{setting.shown}`"
    match setting.default:
        case "(required)":
            return "required"
        case None | "" | () | {}:
            return ""
        case bool():
            return f"`{str(setting.default).lower()}`"
        case str():
            return f'`"{setting.default}"`'
        case _:
            return f"`{setting.default}`"
