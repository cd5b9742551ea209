"""Planted bugs of the porch and of what it packs. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

LINES = "tests/porch/test_lines.py"
FRONT = "tests/http/test_front.py"
KEEPER = "tests/porch/test_keeper.py"
PACKED = "tests/intake/test_packed.py"

PORCH: tuple[Mutant, ...] = (
    _bug(
        "porch: what is not ordinary is handed in all the same",
        "intake/packed.py",
        "if not (texts and is_ordinary(texts[n], wire, labels, escaped=escaped)):",
        "if not texts:",
        PACKED,
    ),
    _bug(
        "porch: what is new counts as checked before",
        "intake/packed.py",
        "if known[key & LAST_KNOWN] != key:",
        "if not known[key & LAST_KNOWN]:",
        PACKED,
    ),
    _bug(
        "digest: a label that does not decide makes a kind",
        "digest/kinds.py",
        "        names = sorted(deciding)\n",
        '        names = sorted({*deciding, "instance"})\n',
        "tests/test_kinds.py",
    ),
    _bug(
        "porch: an unreadable instant is none",
        "intake/packed.py",
        "            if at is None and not is_absent(text):\n                return None\n",
        "",
        PACKED,
    ),
    _bug(
        "porch: an alert that ends before it starts is handed in",
        "intake/packed.py",
        " or starts > ends > 0:\n",
        ":\n",
        PACKED,
    ),
    _bug(
        "porch: an alert without an end has none",
        "intake/packed.py",
        "ends = given or received_us + resolve_timeout_us",
        "ends = given or received_us * 2",
        PACKED,
    ),
    _bug(
        "porch: what was said of a head long ago still counts",
        "porch/lines.py",
        "        if self._now - seen.asked_at < STALE_SECONDS:\n            return True\n",
        "        if seen.asked_at:\n            return True\n",
        LINES,
    ),
    _bug(
        "porch: a head is asked about once for ever",
        "porch/lines.py",
        "FRESH_SECONDS = 1 ",
        "FRESH_SECONDS = 3_600 ",
        LINES,
    ),
    _bug(
        "porch: what it may not take it takes",
        "porch/lines.py",
        "        elif seen.source is None:\n            self._hand_over(line, data)\n        else:",
        "        else:",
        LINES,
    ),
    _bug(
        "porch: what came behind a request is forgotten with a hand-over",
        "porch/lines.py",
        "        if rows is None:\n            self._hand_over(line, data)",
        "        if rows is None:\n            self._hand_over(line, data[:end])",
        FRONT,
    ),
    _bug(
        "porch: every turn is a write of its own",
        "porch/lines.py",
        "if self._came and len(self._tickets) < TICKETS_MAX:",
        "if self._came:",
        LINES,
    ),
    _bug(
        "porch: a full disk is a 200",
        "porch/keeper.py",
        "NO_DISK if full else 0",
        "0",
        FRONT,
    ),
    _bug(
        "porch: one that ends is missed by nobody",
        "porch/keeper.py",
        "            self._loop.call_soon_threadsafe(self._ended, porch)\n",
        "            pass\n",
        KEEPER,
    ),
    _bug(
        "porch: it is started again for ever",
        "porch/keeper.py",
        "if self._ends < ENDS_MAX:",
        "if self._ends:",
        KEEPER,
    ),
    _bug(
        "digest: small bites may take all the time",
        "digest/pace.py",
        " and self._debt < DEBT_SECONDS",
        "",
        "tests/test_pace.py",
    ),
    _bug(
        "apart: what was raised there is swallowed",
        "apart.py",
        "    if error is not None:\n        raise error\n",
        "",
        "tests/test_apart.py",
    ),
)
