"""The installation: its own tenant, and one `App` for each other, with a directory, a database and keys of its own.

A request belongs to the tenant whose host it names; no route, id or token leads from one to another, because nothing
of another is there. A host that nobody has is the installation's own, as it is where there is one tenant only.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from tocsin import acting
from tocsin.app import App
from tocsin.core.tenants import TENANT, Limits, Tenant, check_hosts, check_limits, check_tenant, host_of
from tocsin.guidefile import GuideFile
from tocsin.http import auth
from tocsin.http.asgi import Receive, Scope, Send, answer, as_json, overloaded
from tocsin.http.sources import ANY_KIND, Source
from tocsin.http.tenancy import Standing
from tocsin.intake.outcome import Outcome, refusal
from tocsin.ports import Store
from tocsin.setting.config import Config, of_tenant
from tocsin.setting.tenants import same
from tocsin.store.migrate import SchemaError
from tocsin.store.sqlite import DataInUse
from tocsin.tenants.turnstile import Turn, Turnstile

log = logging.getLogger(__name__)

TENANTS = "tenants"  # in the data directory
HOST_FILE = "host"  # in the tenant's directory, for the command line on this machine
REMOVED = ".removed-tenants"  # where a backup does not look
RETRY_AFTER_SECONDS = 30  # for who sends to a tenant that does not run
CANNOT_START = (OSError, ValueError, DataInUse, SchemaError, sqlite3.Error)
CLOSED = refusal(503, "this organisation is suspended: nothing was stored, try again later", RETRY_AFTER_SECONDS)


class Installation:
    """The ASGI application, and the door of the bare protocol. `start` before the first request."""

    def __init__(
        self,
        config: Config,
        guides_of: Callable[[Tenant, App], Sequence[GuideFile]],
        hear: Callable[[Config, Sequence[Config]], None] = lambda main, others: None,
    ) -> None:
        """`guides_of`: what a tenant is furnished with. `hear`: is told of every configuration that is in use, before
        anything of it can be logged. Raises what `App` raises."""
        self._hear = hear
        self._turnstile = Turnstile()
        self.main = App(config, turn=Turn(self._turnstile))
        self.main.tenants = self
        self._guides_of = guides_of
        self.known: dict[str, Tenant] = {}
        self.running: dict[str, App] = {self.main.tenant: self.main}
        self.failed: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._changing = asyncio.Lock()

    # --- starting and stopping ----------------------------------------------------------------------------------------

    async def start(self, guides: Sequence[GuideFile]) -> list[str]:
        """The own tenant runs, and the others are known: who sends to them is asked to come back until `open`."""
        said = await self.main.start(guides)
        self.known = await self.main.run(self._registered)
        self._point()
        self.failed = {each.name: "it is starting" for each in self.known.values() if each.state == "active"}
        return said

    async def open(self, say: Callable[[str], None]) -> None:
        """Everybody runs who can; `say` hears what there is to say, in sentences. One who cannot start stops nobody."""
        for name in list(self.failed):
            async with self._changing:
                tenant = self.known.get(name)
                if tenant is not None and tenant.state == "active" and name not in self.running:
                    for line in await self._begin(tenant):
                        say(line)

    def _registered(self, store: Store) -> dict[str, Tenant]:
        """Every tenant by name, the file's written into the store. The file wins."""
        own = self.main.tenant
        stored = {name: msgspec.json.decode(body, type=Tenant) for name, body in store.items(own, TENANT)}
        said = {each.name: each for each in self.main.config.tenants}
        for name, before in stored.items():
            if name not in said and not before.managed:
                store.delete(own, TENANT, name)
        found = {name: each for name, each in stored.items() if name not in said and each.managed}
        for name, told in said.items():
            known = stored.get(name)
            if known is None or not same(known, told):
                at = known.created_at if known else store.now()
                known = msgspec.structs.replace(told, created_at=at, state=known.state if known else "active")
                store.put(own, TENANT, name, msgspec.json.encode(known))
            found[name] = known
        return found

    async def stop(self) -> None:
        """Everybody has stopped, side by side; the own tenant last."""
        await self._changing.acquire()  # whoever is just starting has started, and nobody does after that
        others = [app for name, app in self.running.items() if app is not self.main]
        await asyncio.gather(*(app.stop() for app in others))
        await self.main.stop()

    def close_streams(self) -> None:
        for app in self.running.values():
            app.faces.close()

    async def _begin(self, tenant: Tenant) -> list[str]:
        """The tenant runs, or `failed` says why not."""
        self.failed.pop(tenant.name, None)
        app: App | None = None
        try:
            config = of_tenant(tenant, self.main.config)
            self._hear(self.main.config, [*(each.config for each in self.running.values()), config])
            config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            (config.data / HOST_FILE).write_text(tenant.hosts[0] + "\n")
            with acting.working_for(tenant.name):
                app = App(config, tenant=tenant.name, turn=Turn(self._turnstile))
                said = await app.start(await asyncio.to_thread(self._guides_of, tenant, app))
            await app.run(lambda store: auth.local_token(store, config.data / "cli.token", tenant.name))
            link = await app.run(lambda store: auth.first_sign_in(store, config.public_url, tenant.name))
        except CANNOT_START as error:
            log.error("tenant %s does not start: %s", tenant.name, error)
            self.failed[tenant.name] = f"it does not start: {error}"
            if app is not None:
                app.store.close()
            return [f"tenant {tenant.name}: does not start: {error}"]
        self.running[tenant.name] = app
        said.append(f"at {config.public_url}" + (f", sign in at {link}" if link else ""))
        return [f"tenant {tenant.name}: {each}" for each in said]

    async def _end(self, name: str) -> None:
        app = self.running.pop(name, None)
        if app is not None:
            app.faces.close()
            await app.stop()

    def _point(self) -> None:
        self._hosts = {host: tenant.name for tenant in self.known.values() for host in tenant.hosts}

    # --- requests -----------------------------------------------------------------------------------------------------

    def tenant_at(self, host: str) -> str:
        """Whose host it is."""
        return self._hosts.get(host_of(host), self.main.tenant) if self._hosts else self.main.tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = {value for name, value in scope.get("headers", ()) if name == b"host"}
        if len(hosts) > 1:  # whoever reads the other one would answer for another tenant
            await answer(send, as_json({"code": 400, "message": "host: expected one, got several"}, 400))
            return
        app = self.running.get(self.tenant_at(hosts.pop().decode("latin-1") if hosts else ""))
        if app is None:
            await answer(send, overloaded("this organisation is suspended, try again later", RETRY_AFTER_SECONDS))
            return
        acting.belongs_to(app.tenant)
        await app(scope, receive, send)

    def authorize(self, headers: Mapping[str, str]) -> Source | None:
        """The source that a post to `/api/v2/alerts` speaks for, at the tenant whose host it names."""
        name = self.tenant_at(headers.get("host", ""))
        app = self.running.get(name)
        if app is None:  # not 401: a sender gives up after that, and this one is to come back
            return Source(name="", kind=ANY_KIND, token_sha256="", tenant=name)
        return app.authorize(headers)

    def on_the_porch(self, headers: Mapping[str, str]) -> str | None:
        """The source that a post to `/api/v2/alerts` speaks for, where nothing else about it has to be asked: at the
        installation's own tenant, without limits."""
        main, source = self.main, self.authorize(headers)
        return source.name if source and source.tenant == main.tenant and not main.quota.limited else None

    def post(self, tenant: str, source: str, body: bytes, tell: Callable[[Outcome], None]) -> None:
        """As `AlertsDoor.post`, of the tenant's own door."""
        app = self.running.get(tenant)
        if app is None:
            tell(CLOSED)
            return
        if acting.works_for(tenant):
            app.door.post(tenant, source, body, tell)
            return
        with acting.working_for(tenant):  # the connection's next request may be another tenant's
            app.door.post(tenant, source, body, tell)

    # --- looking after tenants (http.tenancy.Tenancy) -----------------------------------------------------------------

    def standings(self) -> list[Standing]:
        return [self._standing(each) for _, each in sorted(self.known.items())]

    def _standing(self, tenant: Tenant) -> Standing:
        app = self.running.get(tenant.name)
        if app is None:
            why = self.failed.get(tenant.name)
            return Standing(tenant=tenant, running=False, reasons=(why,) if why else ())
        health = app.health()
        return Standing(
            tenant=tenant,
            running=True,
            reasons=health.reasons,
            figures=health.figures,
            met=app.quota.met,
            stored_bytes=app.quota.stored_bytes,
        )

    async def create(self, tenant: Tenant) -> str | None:
        async with self._changing:
            if tenant.name in self.known or tenant.name == self.main.tenant:
                raise ValueError(f"name: expected a name of its own, got {tenant.name}")
            check_tenant(tenant, self.known)
            if (self.main.config.data / TENANTS / tenant.name).exists():
                raise ValueError(f"name: expected one without data from before, got {tenant.name}")
            await self._keep(tenant)
            await self._begin(tenant)
            if tenant.name in self.failed:
                raise ValueError(f"name: {self.failed[tenant.name]}")
            return await self._link(tenant.name)

    async def change(self, name: str, *, hosts: tuple[str, ...] | None, limits: Limits | None) -> Tenant:
        async with self._changing:
            before = self._mine(name)
            tenant = msgspec.structs.replace(
                before,
                hosts=before.hosts if hosts is None else hosts,
                limits=before.limits if limits is None else limits,
            )
            check_hosts(tenant, self.known)
            check_limits(tenant.limits)
            await self._keep(tenant)
            app = self.running.get(name)
            if app is not None and tenant.hosts[0] != before.hosts[0]:  # its address stands in every message
                await self._end(name)
                await self._begin(tenant)
            elif app is not None:
                app.quota.set(tenant.limits)
            return tenant

    async def suspend(self, name: str) -> Tenant:
        """Also one that the file names: what must stop at once cannot wait for a restart."""
        async with self._changing:
            tenant = msgspec.structs.replace(self.known[name], state="suspended")
            await self._keep(tenant)
            await self._end(name)
            return tenant

    async def resume(self, name: str) -> Tenant:
        async with self._changing:
            tenant = msgspec.structs.replace(self.known[name], state="active")
            await self._keep(tenant)
            if name not in self.running:
                await self._begin(tenant)
            return tenant

    async def remove(self, name: str) -> str:
        async with self._changing:
            tenant = self._mine(name)
            if tenant.state != "suspended":
                raise PermissionError(f"tenant {name} runs; suspend it first")
            del self.known[name]
            self.failed.pop(name, None)
            self._point()
            await self.main.run(lambda store: store.delete(self.main.tenant, TENANT, name))
            return str(await asyncio.to_thread(_put_aside, self.main.config.data, name, self.main.clock.now()))

    async def sign_in(self, name: str) -> str:
        self.known[name]
        if name not in self.running:
            raise PermissionError(f"tenant {name} does not run")
        await self.main.run(lambda store: store.put(self.main.tenant, "tenant-sign-in", name, b"{}"))
        return await self._link(name)

    async def _link(self, name: str) -> str:
        app = self.running[name]
        acting.speaks_for(f"{acting.actor()} of the installation")  # in the tenant's own record
        return await app.run(lambda store: auth.sign_in_link(store, app.public_url, "admin", "owner", name))

    def _mine(self, name: str) -> Tenant:
        tenant = self.known[name]
        if not tenant.managed:
            raise PermissionError(f"tenant {name} stands in the configuration file; change it there")
        return tenant

    async def _keep(self, tenant: Tenant) -> None:
        body = msgspec.json.encode(tenant)
        await self.main.run(lambda store: store.put(self.main.tenant, TENANT, tenant.name, body))
        self.known[tenant.name] = tenant
        self._point()


def _put_aside(data: Path, name: str, at: datetime) -> Path:
    aside = data / REMOVED / f"{name}-{at:%Y%m%dT%H%M%S}"
    aside.parent.mkdir(mode=0o700, exist_ok=True)
    here = data / TENANTS / name
    if here.exists():
        here.rename(aside)
    return aside
