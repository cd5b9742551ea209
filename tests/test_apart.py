"""Work done apart gives what it would have given here, and leaves nothing of itself."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from tocsin.apart import apart

# In a process of its own: the one that runs the tests has other threads.
SCRIPT = """
import os, signal
from tocsin.apart import apart

here = os.getpid()
print(apart(lambda: os.getpid() != here))

def missing():
    raise FileNotFoundError(2, "nothing here", "guide.md")

def killed():
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid() == here

def wrong():
    raise LookupError("a bug")

try:
    apart(missing)
except OSError as error:
    print(error.filename)
print(apart(killed))
try:
    apart(wrong)
except LookupError as error:
    print(error)
"""


def test_what_it_gives_and_what_it_raises_come_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert (done.stdout.split("\n"), done.stderr) == (["True", "guide.md", "True", "a bug", ""], "")


def test_beside_other_threads_it_is_done_here() -> None:
    going = threading.Event()
    thread = threading.Thread(target=going.wait)
    thread.start()
    try:
        assert apart(os.getpid) == os.getpid()
    finally:
        going.set()
        thread.join()
