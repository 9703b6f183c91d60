"""Desktops that people, operators and limits end, as browsers notice it."""

from __future__ import annotations

import asyncio
import os

import httpx2
import pytest

from display_server.broker.api.desktop_endings import end_session
from display_server.broker.busy_processes import BUSY_AFTER_S, BusyProcess, ProcessSample
from display_server.broker.session_state import EndedBy
from display_server.protocol.close_codes import CloseCode
from display_server.server.unattended_watch import end_unattended, report_busy_processes
from tests.fakes.gateway import MAY_READ_METRICS, GatewayUnderTest
from tests.fakes.launchers import EchoLauncher, FakeDesktop


async def entry(client: httpx2.AsyncClient, name: str) -> dict[str, object]:
    listed = (await client.get("/api/v1/desktops")).json()
    found: dict[str, object] = next(desktop for desktop in listed if desktop["name"] == name)
    return found


async def test_a_person_ends_their_own_desktop(gateway: GatewayUnderTest, launcher: EchoLauncher) -> None:
    client = await gateway.sign_in()
    first = (await client.post("/api/v1/desktops/reading/viewers")).json()
    viewer = await gateway.open_viewer(client)
    assert (await client.post("/api/v1/desktops/reading/end")).status_code == 204
    await asyncio.wait_for(viewer.wait_closed(), 90)
    assert viewer.close_code == CloseCode.ABNORMAL, "the viewer reconnects and learns why"
    assert (await entry(client, "reading"))["state"] == "ended"
    answer = await client.post(f"/api/v1/desktops/reading/viewers?resume={first['session']}")
    assert (answer.status_code, answer.json()["code"]) == (410, "desktop-ended-by-you")
    again = await client.post("/api/v1/desktops/reading/viewers")
    assert again.status_code == 201
    assert again.json()["session"] != first["session"]
    assert launcher.started[0].stops == 1


async def test_only_the_own_desktop_can_be_ended(local_gateway: GatewayUnderTest) -> None:
    kim, lee = await local_gateway.sign_in("kim"), await local_gateway.sign_in("lee")
    await kim.post("/api/v1/desktops/office/viewers")
    for name in ("office", "reading", "nonsense"):
        answer = await lee.post(f"/api/v1/desktops/{name}/end")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-running")
    assert (await entry(kim, "office"))["state"] == "ready"
    stranger = local_gateway.in_process_client()
    assert (await stranger.post("/api/v1/desktops/office/end")).status_code == 401


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (EndedBy.OPERATOR, "desktop-ended-by-operator"),
        (EndedBy.UNATTENDED, "desktop-ended-unattended"),
        (EndedBy.SERVER, "desktop-ended"),
    ],
)
async def test_a_viewer_learns_who_ended_its_desktop(
    local_gateway: GatewayUnderTest, by: EndedBy, code: str
) -> None:
    client = await local_gateway.sign_in()
    shown = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    (session,) = local_gateway.services.sessions.live()
    end_session(local_gateway.services, session, by)
    answer = await client.post(f"/api/v1/desktops/reading/viewers?resume={shown}")
    assert (answer.status_code, answer.json()["code"]) == (410, code)


async def test_the_list_says_when_an_unattended_desktop_ends(gateway: GatewayUnderTest) -> None:
    services = gateway.services
    now_s = 1000.0
    services.monotonic_s = lambda: now_s
    services.unattended.use_limit(7200)
    client = await gateway.sign_in()
    assert (await entry(client, "reading"))["ends_in_s"] is None, "it does not run"
    async with await gateway.open_viewer(client):
        end_unattended(services)
        assert (await entry(client, "reading"))["ends_in_s"] is None, "somebody displays it"
        now_s += 9000
        end_unattended(services)
    async with asyncio.timeout(90):
        while services.viewers.open:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
    end_unattended(services)
    now_s += 3600
    end_unattended(services)
    assert (await entry(client, "reading"))["ends_in_s"] == 3600
    now_s += 3600
    end_unattended(services)
    assert (await entry(client, "reading"))["state"] == "ended"


async def test_a_desktop_that_is_being_opened_is_not_ended(local_gateway: GatewayUnderTest) -> None:
    services = local_gateway.services
    now_s = 0.0
    services.monotonic_s = lambda: now_s
    client = await local_gateway.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    services.unattended.use_limit(60)
    end_unattended(services)
    now_s = 60.0
    await client.post("/api/v1/desktops/reading/viewers")  # its ticket has not been used yet
    end_unattended(services)
    assert (await entry(client, "reading"))["state"] == "ready"


async def test_the_metrics_count_unattended_desktops_and_busy_programs(
    local_gateway: GatewayUnderTest,
) -> None:
    services = local_gateway.services
    client = await local_gateway.sign_in()
    session = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    end_unattended(services)
    for now_s in (0, BUSY_AFTER_S):
        services.busy_processes.observe([(session, ProcessSample(7, 1, "viewer", now_s))], now_s)
    text = (await client.get("/metrics", headers=MAY_READ_METRICS)).text
    assert "lightbox_unattended_desktops 1.0" in text
    assert f'lightbox_unattended_busy_processes{{session="{session}"}} 1.0' in text


async def test_busy_programs_are_found_in_the_containers_of_isolated_desktops(
    local_gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pids that a container's supervisor publishes are other processes on this host."""
    services = local_gateway.services
    client = await local_gateway.sign_in()
    session = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    running = services.sessions.by_id(session)
    assert running is not None
    assert isinstance(running.running, FakeDesktop)
    running.running.isolated = True
    end_unattended(services)
    seen: list[tuple[str, ProcessSample]] = []

    def observe(samples: list[tuple[str, ProcessSample]], now_s: float) -> list[BusyProcess]:
        seen.extend(samples)
        return []

    found = {session: {7: os.getpid()}}
    monkeypatch.setattr("display_server.server.unattended_watch.container_processes", lambda: found)
    monkeypatch.setattr(services.busy_processes, "observe", observe)
    await report_busy_processes(services)
    assert [(id_, sample.pid) for id_, sample in seen] == [(session, os.getpid())]
