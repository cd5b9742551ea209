"""The Python files of a directory that somebody wrote and runs: no copies of others, nothing generated, no tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

FILES_MAX = 20_000
FILE_BYTES_MAX = 2 * 1024 * 1024
NOT_OURS = frozenset(
    {"node_modules", "__pycache__", "site-packages", "dist-packages", "venv", "env", "build", "dist", "vendor"}
)
TESTS = frozenset({"tests", "test", "testing"})


def sources(root: Path, *, tests: bool = False) -> Iterator[Path]:
    """The files in the order of their names, at most `FILES_MAX`; a file that is named itself is always one.

    Links to directories are not followed. `tests`: tests too.
    """
    if root.is_file():
        yield root
        return
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in NOT_OURS and not name.startswith(".") and (tests or name not in TESTS)
        )
        for name in sorted(files):
            if name.endswith(".py") and (tests or not _is_test(name)):
                count += 1
                if count > FILES_MAX:
                    return
                yield Path(folder, name)


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
