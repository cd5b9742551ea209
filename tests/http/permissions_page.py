"""docs/permissions.md, made from the table of core/access.py and the routes that the server has.

`python -m tests.http.permissions_page` writes it anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.http.routes_of import Route, routes
from tests.http.world import Server, World
from tocsin.core.access import ASKING, COMMANDING, ROLES, TABLE, action_for, at_least

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
BY_ITSELF = "the description of the API, which everybody may have"

MADE = "## Actions\n"  # from here on the page is made; what stands before is written by hand


def page(found: Iterable[Route]) -> str:
    """The whole page, with what is written by hand as it stands."""
    head = PAGE.read_text("utf-8").partition(MADE)[0]
    return head + "\n".join([*_actions(), *_commands(), *_routes(found)]) + "\n"


def _actions() -> list[str]:
    lines = ["## Actions", "", f"| action | {' | '.join(ROLES)} | also | to |", f"|---|{':-:|' * len(ROLES)}---|---|"]
    for action, rule in sorted(TABLE.items()):
        marks = ["x" if at_least(role, rule.role) else "" for role in ROLES]
        also = [
            *([f"whose it is, from {rule.own}"] if rule.own else []),
            *([f"the {rule.team} of the team, from responder"] if rule.team else []),
            *(["who commands the incident, from responder"] if rule.assigned else []),
        ]
        lines.append(f"| `{action}` | {' | '.join(marks)} | {'; '.join(also)} | {rule.says} |")
    return lines


def _commands() -> list[str]:
    named = ", ".join(f"`{tag}`" for tag in sorted(COMMANDING))
    apart = ", ".join(f"`{tag}` for `{action}`" for tag, action in sorted(ASKING.items()))
    return [
        "",
        "## Commands of an incident",
        "",
        f"{named} ask for `{action_for('waive-promise')}`, {apart}, all others for `{action_for('resolve')}`.",
    ]


def _routes(found: Iterable[Route]) -> list[str]:
    lines = ["", "## Routes", "", "| route | action |", "|---|---|"]
    for route in found:
        actions = ", ".join(f"`{each}`" for each in dict.fromkeys(route.actions))
        lines.append(f"| `{route.method} {route.path}` | {actions or '; '.join(reasons(route))} |")
    return lines


def reasons(route: Route) -> tuple[str, ...]:
    """Why the route asks for nobody; empty: nobody has said."""
    if route.path.startswith("/api/openapi.json"):
        return (BY_ITSELF,)
    return route.open_to


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        server = Server(world)
        PAGE.write_text(page(routes(server)), "utf-8")
        server.stop()
        world.close()


if __name__ == "__main__":
    main()
