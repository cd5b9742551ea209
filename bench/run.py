"""`make bench`: Tocsin against Alertmanager, in one run, in interleaved rounds on the same machine.

Tocsin is durable (an fsync before the answer), with triage and grouping on, and its clock stops when the last alert is
digested; Alertmanager keeps alerts in memory only. What was not answered, or with anything but 2xx, counts as failure,
and a measurement with a failure is not printed but raised. Figures are medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paging import pages_on_the_wire
from bench.statuspage import BYTES_MAX, PER_CORE, shown, status_page
from bench.systems import Alertmanager, Failed, System, Tocsin
from bench.wakes import wake_lateness

HERE = Path(__file__).parent
CONNECTIONS = 64
REFRESHED = 6_400  # fingerprints that are sent again and again
SCENARIOS = {
    "1 new alert/request": {"BATCH": 1, "KEYS": 0},
    "64 new alerts/request": {"BATCH": 64, "KEYS": 0},
    "64 refreshed alerts/request": {"BATCH": 64, "KEYS": REFRESHED},
}
WANTED = {"1 new alert/request": 1.5, "64 new alerts/request": 2.0, "64 refreshed alerts/request": 3.0}

Make = Callable[[Path], System]


def wrk(system: System, seconds: int, run: str, **environment: int) -> dict[str, Any]:
    """What wrk saw. Raises Failed for anything that was not answered with 2xx, and for no answer at all."""
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            "--timeout=10s",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "-s",
            str(HERE / "post.lua"),
            f"http://127.0.0.1:{system.port}",
        ],
        env={**os.environ, "RUN": run, "STARTS": _utc(0), "ENDS": _utc(3600)}
        | {k: str(v) for k, v in environment.items()},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.partition("RESULT ")[2].splitlines()[0])
    if not found["requests"]:
        raise Failed(f"{system.name}: not one request was answered")
    if found["non2xx"] or found["errors"]:
        raise Failed(f"{system.name}: {found['non2xx']} answers were not 2xx, {found['errors']} did not come")
    return found


def throughput(make: Make, scenario: str, seconds: int, directory: Path) -> dict[str, float]:
    system = make(directory)
    try:
        shape = SCENARIOS[scenario]
        if shape["KEYS"]:
            wrk(system, 1, "r", **shape)
            system.wait_digested()
        cpu, began = system.cpu_seconds(), time.monotonic()
        seen = wrk(system, seconds, "r", **shape)
        system.wait_digested()
        took = time.monotonic() - began
        cpu = system.cpu_seconds() - cpu
        system.must_hold("host-r-100:9100")  # wrk asks the script for one request that it does not send
        alerts = seen["requests"] * shape["BATCH"]
        return {
            "alerts/s": alerts / took,
            "cpu us/alert": cpu / alerts * 1e6,
            "p50 ms": seen["p50_us"] / 1e3,
            "p99 ms": seen["p99_us"] / 1e3,
        }
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


def open_loop(make: Make, rate: float, seconds: float, directory: Path) -> dict[str, float]:
    system = make(directory)
    try:
        command = [sys.executable, str(HERE / "openloop.py"), f"--port={system.port}", f"--rate={rate}"]
        subprocess.run([*command, "--seconds=1", "--run=warm"], capture_output=True, check=True)
        done = subprocess.run([*command, f"--seconds={seconds}"], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        if found["bad"] or found["missing"]:
            raise Failed(
                f"{system.name}: of {found['sent']}, {found['bad']} were not 200, {found['missing']} never came"
            )
        return {"p50 ms": found["p50"], "p99 ms": found["p99"]}
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


def memory(make: Make, directory: Path, alerts: int, wait: float) -> dict[str, float]:
    system = make(directory)
    try:
        for start in range(0, alerts, 500):
            system.post([_alert(number) for number in range(start, min(start + 500, alerts))])
        system.wait_digested()
        loaded = system.rss_mb()
        time.sleep(wait)
        return {"RSS MB just loaded": loaded, f"RSS MB {wait:g} s later": system.rss_mb()}
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _alert(number: int) -> dict[str, Any]:
    return {
        "labels": {
            "alertname": f"Bench{number % 100}",
            "cluster": "eu-1",
            "instance": f"host-{number}:9100",
            "job": "node",
            "namespace": "shop",
            "service": "checkout",
            "severity": "warning",
        },
        "annotations": {
            "description": "The error rate of the service has been above its objective for ten minutes",
            "runbook_url": "https://runbooks.example.org/errors",
            "summary": "Error rate is high",
        },
        "startsAt": _utc(-60),
        "endsAt": _utc(3600),
        "generatorURL": "http://prometheus.example.org:9090/graph?g0.expr=up",
    }


def _utc(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- the report -------------------------------------------------------------------------------------------------------


def compare(name: str, ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> dict[str, Any]:
    """Medians side by side; ratios are ours / theirs, of the medians."""
    print(f"\n{name}")
    rows: dict[str, Any] = {}
    for figure in ours[0]:
        mine, other = (statistics.median(each[figure] for each in some) for some in (ours, theirs))
        low, high = min(each[figure] for each in ours), max(each[figure] for each in ours)
        rows[figure] = {"tocsin": mine, "alertmanager": other, "ratio": mine / other if other else None}
        ratio = f"{mine / other:6.2f}x" if other else ""
        print(f"  {figure:22} tocsin {mine:12,.1f} ({low:,.1f} to {high:,.1f})   alertmanager {other:12,.1f}   {ratio}")
    return rows


def judge(name: str, ratio: float, bound: float, *, at_least: bool) -> bool:
    kept = ratio >= bound if at_least else ratio <= bound
    print(f"  {'reached' if kept else 'MISSED '}  {name}: {ratio:.2f}, wanted {'>=' if at_least else '<='} {bound:g}")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of load per scenario, system and round")
    parser.add_argument(
        "--only", choices=["throughput", "latency", "memory", "pages", "wakes", "status"], action="append"
    )
    parser.add_argument("--rss-wait", type=float, default=60)
    parser.add_argument("--json", type=Path, help="write all figures here, too")
    given = parser.parse_args()
    parts = given.only or ["throughput", "latency", "memory", "pages", "wakes", "status"]
    for program in ("wrk", "prometheus-alertmanager"):
        if shutil.which(program) is None:
            sys.stderr.write(f"bench: {program} is not installed (Debian packages wrk, prometheus-alertmanager)\n")
            return 2
    print(f"{Tocsin.version()}  against  {Alertmanager.version()}")
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; {given.rounds} interleaved rounds "
        f"of {given.seconds:g} s"
    )
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as scratch:
        report, kept = _measure(given, parts, Path(scratch))
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\nload {os.getloadavg()[0]:.1f} after; {'all bounds reached' if kept else 'NOT all bounds reached'}")
    return 0 if kept else 1


def _measure(given: argparse.Namespace, parts: list[str], scratch: Path) -> tuple[dict[str, Any], bool]:
    report: dict[str, Any] = {"versions": [Tocsin.version(), Alertmanager.version()]}
    verdicts: list[bool] = []
    makers: dict[str, Make] = {"tocsin": Tocsin, "alertmanager": Alertmanager}
    saturation = 0.0
    if "throughput" in parts:
        found: dict[str, dict[str, list[dict[str, float]]]] = {name: {m: [] for m in makers} for name in SCENARIOS}
        for number in range(given.rounds):
            for name in SCENARIOS:
                for maker, make in makers.items():
                    found[name][maker].append(throughput(make, name, given.seconds, scratch / f"{maker}-{number}"))
        for name, both in found.items():
            rows = report[name] = compare(f"{name}, {CONNECTIONS} connections", both["tocsin"], both["alertmanager"])
            verdicts.append(judge("alerts/s", rows["alerts/s"]["ratio"], WANTED[name], at_least=True))
            verdicts.append(judge("CPU per alert", rows["cpu us/alert"]["ratio"], 0.8, at_least=False))
        saturation = report["1 new alert/request"]["alerts/s"]["alertmanager"]
    if "latency" in parts:
        saturation = (
            saturation or throughput(Alertmanager, "1 new alert/request", given.seconds, scratch / "s")["alerts/s"]
        )
        rate = saturation / 2
        spans: dict[str, list[dict[str, float]]] = {maker: [] for maker in makers}
        for number in range(given.rounds):
            for maker, make in makers.items():
                spans[maker].append(open_loop(make, rate, given.seconds, scratch / f"o{maker}-{number}"))
        rows = report["open loop"] = compare(
            f"open loop, {rate:,.0f} requests/s", spans["tocsin"], spans["alertmanager"]
        )
        verdicts.append(judge("p99", rows["p99 ms"]["ratio"], 2.0, at_least=False))
    if "memory" in parts:
        both = {maker: [memory(make, scratch / f"m{maker}", 100_000, given.rss_wait)] for maker, make in makers.items()}
        rows = report["memory"] = compare("100,000 active alerts in 100 groups", both["tocsin"], both["alertmanager"])
        verdicts.append(judge("RSS", rows[f"RSS MB {given.rss_wait:g} s later"]["ratio"], 0.5, at_least=False))
    if "pages" in parts:
        figures = report["pages"] = pages_on_the_wire(scratch / "pages")
        print(f"\npage on the wire, 200 alerts/s of which 1/s opens an incident for a distinct person\n  {figures}")
        verdicts.append(judge("p99 ms", figures["p99 ms"], 250, at_least=False))
    if "wakes" in parts:
        figures = report["wakes"] = wake_lateness(scratch / "wakes")
        print(f"\nwake-ups: 100,000 pending, 200/s due\n  {figures}")
        verdicts.append(judge("p99 ms", figures["p99 ms"], 1_000, at_least=False))
    if "status" in parts:
        verdicts += _judge_status(report, scratch, given.seconds)
    return report, all(verdicts)


def _judge_status(report: dict[str, Any], scratch: Path, seconds: float) -> list[bool]:
    figures = report["status"] = status_page(scratch / "status", seconds)
    print(f"\npublic status page, from memory\n{shown(figures)}")
    return [
        judge("us of CPU per request", figures["status us of CPU"], 1e6 / PER_CORE, at_least=False),
        judge("us of CPU per summary.json", figures["summary.json us of CPU"], 1e6 / PER_CORE, at_least=False),
        judge(
            "bytes of a first visit, not compressed", figures["first visit, plain, bytes"], BYTES_MAX, at_least=False
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
