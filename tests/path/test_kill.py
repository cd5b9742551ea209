"""The short form of `make kill`: ten kills under load, and nothing is lost; and the count itself finds what is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.path.kill import Said, Trial, main
from tocsin.core import facts as f

T0 = datetime.fromisoformat("2026-11-23T03:00:00+00:00")


@pytest.mark.slow
def test_ten_kills_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--kills", "10", "--alerts", "1000", "--clients", "4", "--ready-max", "30", "--seed", "10"])

    assert code == 0, capsys.readouterr().out


def opened(number: int, key: str) -> f.Opened:
    return f.Opened(
        at=T0, incident=f"i{number}", reference=f"INC-2026-{number:03}", title="x", guide="kill", policy_digest="0",
        severity="P1", key=key,
    )  # fmt: skip


def attached(series: str, at: datetime) -> f.AlertsAttached:
    return f.AlertsAttached(
        at=at, alerts=(f.AlertName(fingerprint="0", starts_at=at, title=series),), count=1, firing=1
    )


def test_the_count_notices_what_is_lost_doubled_or_open_twice(tmp_path: Path) -> None:
    trial = Trial(tmp_path, kills=0, alerts=0, clients=1, seed=1, rate=0.1)
    later = T0 + timedelta(minutes=1)
    trial.clients[0].said = [
        Said(series="known", starts=T0.isoformat(), fires=True, payload="1"),
        Said(series="lost", starts=T0.isoformat(), fires=True, payload="2"),
        Said(series="known", starts=later.isoformat(), fires=True, payload="3"),
    ]
    histories: dict[str, list[f.AnyFact]] = {
        "i1": [opened(1, "known"), attached("known", T0)],
        "i2": [opened(2, "known"), attached("known", T0)],
        "i4": [opened(4, "other")],
    }

    trial._check_incidents(histories)
    trial.answerer.kept = {"i1"}
    trial._check_acknowledged(histories)
    trial.close()

    assert sorted(line.partition(" since")[0].partition(":")[0] for line in trial.wrong) == [
        "incident i1",
        "known",
        "known",
        "known is open 2 times",
        "lost",
        "references",
    ]
