"""A gateway whose people have roles, for tests of the administration API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2
from sqlalchemy import select

from display_server.broker.api_tokens import ApiTokens
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.groups import Groups
from display_server.broker.people.role_assignments import RoleAssignments
from display_server.broker.roles import Assignment, Role, ScopeKind
from display_server.broker.scopes import FOR_PEOPLE, Scope
from display_server.broker.store import Store
from display_server.broker.tables import Account
from display_server.desktop.pool_settings import PoolSettings
from tests.fakes.gateway import GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher

#: People besides kim and lee, with their roles. lee belongs to `ward-3`, which `wards` contains.
ROLES: dict[str, tuple[Assignment, ...]] = {
    "park": (Assignment(Role.ADMINISTRATOR),),
    "choi": (Assignment(Role.AUDITOR),),
    "hana": (Assignment(Role.HELPDESK),),
    "yoon": (Assignment(Role.HELPDESK, ScopeKind.GROUP, "wards"),),
    "jung": (Assignment(Role.HELPDESK, ScopeKind.DESKTOP, "ward"),),
    "kim": (),
}
#: Whose objects acts are about, besides one's own: of the group, of nobody's group, and an administrator.
INSIDE, OUTSIDE, PRIVILEGED = "lee", "shin", "ahn"
POOL = DesktopDefinition("ward", "Ward", "blank", 1280, 720, ("*",), pool=PoolSettings(maximum=2))
OFFICE = DesktopDefinition("office", "Office", "office", 1280, 720, ("*",))


@dataclass
class Administration:
    """The gateway, and a token with every scope for each person in ROLES."""

    gateway: GatewayUnderTest
    tokens: dict[str, str] = field(default_factory=dict)
    _asking: httpx2.AsyncClient | None = None

    async def ask(
        self, username: str, method: str, path: str, json: Any = None, **params: Any
    ) -> httpx2.Response:
        """Sends a request of a program with the token of a person."""
        if self._asking is None:
            self._asking = self.program()
        return await self._asking.request(
            method,
            f"/api/v1/admin/{path}",
            json=json,
            params=params or None,
            headers={"Authorization": f"Bearer {self.tokens[username]}"},
        )

    def program(self) -> httpx2.AsyncClient:
        """Returns a client that is no browser: it sends no Origin."""
        client = self.gateway.in_process_client()
        del client.headers["Origin"]
        return client

    async def session_of(self, username: str) -> str:
        """Returns the session of a person, which is opened if there is none."""
        services = self.gateway.services
        desktops = {desktop.name: desktop for desktop in await services.catalogue.list_all()}
        return (await services.sessions.open(username, desktops["office"])).id


async def _add_accounts(store: Store, usernames: list[str]) -> None:
    """Adds accounts with the password of kim, whose strength and hash need not be computed again."""
    async with store.begin() as db:
        kim = (await db.scalars(select(Account).where(Account.username == "kim"))).one()
        known = {"password_hash": kim.password_hash, "created_s": kim.created_s}
        db.add_all(Account(username=name, display_name=name, **known) for name in usernames)


@asynccontextmanager
async def administration(folder: Path, **options: Any) -> AsyncIterator[Administration]:
    """Runs a gateway with people, groups, a pool and tokens."""
    options = {"served": False, "administration": True} | options
    async with running_gateway(folder, EchoLauncher(), **options) as gateway:
        services = gateway.services
        await _add_accounts(services.store, [name for name in (*ROLES, OUTSIDE, PRIVILEGED) if name != "kim"])
        found = Administration(gateway)
        with mock.patch.object(services.store, "save_copy", mock.AsyncMock()):  # once for each act otherwise
            await _prepare(found)
        yield found


async def _prepare(found: Administration) -> None:
    """Gives the people their groups, roles and tokens, and the server its desktops."""
    services = found.gateway.services
    await services.catalogue.replace((OFFICE, POOL))
    services.pools.use(await services.catalogue.list_all())
    groups, roles = Groups(services.store), RoleAssignments(services.store)
    for name in ("ward-3", "wards", "scratch"):
        await groups.add(name)
    await groups.add_person("ward-3", INSIDE)
    await groups.add_group("wards", "ward-3")
    for username, assignments in {**ROLES, PRIVILEGED: (Assignment(Role.ADMINISTRATOR),)}.items():
        for assignment in assignments:
            await roles.give(Subject.USER, username, assignment)
    tokens = ApiTokens(services.store, now_s=services.web_sessions.now_s)
    for username in ROLES:
        _, found.tokens[username] = await tokens.create(
            f"of-{username}", frozenset(Scope) - FOR_PEOPLE, expires_days=1, owner=username
        )
