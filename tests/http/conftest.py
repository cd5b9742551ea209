"""A server for a test alone, and one that the tests of a module share where what each does touches nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.world import Server, World


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    yield from _running(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _running(tmp_path_factory.mktemp("shared"))


def _running(folder: Path) -> Iterator[Server]:
    world = World(folder)
    server = Server(world)
    yield server
    server.stop()
    world.close()
