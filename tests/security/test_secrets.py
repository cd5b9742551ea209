"""A secret that was told to Tocsin is not told on: not by its log, its answers, its exports or its commands."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.path.harness import World, until
from tests.security.product import Product, echoing, leaks

pytestmark = pytest.mark.slow


def command(product: Product, *words: str) -> str:
    """What a command says on both streams."""
    where = ["--config", "tocsin.toml"] if words[0] == "doctor" else []
    where += ["--data", str(product.tocsin.data)]
    run = subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *words, *where],
        check=False,
        cwd=product.tocsin.folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return run.stdout + run.stderr


def test_no_secret_is_told_on(shop: World) -> None:
    with echoing() as host:
        product = Product(shop, host)
        product.fill()
        incident = product.tocsin.incidents()[0]["id"]
        failed = ("PageFailed", "PersonUnreachable")
        until(lambda: set(failed) & set(product.tocsin.kinds(incident)), 30, what="pages that could not be sent")
        viewer = product.viewer()

        for who, headers in (
            ("viewer", {"Authorization": f"Bearer {viewer}"}),
            ("administrator", {"Authorization": f"Bearer {product.tocsin.token}"}),
            ("browser", {"Cookie": product.session}),
            ("stranger", {}),
        ):
            answers = product.answers(headers)
            assert len(answers) > 30
            found = [each for each in leaks(product.secrets, answers) if who in ("viewer", "stranger") or _hidden(each)]
            assert not found, f"{who}:\n" + "\n".join(sorted(found))
        said = {"doctor": command(product, "doctor")}
        product.tocsin.end()

    said["log"] = "\n".join(product.tocsin.err)
    said |= {"audit": command(product, "audit", "verify")}
    assert "DEBUG" in said["log"] and "attempt 1 by webhook" in said["log"]
    assert leaks(product.secrets, said) == []


def _hidden(leak: str) -> bool:
    """Whoever manages may see where a webhook or a topic is: they typed it. Nobody sees what signs in there."""
    where, _, what = leak.partition(": ")
    return not (
        where.startswith(("/api/people", "/directory"))
        and what.startswith(("Zx9MaRkEr-webhook-path", "Zx9MaRkEr-ntfy-topic"))
    )
