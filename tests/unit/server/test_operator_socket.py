"""The socket on which a server takes the requests of the operator's commands."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from display_server.broker.folders import Instance
from display_server.broker.session_state import EndedBy
from display_server.broker.tables import Desktop
from display_server.desktop.pool_settings import PoolSettings
from display_server.server import operator_socket as module
from display_server.server.operator_requests import (
    LINE_MAX_BYTES,
    SOCKET_NAME,
    AccountChanged,
    Answer,
    Answered,
    ChangePlace,
    Done,
    EndSession,
    ListPlaces,
    PlaceList,
    PlaceStatus,
    Refused,
    Request,
    ServerSilent,
    ask,
    ask_all,
)
from display_server.server.operator_socket import operator_socket
from tests.fakes.gateway import GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayUnderTest]:
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        async with running_gateway(Path(folder), EchoLauncher()) as running:
            yield running


@pytest.fixture
async def instance(gateway: GatewayUnderTest) -> AsyncIterator[Instance]:
    """The gateway, listening for operators."""
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        async with operator_socket(Path(folder), gateway.services):
            yield Instance(os.getpid(), "", 0, folder, gateway.url)


async def answer_to(instance: Instance, request: Request) -> Answer:
    return await asyncio.to_thread(ask, instance, request)


def changed(username: str, *, disconnect: bool = True, end_desktops: bool = False) -> AccountChanged:
    return AccountChanged(username, "disabled", "park", disconnect, end_desktops)


async def test_ends_a_desktop(gateway: GatewayUnderTest, instance: Instance) -> None:
    client = await gateway.sign_in()
    shown = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    viewer = await gateway.open_viewer(client)
    assert await answer_to(instance, EndSession(shown, "park")) == Done(ended=["reading"])
    assert gateway.services.sessions.live() == [], "the answer comes when the processes have ended"
    assert gateway.services.sessions.ended_by(shown) is EndedBy.OPERATOR
    await asyncio.wait_for(viewer.wait_closed(), 90)
    again = await answer_to(instance, EndSession(shown, "park"))
    assert isinstance(again, Refused)
    assert "is running" in again.cause


async def test_a_changed_account_loses_its_viewers_and_keeps_its_desktops(
    gateway: GatewayUnderTest, instance: Instance
) -> None:
    kim, lee = await gateway.sign_in("kim"), await gateway.sign_in("lee")
    of_kim = [await gateway.open_viewer(kim), await gateway.open_viewer(kim, desktop="office")]
    async with await gateway.open_viewer(lee, desktop="office") as of_lee:
        answer = await answer_to(instance, changed("kim"))
        assert isinstance(answer, Done)
        assert (answer.viewers, sorted(answer.running), answer.ended) == (2, ["office", "reading"], [])
        for viewer in of_kim:
            await asyncio.wait_for(viewer.wait_closed(), 90)
        await of_lee.send("still there")
        assert await of_lee.recv() == "still there"
    assert len(gateway.services.sessions.live()) == 3


async def test_ends_the_desktops_of_a_changed_account(gateway: GatewayUnderTest, instance: Instance) -> None:
    kim, lee = await gateway.sign_in("kim"), await gateway.sign_in("lee")
    for client, name in ((kim, "reading"), (kim, "office"), (lee, "office")):
        await client.post(f"/api/v1/desktops/{name}/viewers")
    answered = await asyncio.to_thread(ask_all, [instance], changed("kim", end_desktops=True))
    assert answered == Answered(servers=1, viewers=0, ended=("reading", "office"), running=())
    assert [session.spec.user for session in gateway.services.sessions.live()] == ["lee"]


async def test_an_account_that_is_only_enabled_loses_nothing(
    gateway: GatewayUnderTest, instance: Instance
) -> None:
    async with await gateway.open_viewer(await gateway.sign_in()) as viewer:
        assert await answer_to(instance, changed("kim", disconnect=False)) == Done(running=["reading"])
        await viewer.send("still there")
        assert await viewer.recv() == "still there"


async def test_desktops_of_a_dedicated_pool_are_assigned_and_released(
    gateway: GatewayUnderTest, instance: Instance
) -> None:
    pools = gateway.services.pools
    pool = PoolSettings(maximum=1, kind="dedicated")
    desktops = [Desktop(name="ward", profile="blank", pool=msgspec.json.encode(pool).decode())]
    pools.use([*desktops, Desktop(name="floating", profile="blank", pool='{"maximum": 1}')])
    assigned = PlaceList([PlaceStatus(1, "kim", "assigned", None)])
    assert await answer_to(instance, ChangePlace("ward", "Kim", "assign", "root")) == assigned
    assert await answer_to(instance, ListPlaces("ward")) == assigned
    for request, cause in (
        (ChangePlace("ward", "lee", "assign", "root"), "in use"),
        (ChangePlace("ward", "lee", "release", "root"), "is assigned to 'lee'"),
        (ChangePlace("ward", "a/b", "assign", "root"), "cannot be a username"),
        (ChangePlace("floating", "kim", "assign", "root"), "is not dedicated"),
        (ChangePlace("none", "kim", "assign", "root"), "is a dedicated pool"),
        (ListPlaces("floating"), "is a dedicated pool"),
        (ListPlaces("none"), "is a dedicated pool"),
    ):
        refused = await answer_to(instance, request)
        assert isinstance(refused, Refused)
        assert cause in refused.cause
    released = await answer_to(instance, ChangePlace("ward", "kim", "release", "root"))
    assert released == PlaceList([PlaceStatus(1, "kim", "released", None)])


async def test_only_the_servers_own_user_and_root_are_served(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (Path(instance.run_folder) / SOCKET_NAME).stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(module, "peer_uid", lambda _connection: os.geteuid() + 12345)
    answer = await answer_to(instance, changed("kim"))
    assert isinstance(answer, Refused)
    assert "Only the user" in answer.cause


@pytest.mark.parametrize(
    "line",
    [b"\n", b"nonsense\n", b'{"type":"reboot"}\n', b"[1]\n", b"x" * (LINE_MAX_BYTES + 10) + b"\n", b"{"],
)
async def test_refuses_what_it_does_not_understand(instance: Instance, line: bytes) -> None:
    def exchange() -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(Path(instance.run_folder) / SOCKET_NAME))
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536)

    assert b'"refused"' in await asyncio.to_thread(exchange)


def test_a_server_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ServerSilent, match="process id 7 did not answer"):
        ask(Instance(7, "", 0, str(tmp_path), "https://localhost"), changed("kim"))
