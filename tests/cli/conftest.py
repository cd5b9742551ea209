from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.server import Answering, answering
from tocsin.cli.main import main


class Ran:
    """What a command ended with and printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `tocsin` in an empty directory; what comes back is its exit code and output."""
    monkeypatch.chdir(tmp_path)
    for name in ("TOCSIN_CONFIG", "TOCSIN_DATA", "TOCSIN_TOKEN", "TOCSIN_LISTEN"):
        monkeypatch.delenv(name, raising=False)

    def act(*args: str) -> Ran:
        try:
            main(args)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return act


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    with answering() as told:
        monkeypatch.setenv("TOCSIN_URL", told.url)
        yield told
