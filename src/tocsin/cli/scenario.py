"""A scenario file rehearsed: `tocsin rehearse scenario.yaml`. Loaded for scenarios only; most rehearsals are none."""

from __future__ import annotations

from pathlib import Path

from tocsin.cli.output import FAILURE, USAGE, Stop, fail
from tocsin.cli.rehearse import Form, show
from tocsin.core.people import Directory
from tocsin.core.policy import BusinessHours
from tocsin.rehearsal.acting import rehearse_scenario
from tocsin.rehearsal.expectations import check
from tocsin.rehearsal.scenario import ScenarioError, read_scenario
from tocsin.rehearsal.staging import read_policy
from tocsin.unreadable import because


def scenario(file: Path, text: str, directory: Directory, form: Form, hours: BusinessHours | None = None) -> None:
    """The scenario has been played and its expectations checked; exits 1 when one of them fails."""
    try:
        scenario = read_scenario(text, str(file))
    except ScenarioError as error:
        fail(str(error), USAGE)
    policy_file = file.parent / scenario.guide
    try:
        policy = read_policy(policy_file, hours)
    except OSError as error:
        fail(f"{file}:{scenario.guide_line}: guide: {because(policy_file, 'a guide or a policy', error)}", USAGE)
    except ValueError as error:
        fail(f"{file}:{scenario.guide_line}: guide: {error}", USAGE)
    try:
        rehearsed = rehearse_scenario(scenario, policy, directory)
        checked = check(scenario.expectations, rehearsed.played, scenario.zone, str(file))
    except ValueError as error:
        fail(str(error), USAGE)
    show(rehearsed, form, scenario.zone.key, checked)
    refused = [each for each in rehearsed.played.events if each.kind == "refused"]
    if refused:
        fail("\n".join(f"{file}:{each.line}: {each.text}" for each in refused), FAILURE)
    if not all(each.passed for each in checked):
        raise Stop(code=FAILURE)
