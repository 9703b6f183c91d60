"""Who may use which route of the administration API, for whose objects: generated from the table of routes.

A new route needs an entry in the table, and a request here; without either, a test fails.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from display_server.broker.api.admin.acting import OF_OPERATOR, Acting
from display_server.broker.api.admin.errors import NotAllowedError
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.admin.routes import BY_ADDRESS, ROUTES, Route
from display_server.broker.api_tokens import ApiTokens, TokenInfo
from display_server.broker.audit.actor import operator_actor
from display_server.broker.audit.entry import NOWHERE
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.role_assignments import RoleAssignments
from display_server.broker.roles import Assignment, Role, Target, limits_of, role_for
from display_server.broker.scopes import FOR_PEOPLE, Scope
from display_server.errors import Malfunction
from tests.fakes.administration import INSIDE, OUTSIDE, PRIVILEGED, ROLES, Administration, administration

#: What a request is about, seen by whoever sends it.
OWN, SYSTEM, POOL, LIST = "own", "the system", "the pool ward", "a list"
PEOPLE = (OWN, INSIDE, OUTSIDE, PRIVILEGED)


@dataclasses.dataclass(frozen=True)
class Sample:
    """Requests of one route: for each object, the path, the body and the query."""

    objects: tuple[str, ...]
    make: Callable[[Administration, str], Awaitable[tuple[str, Any, dict[str, str]]]]


def fixed(path: str, *objects: str, body: Any = None, **query: str) -> Sample:
    async def make(_found: Administration, username: str) -> tuple[str, Any, dict[str, str]]:
        return path.format(name=username), body, query

    return Sample(objects, make)


def of_person(path: str, body: Any = None) -> Sample:
    return fixed(path, *PEOPLE, body=body)


def of_session(act: str, body: Any = None) -> Sample:
    async def make(found: Administration, username: str) -> tuple[str, Any, dict[str, str]]:
        return f"sessions/{await found.session_of(username)}{act}", body, {}

    return Sample(PEOPLE, make)


async def _why(_found: Administration, username: str) -> tuple[str, Any, dict[str, str]]:
    return "why", None, {"person": username, "desktop": "office"}


async def _effective_policy(_found: Administration, username: str) -> tuple[str, Any, dict[str, str]]:
    return "policies/effective", None, {"person": username, "desktop": "office"}


async def _policy(found: Administration, _username: str) -> tuple[str, Any, dict[str, str]]:
    await found.ask("park", "PUT", "policies/quick", {"values": {"idle_lock_minutes": 5}})
    return "policies/quick", None, {}


async def _new_role(_found: Administration, username: str) -> tuple[str, Any, dict[str, str]]:
    return "roles", {"subject": "user", "name": username, "role": "helpdesk"}, {}


async def _entitlement(found: Administration, _username: str) -> tuple[str, Any, dict[str, str]]:
    await found.ask("park", "POST", "entitlements", {"desktop": "office", "subject": "user", "name": "lee"})
    listed = (await found.ask("park", "GET", "entitlements")).json()["items"]
    return f"entitlements/{next(one['id'] for one in listed if one['origin'] == 'command')}", None, {}


async def _role(found: Administration, username: str) -> tuple[str, Any, dict[str, str]]:
    """A role of the person, given now if they have none; one that does not exist for kim, who gets none."""
    roles = RoleAssignments(found.gateway.services.store)
    if username in {INSIDE, OUTSIDE}:
        await roles.give(Subject.USER, username, Assignment(Role.HELPDESK))
    listed = await roles.list_all()
    return f"roles/{next((one.id for one in listed if one.name == username), 999_999)}", None, {}


def of_device(act: str, body: Any = None) -> Sample:
    """A request about a device that was just enrolled, unless one is."""

    async def make(found: Administration, _username: str) -> tuple[str, Any, dict[str, str]]:
        devices = found.gateway.services.devices
        if not (listed := await devices.list_all()):
            await devices.enrol_by_code(
                await devices.make_code("ward-3-07", "Ward 3", [], operator_actor("park")), origin=NOWHERE
            )
            listed = await devices.list_all()
        return f"devices/{listed[0].facts.id}/{act}", body, {}

    return Sample((SYSTEM,), make)


#: A request for each route of the table.
SAMPLES: dict[str, Sample] = {
    "GET me": fixed("me", LIST),
    "GET events": fixed("events", LIST),
    "GET overview": fixed("overview", LIST),
    "GET pools": fixed("pools", LIST),
    "GET pools/{name}": fixed("pools/ward", POOL),
    "POST pools/{name}/maintenance": fixed("pools/ward/maintenance", POOL, body={"on": False}),
    "POST pools/{name}/retry": fixed("pools/ward/retry", POOL),
    "GET pools/{name}/assignments": fixed("pools/ward/assignments", POOL),
    "POST pools/{name}/assign": fixed("pools/ward/assign", POOL, body={"person": "lee"}),
    "POST pools/{name}/release": fixed("pools/ward/release", POOL, body={"person": "lee"}),
    "POST pools/{name}/recompose": fixed("pools/ward/recompose", POOL, body={"version": "2"}),
    "POST pools/{name}/rollback": fixed("pools/ward/rollback", POOL),
    "GET sessions": fixed("sessions", LIST),
    "GET sessions/{id}": of_session(""),
    "POST sessions/{id}/end": of_session("/end"),
    "POST sessions/{id}/restart": of_session("/restart"),
    "POST sessions/{id}/message": of_session("/message", {"text": "Please save your work."}),
    "GET people": fixed("people", LIST),
    "GET people/{name}": of_person("people/{name}"),
    "POST people": fixed("people", SYSTEM, body={"name": "new", "password": "quiet river copper lamp"}),
    "POST people/{name}/disable": of_person("people/{name}/disable", {}),
    "POST people/{name}/enable": of_person("people/{name}/enable"),
    "POST people/{name}/sign-out": of_person("people/{name}/sign-out"),
    "POST people/{name}/reset-password": of_person("people/{name}/reset-password", {}),
    "POST people/{name}/reset-second-factor": of_person("people/{name}/reset-second-factor"),
    "GET groups": fixed("groups", LIST),
    "GET groups/{name}": fixed("groups/ward-3", INSIDE),
    "POST groups": fixed("groups", SYSTEM, body={"name": "night"}),
    "DELETE groups/{name}": fixed("groups/night", SYSTEM),
    "POST groups/{name}/members": fixed("groups/scratch/members", SYSTEM, body={"member": "shin"}),
    "DELETE groups/{name}/members/{member}": fixed("groups/scratch/members/shin", SYSTEM),
    "GET entitlements": fixed("entitlements", LIST),
    "POST entitlements": fixed(
        "entitlements", SYSTEM, body={"desktop": "ward", "subject": "user", "name": "shin"}
    ),
    "DELETE entitlements/{id}": Sample((SYSTEM,), _entitlement),
    "GET why": Sample(PEOPLE, _why),
    "GET roles": fixed("roles", SYSTEM),
    "POST roles": Sample((OWN, INSIDE, OUTSIDE), _new_role),
    "DELETE roles/{id}": Sample((OWN, INSIDE, OUTSIDE), _role),
    "GET policies": fixed("policies", SYSTEM),
    "GET policies/keys": fixed("policies/keys", SYSTEM),
    "GET policies/effective": Sample(PEOPLE, _effective_policy),
    "PUT policies/{id}": fixed("policies/quick", SYSTEM, body={"values": {"idle_lock_minutes": 5}}),
    "DELETE policies/{id}": Sample((SYSTEM,), _policy),
    "GET devices": fixed("devices", SYSTEM),
    "POST devices": fixed(
        "devices", SYSTEM, body={"name": "ward-3-08", "place": "Ward 3", "tags": ["kiosk"]}
    ),
    "POST devices/{id}/change": of_device("change", {"tags": ["ward-3"]}),
    "POST devices/{id}/revoke": of_device("revoke"),
    "GET audit": fixed("audit", SYSTEM),
    "GET audit/verification": fixed("audit/verification", SYSTEM),
    "GET health": fixed("health", SYSTEM),
    "GET use": fixed("use", SYSTEM),
    "GET tokens": fixed("tokens", SYSTEM),
    "POST tokens": fixed("tokens", SYSTEM, body={"name": "report", "expires_days": 1}),
    "DELETE tokens/{id}": fixed("tokens/1", SYSTEM),
}


@pytest.fixture
async def found(folder: Path) -> AsyncIterator[Administration]:
    async with administration(folder) as running:
        yield running


def expected(username: str, route: Route, about: str) -> bool:
    """Returns whether the table and the rights of the roles let a person use a route for an object."""
    roles = ROLES[username]
    if route.scope in FOR_PEOPLE:
        return False  # every request of the matrix has a token
    if route.act is None:
        return bool(roles)
    if limits_of(roles, route.act) is None:
        return False
    targets = {
        SYSTEM: Target(),
        POOL: Target(desktop="ward"),
        OWN: Target(username),
        INSIDE: Target(INSIDE, {"ward-3", "wards"}),
        OUTSIDE: Target(OUTSIDE),
        PRIVILEGED: Target(PRIVILEGED, privileged=True),
    }
    return about == LIST or role_for(username, roles, route.act, targets[about]) is not None


def test_there_is_a_request_for_every_route() -> None:
    assert set(SAMPLES) == {str(route) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_is_consistent(route: Route) -> None:
    assert route.scope is None or route.scope.reads != route.changes
    assert route.method in {"GET", "POST", "PUT", "DELETE"}


async def test_the_matrix(found: Administration) -> None:
    wrong = []
    asked = 0
    for route in ROUTES:
        sample = SAMPLES[str(route)]
        for username in ROLES:
            for about in sample.objects:
                allowed = expected(username, route, about)
                if allowed and route.path == "events":
                    continue  # its answer never ends; test_admin_events.py has it
                path, body, query = await sample.make(found, username if about == OWN else about)
                answer = await found.ask(username, route.method, path, body, **query)
                asked += 1
                code = answer.json().get("code") if answer.status_code >= 400 else None
                refused = answer.status_code in {403, 404} and code in {
                    "no-role",
                    "not-permitted",
                    "not-found",
                }
                if refused == allowed or answer.status_code in {401, 422, 500, 503}:
                    wrong.append((username, str(route), about, answer.status_code, code))
    assert wrong == []
    assert asked > 300


async def test_without_a_sign_in_and_without_a_token_nothing_is_open(found: Administration) -> None:
    stranger = found.gateway.in_process_client()
    for route in ROUTES:
        answer = await stranger.request(route.method, f"/api/v1/admin/{route.path}", json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "signed-out"), route
    answer = await stranger.get("/api/v1/admin/me", headers={"Authorization": "Bearer lbt_wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad-token")


async def test_a_token_without_scopes_may_do_nothing(found: Administration) -> None:
    services = found.gateway.services
    _, secret = await ApiTokens(services.store).create("empty", (), expires_days=1)
    async with found.program() as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        for route in ROUTES:
            if route.scope is not None:
                answer = await client.request(route.method, f"/api/v1/admin/{route.path}")
                assert (answer.status_code, answer.json()["code"]) == (403, "no-role"), route
        assert (await client.get("/api/v1/admin/me")).json()["scopes"] == []


def acting(route: Route, scopes: set[Scope], *, read_only: bool) -> Acting:
    token = TokenInfo(1, "report", frozenset(scopes), read_only, None, "root", 0, 1, None)
    return Acting(route, "", "report", OF_OPERATOR, NOWHERE, token=token)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scope is not None], ids=str)
def test_a_token_needs_the_scope_of_the_route(route: Route) -> None:
    """A token that only reads changes nothing, even if the database says that it has such a scope."""
    assert route.scope is not None
    acting(route, {route.scope}, read_only=False).require_route()
    with pytest.raises(NotAllowedError):
        acting(route, set(Scope) - {route.scope}, read_only=False).require_route()
    reading = acting(route, set(Scope), read_only=True)
    if route.changes:
        with pytest.raises(NotAllowedError):
            reading.require_route()
    else:
        reading.require_route()


async def test_only_the_table_can_be_registered(found: Administration) -> None:
    admin = AdminRoutes(found.gateway.services)
    with pytest.raises(Malfunction, match="not in the table"):
        admin.route("GET", "everything")
    admin.route("GET", "me")
    with pytest.raises(Malfunction, match="registered twice"):
        admin.route("GET", "me")
    with pytest.raises(Malfunction, match="missing: GET events"):
        admin.add_to(FastAPI())


async def test_the_document_has_the_table(found: Administration) -> None:
    """Nothing below this address is open without an entry in the table."""
    client = await found.gateway.sign_in("park")
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    prefix = "/api/v1/admin/"
    documented = {
        (method.upper(), path.removeprefix(prefix))
        for path, methods in paths.items()
        if path.startswith(prefix)
        for method in methods
    }
    assert documented == set(BY_ADDRESS)
