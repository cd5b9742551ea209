"""The command line. Only the module of the command that was typed is imported, so that it starts quickly."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("tocsin.cli.serve:serve", "Start the server."),
    "incident": ("tocsin.cli.incident:app", "Declare, list, show and work on incidents."),
    "alert": ("tocsin.cli.alertmanager:alert_app", "Query, add and explain alerts."),
    "silence": ("tocsin.cli.alertmanager:silence_app", "Query, add, update, import and expire silences."),
    "status": ("tocsin.cli.status:status", "The public status pages: tell the public, export."),
    "component": ("tocsin.cli.status:component", "Components of public pages, and how they are."),
    "maintenance": ("tocsin.cli.operations:maintenance", "Plan windows in which alerts page nobody."),
    "payload": ("tocsin.cli.operations:payload", "What became of what was handed in."),
    "guide": ("tocsin.cli.guide:app", "Compile, lint and compare guides."),
    "dashboard": ("tocsin.cli.dashboard:app", "The incident dashboard of the guides, for Grafana."),
    "runbook": ("tocsin.cli.runbook:app", "The runbooks of the guides in force: steps and commands."),
    "oncall": ("tocsin.cli.oncall:app", "Say who is on call, and check schedules in files."),
    "policy": ("tocsin.cli.policy:app", "Check policy files."),
    "rehearse": ("tocsin.cli.rehearse:rehearse", "Say what a guide would do, minute by minute."),
    "replay": ("tocsin.cli.replay:replay_", "Run recorded incidents through another policy."),
    "action": ("tocsin.cli.action:app", "What incidents taught: action items, and what of them is overdue."),
    "duty": ("tocsin.cli.duty:app", "The upkeep that guides ask for, and that it was done."),
    "regulatory": ("tocsin.cli.regulatory:app", "The clocks that laws and contracts start."),
    "person": ("tocsin.cli.directory:person", "People: who can be reached, and how."),
    "team": ("tocsin.cli.directory:team", "Teams."),
    "service": ("tocsin.cli.directory:service", "Services, their owners and dependencies."),
    "binding": ("tocsin.cli.directory:binding", "What a guide's words for somebody mean."),
    "audience": ("tocsin.cli.saying:audience", "Who is told of incidents, on which channels, and who releases it."),
    "template": ("tocsin.cli.saying:template", "Templates of your own for what audiences are told."),
    "hook": ("tocsin.cli.hook:app", "Programs that are told of incidents, and what they were told."),
    "source": ("tocsin.cli.access:source", "Who may hand in alerts."),
    "account": ("tocsin.cli.account:account", "Who can sign in, and how."),
    "session": ("tocsin.cli.account:session", "Who is signed in, and where."),
    "access": ("tocsin.cli.emergency:access", "Emergency access, and what waits for a second person."),
    "token": ("tocsin.cli.access:token", "Tokens of people and programs, sign-in links."),
    "channel": ("tocsin.cli.channel:app", "Chats and trackers: check them, test them, say who is who."),
    "readiness": ("tocsin.cli.readiness:readiness", "Say who could not be reached tonight."),
    "tenant": ("tocsin.cli.tenant:app", "Organisations that share this installation."),
    "detect": ("tocsin.cli.detect:app", "Look at code for the ways in which it fails."),
    "logs": ("tocsin.cli.logs:app", "Search logs by hand, and count what recurs in them."),
    "probe": ("tocsin.cli.probe:app", "What Tocsin looks at by itself: list, look once."),
    "evidence": ("tocsin.cli.evidence:app", "Keep evidence, hold it, export it as a sealed bundle."),
    "run": ("tocsin.cli.evidence:run", "Run a command and keep what it says as evidence."),
    "audit": ("tocsin.cli.audit:app", "Verify, export and read the audit trail."),
    "doctor": ("tocsin.cli.doctor:doctor", "Say what would keep a page from being sent."),
    "backup": ("tocsin.cli.backup:backup", "Copy the data directory while the server runs."),
    "restore": ("tocsin.cli.backup:restore", "Make a data directory from a backup."),
}
"""Name -> (module:attribute, help). The attribute is a `typer.Typer` (a group) or a function (a command)."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run `tocsin` and exit: 0 fine, 1 findings or failure, 2 usage, 3 no match, 4 could not decide."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args[:1] in (["--version"], ["version"]):
        version = import_module("importlib.metadata").version("tocsin")  # a fifth of what a command takes to start
        sys.stdout.write(f"tocsin {version}\n")
        return
    try:
        code = import_module("tocsin.cli.run").run(args, COMMANDS)
        sys.stdout.flush()
    except BrokenPipeError:  # `tocsin incident list | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = 130
    sys.exit(_exit_code(code))


def _exit_code(code: Any) -> int:
    return code if isinstance(code, int) else 0
