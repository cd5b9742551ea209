"""The server as a process: from `tocsin serve` to the last answer after SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import uvloop
from uvicorn.config import Config as Server

from tocsin.allocator import one_arena
from tocsin.apart import apart
from tocsin.app import App
from tocsin.cleartext import unprotected
from tocsin.core.tenants import Tenant
from tocsin.guidefile import GuideFile, read_guide
from tocsin.http import auth
from tocsin.http.front import Front, listening
from tocsin.porch.keeper import Keeper
from tocsin.redaction import log_to_stderr
from tocsin.senders import addresses
from tocsin.setting.config import Config, visible
from tocsin.store.sqlite import DataInUse
from tocsin.tenants.installation import Installation
from tocsin.unreadable import because

log = logging.getLogger(__name__)

EXAMPLE = Path(__file__).parent / "policies" / "example.yaml"
EXAMPLE_GUIDES = Path(__file__).parent / "example_guides"
WATCH_SECONDS = 5.0  # how often guides on disk are looked at
STOP_SECONDS = 1.5  # for requests that are being answered
FILES_MAX = 65_536  # open files that are asked of the system, where it allows them
FILES_KEPT = 256  # for the store, the journal and what is sent; the rest may be connections


class NotReadable(ValueError):
    """A guide that was named on the command line is not there, or is not for this user."""


def serve(config: Config, files: Sequence[Path]) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    log_to_stderr(config)
    addresses.only(config.outgoing_hosts)
    one_arena()
    try:
        guides = apart(lambda: [_given(path) for path in files]) if files else []
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not files and not config.database.exists():
            guides = apart(_examples)
        if config.listen.port == 0:
            config = _with_free_port(config)
        installation = Installation(config, _guides_of, log_to_stderr)
    except NotReadable as error:
        sys.stderr.write(f"tocsin: {error}\n")
        return 2
    except (OSError, ValueError, DataInUse) as error:
        sys.stderr.write(f"tocsin: {error}\n")
        return 1
    return uvloop.run(_serve(installation, guides, files))


def _given(path: Path) -> GuideFile:
    try:
        return read_guide(path)
    except OSError as error:
        raise NotReadable(because(path, "a guide (.md) or a policy (.yaml, .json)", error)) from None


def _with_free_port(config: Config) -> Config:
    """Port 0 means any: the links in mails and the start's own words need to know which one it is."""
    family = socket.AF_INET6 if ":" in config.listen.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.bind((config.listen.host, 0))
        port = trial.getsockname()[1]
    listen = msgspec.structs.replace(config.listen, port=port)
    asked = config.public_url.endswith(":0")
    public_url = f"{config.public_url.removesuffix(':0')}:{port}" if asked else config.public_url
    return msgspec.structs.replace(config, listen=listen, public_url=public_url)


@cache
def _examples() -> list[GuideFile]:
    return [read_guide(path) for path in (EXAMPLE, *sorted(EXAMPLE_GUIDES.glob("*.md")))]


def _guides_of(tenant: Tenant, app: App) -> Sequence[GuideFile]:
    """The guides that its record names; else, on the first start, the examples: an alert never meets an empty house."""
    if tenant.guides:
        return [read_guide(Path(each)) for each in tenant.guides]
    return _examples() if app.is_empty() else ()


async def _serve(installation: Installation, guides: Sequence[GuideFile], files: Sequence[Path]) -> int:
    app = installation.main
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    if not guides and app.is_empty():
        guides = _examples()
    said = await installation.start(guides)
    sign_in = await _keys(app)
    server = Server(
        installation,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        http="httptools",
        ws="none",
        loop="none",
    )
    front = Front(installation, installation.authorize, server, app.clock)
    front.connections_max = min(front.connections_max, max(_open_files() - FILES_KEPT, 64))
    try:
        sockets = listening(app.config.listen.host, app.config.listen.port)
        keeper = _open_porch(installation, front, sockets) if app.config.porch and sys.platform == "linux" else None
        if keeper is None:
            await front.listen_on(sockets)
    except OSError as error:
        sys.stderr.write(f"tocsin: {app.config.listen.text}: {error.strerror or error}\n")
        await installation.stop()
        return 1
    _greet(app, [*said, *(_findings_of(guide) for guide in guides if guide.findings)], sign_in)
    background = [asyncio.create_task(_watch(app, files))]
    _settle_memory()
    gc.set_threshold(50_000, 20, 100)
    if installation.known:
        background.append(asyncio.create_task(_open(installation)))
    sys.setswitchinterval(0.0001)  # the journal and writer threads get their turn soon (measured in bench/)
    await stopping.wait()
    installation.close_streams()
    await asyncio.gather(front.close(STOP_SECONDS), *([keeper.stop(STOP_SECONDS)] if keeper else []))
    await installation.stop()
    for task in background:  # a tenant that was just starting has started and stopped
        task.cancel()
    return 0


def _open_porch(installation: Installation, front: Front, sockets: Sequence[socket.socket]) -> Keeper:
    app = installation.main
    keeper = Keeper(front, app.door, installation.on_the_porch, app.tenant)
    keeper.start(sockets)
    return keeper


async def _open(installation: Installation) -> None:
    """The other tenants start while the own one serves already."""
    await installation.open(_say)
    _settle_memory()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _settle_memory() -> None:
    """What is alive now lives until the end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


def _open_files() -> int:
    """How many files may be open at once, raised as far as that needs no leave."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES_MAX:
        soft = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return FILES_MAX if soft == resource.RLIM_INFINITY else soft


async def _keys(app: App) -> str | None:
    """The sign-in link of a first start. Before anybody is listened to, the command line has its address and token."""
    address = app.config.data / "cli.url"
    address.touch(mode=0o600)
    address.write_text(f"http://{visible(app.config.listen).text}\n")
    await app.run(lambda store: auth.local_token(store, app.config.data / "cli.token", app.tenant))
    return await app.run(lambda store: auth.first_sign_in(store, app.public_url, app.tenant))


def _greet(app: App, said: Sequence[str], url: str | None) -> None:
    """What whoever started it needs to know: the guides, the address, how to sign in, who needs no token."""
    for line in said:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"listening on {app.config.listen.text}: {app.public_url}\n")
    if app.loopback:
        sys.stdout.write("programs on this machine may use Alertmanager's API, /metrics and /ready without a token\n")
    warning = unprotected(app.config)
    if warning:
        sys.stdout.write(f"{warning}\n")
    if url:
        sys.stdout.write(f"sign in: {url}\n")
    sys.stdout.flush()


def _findings_of(guide: GuideFile) -> str:
    levels = Counter(finding.level for finding in guide.findings)
    counts = ", ".join(f"{levels[level]} {level}s" for level in ("error", "warning", "note") if levels[level])
    return f"guide {guide.name}: {counts}; `tocsin guide lint {guide.file}` shows them"


async def _watch(app: App, files: Sequence[Path]) -> None:
    """A guide that changes on disk while the server runs is compiled, compared and offered."""
    known = {path: _stamp(path) for path in files}
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        changed = [path for path in files if _stamp(path) != known[path]]
        for path in changed:
            known[path] = _stamp(path)
            try:
                guide = await asyncio.to_thread(read_guide, path)
                for line in await app.offer([guide]):
                    log.info("%s", line)
            except (OSError, ValueError) as error:
                log.warning("guide %s changed and cannot be read: %s", path, error)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
