"""What a person meets at an address: the list of desktops, and addresses at which there is nothing."""

from __future__ import annotations

import pytest

from display_server.broker.people.access_paths import Subject
from display_server.broker.people.role_assignments import RoleAssignments
from display_server.broker.roles import Assignment, Role, ScopeKind
from tests.fakes.gateway import GatewayUnderTest

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_the_list_names_each_desktop_in_every_language(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    reading, office = (await client.get("/api/v1/desktops")).json()
    assert reading["titles"] == {"en": "Reading room", "ko": "Reading room"}
    assert (office["name"], office["profile"], office["kind"]) == ("office", "office", "desktop")


async def test_the_page_learns_the_roles_of_its_person(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    assert (await client.get("/api/v1/me")).json()["roles"] == []
    roles = RoleAssignments(local_gateway.services.store)
    await roles.give(Subject.USER, "kim", Assignment(Role.AUDITOR))
    await roles.give(Subject.USER, "kim", Assignment(Role.HELPDESK, ScopeKind.DESKTOP, "office"))
    await roles.give(Subject.USER, "kim", Assignment(Role.HELPDESK, ScopeKind.DESKTOP, "reading"))
    assert (await client.get("/api/v1/me")).json()["roles"] == ["auditor", "helpdesk"]


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/people/kim%20min"])
async def test_addresses_of_the_administration_have_the_page_of_the_client(
    local_gateway: GatewayUnderTest, path: str
) -> None:
    answer = await local_gateway.in_process_client().get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/nowhere", "/desktop/", "/desktop/reading/more", "/check", "/%2e%2e/x"])
async def test_a_browser_gets_a_page_at_an_unknown_address(
    local_gateway: GatewayUnderTest, path: str
) -> None:
    client = local_gateway.in_process_client()
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.content == (await client.get("/")).content
    program = await client.get(path)
    assert (program.status_code, program.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/assets/none.js"])
async def test_programs_and_scripts_never_get_a_page_instead(
    local_gateway: GatewayUnderTest, path: str
) -> None:
    answer = await local_gateway.in_process_client().get(path, headers=BROWSER)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
