from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.path.harness import World, world


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """An empty place for one story: a mail server runs, nothing else yet."""
    with world(tmp_path) as made:
        yield made
