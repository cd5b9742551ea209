"""The API's own description: complete, exact, and no request that it allows makes the server fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.http.world import Server
from tocsin.http.api_incidents import COMMANDS


def test_the_description_is_public_and_names_every_command(shared: Server):
    answer = shared.client().get("/api/openapi.json")

    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["paths"].keys() == shared.faces.openapi()["paths"].keys()
    for command in COMMANDS:
        operation = document["paths"][f"/api/incidents/{{incident}}/{command.__struct_config__.tag}"]["post"]
        assert operation["requestBody"]["content"]["application/json"]["schema"]["examples"]
        assert {"200", "400", "401", "403", "404", "409"} <= operation["responses"].keys()


def test_every_operation_says_how_it_fails_and_who_may(shared: Server):
    document = shared.faces.openapi()

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"] and operation["tags"], (method, path)
            if path.startswith("/scim/"):
                assert "application/scim+json" in operation["responses"]["401"]["content"], (method, path)
            elif path != "/health":
                problem = operation["responses"]["401"]["content"]["application/problem+json"]
                assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}, (method, path)


def test_bodies_refuse_unknown_fields_in_the_description_as_in_the_server(shared: Server):
    schemas = shared.faces.openapi()["components"]["schemas"]

    assert schemas["AcknowledgeBody"]["additionalProperties"] is False
    assert schemas["Person"]["additionalProperties"] is False
    assert "by" not in schemas["EscalateBody"]["properties"]
    assert schemas["EscalateBody"]["required"] == ["because"]


def test_commands_without_required_fields_may_come_without_a_body(shared: Server):
    def required(tag: str) -> Any:
        return shared.faces.openapi()["paths"][f"/api/incidents/{{incident}}/{tag}"]["post"]["requestBody"]["required"]

    assert (required("acknowledge"), required("escalate")) == (False, True)


@pytest.mark.slow
def test_nothing_that_schemathesis_sends_makes_the_server_fail(server: Server, tmp_path: Path):
    program = Path(sys.executable).with_name("schemathesis")
    described = tmp_path / "openapi.json"
    described.write_bytes(server.client().get("/api/openapi.json").content)
    server.world.alert("Checkout is slow", key="k")

    run = subprocess.run(
        [
            *(program, "run", described, "--url", server.url, "--seed", "1", "--max-examples", "4", "--no-color"),
            *("--header", f"Authorization: Bearer {server.world.token()}", "--exclude-path-regex", "events$"),
            *("--checks", "not_a_server_error,status_code_conformance,content_type_conformance"),
            *("--checks", "response_schema_conformance", "--phases", "examples,coverage,fuzzing"),
        ],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )

    findings = run.stdout.partition("= FAILURES =")[2] or run.stdout  # before the warnings, which are long
    assert run.returncode == 0, findings[:6000]
