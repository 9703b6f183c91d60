"""The supervisor's control socket and the launcher's side of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.broker.launchers.supervisor_connection import request_of_supervisor
from display_server.desktop.spec import ControlRequest
from display_server.supervisor.control import ControlSocket


async def test_no_request_is_lost_although_the_status_is_sent_at_the_same_time(tmp_path: Path) -> None:
    restarts: list[None] = []
    path = tmp_path / "control.sock"
    socket = ControlSocket(path, {ControlRequest.RESTART_DISPLAY: lambda: restarts.append(None)})
    await socket.start()
    socket.publish(b'{"state":"ready"}')
    try:
        for number in range(1, 101):
            await request_of_supervisor(path, ControlRequest.RESTART_DISPLAY)
            assert len(restarts) == number
    finally:
        socket.close()


async def test_a_supervisor_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await request_of_supervisor(tmp_path / "control.sock", ControlRequest.RESTART_DISPLAY)
