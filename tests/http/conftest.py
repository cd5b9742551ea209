"""A server for a test alone, and one that the tests of a module share where what each does touches nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.http.guided import guide
from tests.http.world import Server, World


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    yield from _running(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _running(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def guided(tmp_path: Path) -> Iterator[Server]:
    """One whose guide has something of everything."""
    yield from _running(tmp_path, guide)


def _running(folder: Path, prepare: Callable[[World], None] = lambda _: None) -> Iterator[Server]:
    world = World(folder)
    prepare(world)
    server = Server(world)
    yield server
    server.stop()
    world.close()
