"""What all tests share: programs and files that may be missing are skipped by name; in CI a missing program fails."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.shared_files import SHARED

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")

LONGEST = (  # a minute or so for one or two tests: no worker is left alone with them at the end
    "tests/http/test_api_openapi.py",
    "tests/path/test_kill.py",
    "tests/tenants/test_two_identities.py",
    "tests/path/test_alertmanager_conformance.py",
    "tests/sim/test_sim.py",
    "tests/tenants/test_isolation.py",
    "tests/test_announcing_kill.py",
)
PROGRAMS = {
    "alertmanager": "prometheus-alertmanager",
    "amtool": "amtool",
    "chromium": "chromium",
    "jq": "jq",
    "prometheus": "prometheus",
}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded while tests are collected stays until the end: the collector need not look at it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    for item in items:
        for marker in item.iter_markers("needs"):
            for name in marker.args:
                if name == "shared":
                    if not SHARED.is_dir():
                        item.add_marker(pytest.mark.skip(reason="needs the shared fixtures beside the checkout"))
                elif shutil.which(PROGRAMS[name]) is None and not os.environ.get("CI"):
                    item.add_marker(pytest.mark.skip(reason=f"needs {name}"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if name != "shared" and shutil.which(PROGRAMS[name]) is None and os.environ.get("CI"):
                pytest.fail(f"needs {name}, and in CI nothing may be missing", pytrace=False)
